/**
 * JSON Schema of one attribute to a simple type of XML Schema. Where XML Schema knows less, the type takes more.
 *
 * @module
 */
import { MAX_NAME_BYTES } from '@surealived/shared/model';
import type { AttributeSchema } from './attributes.js';
import { type Markup, tag } from './xml-markup.js';

/** The name of a shared type, or a type of its own. */
export type XmlType = string | Markup;

const FLAG = 'flag';
const ADDRESS = 'unicastAddress';

const IPV4_BYTE = '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';
/** Without 224 to 239: multicast. */
const IPV4_FIRST_BYTE = '(25[0-5]|24[0-9]|22[0-3]|2[01][0-9]|1[0-9][0-9]|[1-9]?[0-9])';
const IPV4 = `${IPV4_FIRST_BYTE}(\\.${IPV4_BYTE}){3}`;
/** Without ff00::/8: multicast. The rest of an address is looked at loosely. */
const IPV6_FIRST_GROUP = '([0-9a-eA-E][0-9a-fA-F]{3}|[fF][0-9a-eA-E][0-9a-fA-F]{2}|[0-9a-fA-F]{1,3})?';
const IPV6 = `${IPV6_FIRST_GROUP}:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*`;

export const SHARED_TYPES: readonly Markup[] = [
  restriction(
    'xs:string',
    [pattern('0|1|[tT][rR][uU][eE]|[fF][aA][lL][sS][eE]|[oO][nN]|[oO][fF][fF]')],
    FLAG,
  ),
  restriction('xs:string', [pattern(IPV4), pattern(IPV6)], ADDRESS),
];

export function typeOf(schema: AttributeSchema): XmlType {
  if (schema.enum) {
    return restriction(
      'xs:string',
      schema.enum.map((value) => tag('xs:enumeration', { value })),
    );
  }
  if (schema.format === 'unicast-address') return ADDRESS;
  switch (schema.type) {
    case 'boolean':
      return FLAG;
    case 'integer':
      return restriction('xs:integer', [...range(schema), pattern('[+\\-]?[0-9]{1,15}')]);
    case 'number':
      return restriction('xs:decimal', [...range(schema), pattern('[+\\-]?[0-9]{1,15}(\\.[0-9]{1,9})?')]);
    default:
      return textType(schema);
  }
}

/** What takes everything that one of the types takes. */
export function unionOf(types: readonly XmlType[]): Markup {
  const members = types.map((type) => (typeof type === 'string' ? restriction(type, []) : type));
  return tag('xs:simpleType', {}, [tag('xs:union', {}, members)]);
}

function textType({ pattern: expression, minLength, maxLength, format }: AttributeSchema): XmlType {
  const longest = format === 'name' ? MAX_NAME_BYTES : maxLength; // no name has more characters than bytes
  const facets = [
    ...(minLength === undefined && format !== 'name' ? [] : [facet('minLength', minLength ?? 1)]),
    ...(longest === undefined ? [] : [facet('maxLength', longest)]),
    ...(expression === undefined ? [] : translatePattern(expression).map(pattern)),
  ];
  return facets.length === 0 ? 'xs:string' : restriction('xs:string', facets);
}

/** Patterns of XML Schema are anchored, and know neither look-ahead nor escapes by number: such a pattern is left out. */
function translatePattern(expression: string): readonly string[] {
  const [, inner] = /^\^(.*)\$$/s.exec(expression) ?? [];
  return inner === undefined || /\(\?|\\[^.\\/-]/.test(inner) ? [] : [inner];
}

function range({ minimum, maximum }: AttributeSchema): readonly Markup[] {
  return [
    ...(minimum === undefined ? [] : [facet('minInclusive', minimum)]),
    ...(maximum === undefined ? [] : [facet('maxInclusive', maximum)]),
  ];
}

function restriction(base: string, facets: readonly Markup[], name?: string): Markup {
  return tag('xs:simpleType', name === undefined ? {} : { name }, [tag('xs:restriction', { base }, facets)]);
}

function pattern(value: string): Markup {
  return tag('xs:pattern', { value });
}

function facet(name: string, value: number): Markup {
  return tag(`xs:${name}`, { value: String(value) });
}
