/**
 * JSON in parts, so that a long document need not be made in one go. Pure.
 *
 * @module
 */

/** A document as it is made: its lists may be generators, read once. */
export type InParts<T> = {
  readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? Iterable<InParts<E>> : T[K];
};

/** The results of `make`, each made when it is asked for. */
export function* each<T, R>(items: Iterable<T>, make: (item: T) => R): Generator<R> {
  for (const item of items) yield make(item);
}

/** A value as JSON: a part for each element of its lists, at whatever depth, and for what is between them. */
export function* jsonParts(value: unknown): Generator<string> {
  if (isList(value)) yield* listParts(value);
  else if (isObject(value) && Object.values(value).some(isList)) yield* objectParts(value);
  else yield JSON.stringify(value);
}

function* listParts(list: Iterable<unknown>): Generator<string> {
  let separator = '';
  yield '[';
  for (const element of list) {
    yield separator;
    yield* jsonParts(element);
    separator = ',';
  }
  yield ']';
}

function* objectParts(object: object): Generator<string> {
  let separator = '{';
  for (const [key, member] of Object.entries(object)) {
    yield `${separator}${JSON.stringify(key)}:`;
    yield* jsonParts(member);
    separator = ',';
  }
  yield '}';
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isList(value: unknown): value is Iterable<unknown> {
  return isObject(value) && Symbol.iterator in value;
}
