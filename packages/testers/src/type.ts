/**
 * The few builders of TypeBox that our own schemas need, with its static types.
 *
 * TypeBox is 700 modules, which take a quarter of a second and 10 MB of each thread that loads them, where all that is
 * left at run time is seven functions that put JSON Schema together. Modules from elsewhere are given TypeBox itself.
 *
 * @module
 */
import type TypeBox from 'typebox';

type Builders = Pick<
  typeof TypeBox,
  'Object' | 'String' | 'Integer' | 'Number' | 'Boolean' | 'Enum' | 'Optional'
>;
type Schema = Readonly<Record<string, unknown>>;

/** How TypeBox marks a property that need not be there; not part of the JSON. */
const OPTIONAL = '~optional';

const typed =
  (type: string) =>
  (options: Schema = {}): Schema => ({ type, ...options });

function object(properties: Readonly<Record<string, Schema>>, options: Schema = {}): Schema {
  const required = Object.keys(properties).filter((name) => properties[name]?.[OPTIONAL] !== true);
  return { type: 'object', ...(required.length > 0 && { required }), properties, ...options };
}

function optional(schema: Schema): Schema {
  return Object.defineProperty({ ...schema }, OPTIONAL, { value: true });
}

const Type = {
  Object: object,
  String: typed('string'),
  Integer: typed('integer'),
  Number: typed('number'),
  Boolean: typed('boolean'),
  Enum: (values: readonly unknown[], options: Schema = {}): Schema => ({ enum: values, ...options }),
  Optional: optional,
} as unknown as Builders;

export default Type;
