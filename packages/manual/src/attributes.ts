/**
 * The schemas of attributes, as plain data.
 *
 * @module
 */
import { describeExpected } from 'surealived/config/attributes';

/** What the schema of an attribute says; JSON Schema, and the words that ours add. */
export interface AttributeSchema {
  readonly type?: 'string' | 'integer' | 'number' | 'boolean';
  readonly enum?: readonly string[];
  readonly default?: string | number | boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly expected?: string;
  readonly description?: string;
}

export interface AttributeEntry {
  readonly name: string;
  readonly schema: AttributeSchema;
  readonly description: string;
  /** Neither optional nor with a default. */
  readonly isMandatory: boolean;
  /** As the file would have it; absent where there is none, or where it is the empty text. */
  readonly defaultText: string | undefined;
  /** The end of "expected …". */
  readonly expected: string;
}

interface ObjectSchema {
  readonly properties: object;
  readonly required?: readonly string[];
}

/** @throws Error when one has no description. */
export function attributeEntries({ properties, required = [] }: ObjectSchema): readonly AttributeEntry[] {
  return Object.entries(properties as Readonly<Record<string, AttributeSchema>>).map(([name, schema]) => {
    if (!schema.description) throw new Error(`the attribute ${name} has no description`);
    return {
      name,
      schema,
      description: schema.description,
      isMandatory: required.includes(name) && schema.default === undefined,
      defaultText: describeDefault(schema),
      expected: describeExpected(schema),
    };
  });
}

function describeDefault({ default: fallback }: AttributeSchema): string | undefined {
  if (fallback === undefined || fallback === '') return undefined;
  return typeof fallback === 'boolean' ? String(Number(fallback)) : String(fallback);
}
