import { describe, expect, it } from 'vitest';
import { each, jsonParts } from './json-parts.js';

describe('jsonParts', () => {
  it.each([
    [{}],
    [[]],
    [null],
    [{ a: [], 'b "c"': [{ d: 1, e: [{ f: 'g' }, { f: null }] }, {}], h: { i: 2 }, j: [1, 'k', [true]] }],
  ])('writes %j as JSON.stringify does', (value) => {
    expect([...jsonParts(value)].join('')).toBe(JSON.stringify(value));
  });

  it('makes the elements of a list as they are asked for', () => {
    const made: number[] = [];
    const make = (item: number) => {
      made.push(item);
      return { item };
    };
    const parts = jsonParts({ list: each([1, 2, 3], make) });
    let text = '';
    while (!text.includes('"item":2')) text += parts.next().value;
    expect(made).toEqual([1, 2]);
    expect(text + [...parts].join('')).toBe('{"list":[{"item":1},{"item":2},{"item":3}]}');
  });
});
