import TypeBox from 'typebox';
import { expect, it } from 'vitest';
import Type from './type.js';

function schemaWith(builders: typeof Type) {
  return builders.Object({
    text: builders.String({ minLength: 1, default: 'x', description: 'Text.' }),
    choice: builders.Enum(['a', 'b'], { description: 'Choice.' }),
    count: builders.Optional(builders.Integer({ minimum: 0, maximum: 9 })),
    share: builders.Number({ maximum: 1 }),
    flag: builders.Optional(builders.Boolean()),
  });
}

it('makes the schemas that TypeBox makes', () => {
  expect(JSON.stringify(schemaWith(Type))).toBe(JSON.stringify(schemaWith(TypeBox)));
  expect(JSON.stringify(Type.Object({}))).toBe(JSON.stringify(TypeBox.Object({})));
});

it('makes schemas that TypeBox can go on with', () => {
  const mixed = (inner: typeof Type) =>
    TypeBox.Object({
      a: TypeBox.Optional(inner.String()),
      b: inner.Optional(inner.Integer()),
      c: inner.Boolean(),
    });
  expect(JSON.stringify(mixed(Type))).toBe(JSON.stringify(mixed(TypeBox)));
});
