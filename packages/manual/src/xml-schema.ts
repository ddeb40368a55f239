/**
 * The attributes' schemas as an XML Schema (W3C, 1.0) for editors.
 *
 * What it cannot say, it leaves open: which attributes a tester takes depends on its `proto`, so `<tester>` and `<real>`
 * may have those of all, and further ones for testers of others. It is never stricter than the program with `--strict`.
 *
 * @module
 */
import { BUILT_IN_TESTERS } from '@surealived/testers/registry';
import { RealAttributes, TesterAttributes, VirtualAttributes } from 'surealived/config/schema';
import { type AttributeEntry, attributeEntries } from './attributes.js';
import { type Markup, printMarkup, tag } from './xml-markup.js';
import { SHARED_TYPES, typeOf, unionOf, type XmlType } from './xml-types.js';

export function printXmlSchema(): string {
  const schema = tag('xs:schema', { 'xmlns:xs': 'http://www.w3.org/2001/XMLSchema' }, [
    documentation('Services of surealived, see surealived.xml(5).'),
    tag('xs:element', { name: 'surealived' }, [
      documentation('All services.'),
      tag('xs:complexType', {}, [
        tag('xs:sequence', {}, [
          tag('xs:element', { name: 'virtual', type: 'virtual', minOccurs: '0', maxOccurs: 'unbounded' }, [
            tag('xs:unique', { name: 'realOnce' }, [
              documentation('No real stands in a virtual twice.'),
              tag('xs:selector', { xpath: 'real' }),
              tag('xs:field', { xpath: '@addr' }),
              tag('xs:field', { xpath: '@port' }),
            ]),
          ]),
        ]),
      ]),
    ]),
    virtualType(),
    elementType('tester', 'How the reals of a virtual are tested.', [
      ...attributeEntries(TesterAttributes).map((entry) => ownAttribute(entry)),
      ...testerAttributes(),
      OTHER_ATTRIBUTES,
    ]),
    elementType('real', 'A server.', [
      ...attributeEntries(RealAttributes).map((entry) => ownAttribute(entry)),
      ...testerAttributes(),
      OTHER_ATTRIBUTES,
    ]),
    ...SHARED_TYPES,
  ]);
  return `<?xml version="1.0" encoding="UTF-8"?>
<!-- Written by "npm run manual": change packages/manual or the schemas instead. -->
${printMarkup(schema)}`;
}

const OTHER_ATTRIBUTES = tag('xs:anyAttribute', { processContents: 'lax' }, [
  documentation('The attributes of testers that do not come with surealived.'),
]);

/** One tester and any number of reals, in any order. */
function virtualType(): Markup {
  const reals = tag('xs:element', { name: 'real', type: 'real', minOccurs: '0', maxOccurs: 'unbounded' });
  return tag('xs:complexType', { name: 'virtual' }, [
    documentation('A virtual service, with its tester and its reals.'),
    tag('xs:sequence', {}, [reals, tag('xs:element', { name: 'tester', type: 'tester' }), reals]),
    ...attributeEntries(VirtualAttributes).map((entry) => ownAttribute(entry)),
  ]);
}

function elementType(name: string, description: string, attributes: readonly Markup[]): Markup {
  return tag('xs:complexType', { name }, [documentation(description), ...attributes]);
}

/** An attribute of the element itself. */
function ownAttribute({
  name,
  schema,
  description,
  expected,
  isMandatory,
  defaultText,
}: AttributeEntry): Markup {
  const use = isMandatory ? { use: 'required' } : {};
  const fallback = defaultText === undefined ? {} : { default: defaultText };
  if (name === 'proto' && schema.enum === undefined)
    return attribute(name, use, `${description} ${expected}.`, testerName());
  return attribute(name, { ...use, ...fallback }, describe(description, expected), typeOf(schema));
}

/** The attributes of all testers; one that several have is whatever any of them takes. */
function testerAttributes(): readonly Markup[] {
  const groups = new Map<string, { readonly tester: string; readonly entry: AttributeEntry }[]>();
  for (const { name: tester, attributes } of BUILT_IN_TESTERS) {
    for (const entry of attributeEntries(attributes))
      groups.set(entry.name, [...(groups.get(entry.name) ?? []), { tester, entry }]);
  }
  return [...groups].map(([name, group]) => {
    const texts = group.map(({ tester, entry }) => `Tester ${tester}: ${describeForTester(entry)}`);
    const types = new Map(
      group.map(({ entry }) => typeOf(entry.schema)).map((type) => [JSON.stringify(type), type]),
    );
    const [first = 'xs:string', ...others] = types.values();
    return attribute(name, {}, texts.join('\n'), others.length === 0 ? first : unionOf([first, ...others]));
  });
}

function describeForTester({ description, expected, isMandatory, defaultText }: AttributeEntry): string {
  const fallback = defaultText === undefined ? '' : ` Default: ${defaultText}.`;
  const mandatory = isMandatory ? ' Mandatory, on the tester or on each real.' : '';
  return `${describe(description, expected)}${fallback}${mandatory}`;
}

/** The testers we know, for completion, and any other. */
function testerName(): Markup {
  const names = BUILT_IN_TESTERS.map(({ name, description }) =>
    tag('xs:enumeration', { value: name }, [documentation(description)]),
  );
  return tag('xs:simpleType', {}, [
    tag('xs:union', {}, [
      tag('xs:simpleType', {}, [tag('xs:restriction', { base: 'xs:string' }, names)]),
      tag('xs:simpleType', {}, [
        tag('xs:restriction', { base: 'xs:string' }, [tag('xs:minLength', { value: '1' })]),
      ]),
    ]),
  ]);
}

function attribute(
  name: string,
  rest: Readonly<Record<string, string>>,
  description: string,
  type: XmlType,
): Markup {
  return typeof type === 'string'
    ? tag('xs:attribute', { name, type, ...rest }, [documentation(description)])
    : tag('xs:attribute', { name, ...rest }, [documentation(description), type]);
}

function describe(description: string, expected: string): string {
  return `${description} Expected: ${expected}.`;
}

function documentation(content: string): Markup {
  return tag('xs:annotation', {}, [
    tag('xs:documentation', { 'xml:lang': 'en' }, content.replaceAll('`', '')),
  ]);
}
