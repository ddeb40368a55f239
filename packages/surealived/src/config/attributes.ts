/**
 * Attribute texts to typed values by their schema, with messages for people.
 *
 * @module
 */
import { isMulticast, parseAddress } from '@surealived/shared/address';
import { MAX_NAME_BYTES } from '@surealived/shared/model';
import { nearestName } from '@surealived/shared/nearest-name';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { Static, TObject, TSchema } from 'typebox';
import type { Attribute } from './xml.js';

/** What is wrong with one attribute; `attribute` is absent when it is missing from the element. */
export interface AttributeProblem {
  readonly name: string;
  readonly attribute: Attribute | undefined;
  readonly message: string;
  readonly isWarning?: boolean | undefined;
}

interface AttributeSchema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly expected?: string;
}

const ajv = new Ajv({ allErrors: true, strict: false, useDefaults: true, verbose: true });
ajv.addFormat('name', (text: string) => isName(text));
ajv.addFormat('unicast-address', (text: string) => {
  const address = parseAddress(text);
  return address !== undefined && !isMulticast(address);
});

/** Checks and converts the attributes of one kind of element; compiled once, used for every such element. */
export class AttributeReader<T extends TObject> {
  readonly #properties: Readonly<Record<string, AttributeSchema>>;
  readonly #validate: ValidateFunction;

  constructor(schema: T) {
    this.#properties = schema.properties as Record<string, TSchema> as Record<string, AttributeSchema>;
    this.#validate = ajv.compile(schema);
  }

  get names(): readonly string[] {
    return Object.keys(this.#properties);
  }

  /**
   * Typed values of the attributes that this reader knows, defaults filled in; others are left alone.
   *
   * @param report Called once for each attribute that is missing or wrong; the result must then not be used.
   */
  read(attributes: ReadonlyMap<string, Attribute>, report: (problem: AttributeProblem) => void): Static<T> {
    const values: Record<string, unknown> = {};
    for (const [name, schema] of Object.entries(this.#properties)) {
      const attribute = attributes.get(name);
      if (attribute) values[name] = convert(attribute.value, schema);
    }
    if (!this.#validate(values)) this.#reportAll(attributes, report);
    return values as Static<T>;
  }

  #reportAll(attributes: ReadonlyMap<string, Attribute>, report: (problem: AttributeProblem) => void): void {
    const reported = new Set<string>();
    for (const error of this.#validate.errors ?? []) {
      const name = attributeOf(error);
      if (reported.has(name)) continue;
      reported.add(name);
      const attribute = attributes.get(name);
      const expected = describeExpected(this.#properties[name] ?? {});
      const got = attribute ? `, got ${quote(attribute.value)}` : '';
      const missing = attribute ? '' : 'missing, ';
      report({ name, attribute, message: `attribute "${name}": ${missing}expected ${expected}${got}` });
    }
  }
}

/** A warning for each attribute that no reader knows, naming the known one that is nearest. */
export function findUnknown(
  attributes: ReadonlyMap<string, Attribute>,
  known: readonly string[],
): readonly AttributeProblem[] {
  const names = new Set(known);
  return [...attributes.values()]
    .filter(({ name }) => !names.has(name))
    .map((attribute) => {
      const nearest = nearestName(attribute.name, known);
      const hint = nearest === undefined ? '' : `, did you mean "${nearest}"?`;
      return {
        name: attribute.name,
        attribute,
        message: `attribute "${attribute.name}": not known here${hint}`,
      };
    });
}

/** What a schema wants, as the end of "expected …". */
export function describeExpected({
  expected,
  type,
  enum: values,
  minimum,
  maximum,
}: AttributeSchema): string {
  if (expected !== undefined) return expected;
  if (values)
    return values.length > 1 ? `${values.slice(0, -1).join(', ')} or ${values.at(-1)}` : `${values[0]}`;
  const range = minimum === undefined || maximum === undefined ? '' : ` ${minimum}..${maximum}`;
  if (type === 'integer') return `an integer${range}`;
  if (type === 'number') return `a number${range}`;
  return 'a text';
}

/** The value that a text means for a schema, or the text itself, which the schema then refuses. */
function convert(text: string, { type }: AttributeSchema): unknown {
  if (type === 'integer') return /^[+-]?\d{1,15}$/.test(text) ? Number(text) : text;
  if (type === 'number') return /^[+-]?\d{1,15}(\.\d{1,9})?$/.test(text) ? Number(text) : text;
  if (type !== 'boolean') return text;
  if (/^(1|true|on)$/i.test(text)) return true;
  return /^(0|false|off)$/i.test(text) ? false : text;
}

function attributeOf({ keyword, params, instancePath }: ErrorObject): string {
  return keyword === 'required' ? String(params.missingProperty) : instancePath.slice(1);
}

function isName(text: string): boolean {
  const bytes = Buffer.byteLength(text);
  return bytes >= 1 && bytes <= MAX_NAME_BYTES && !/\p{Cc}/u.test(text);
}

function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
