import { describe, expect, it } from 'vitest';
import { type Figure, formatNumber, formatTable, isMet, ratioOf, tableOf } from './report.js';

const FIGURE: Figure = {
  key: 'cpuUs',
  what: 'tcp',
  unit: 'µs',
  ours: 30,
  peer: { name: 'node:net', value: 40 },
};

describe('a figure', () => {
  it('has ours by the peer’s as its ratio, and none without a peer', () => {
    expect(ratioOf(FIGURE)).toBe(0.75);
    expect(ratioOf({ key: 'longestMs', what: 'longest', unit: 'ms', ours: 12 })).toBeUndefined();
  });

  it.each([
    [{ of: 'ratio', atMost: 0.75 }, true],
    [{ of: 'ratio', atMost: 0.74 }, false],
    [{ of: 'ratio', atLeast: 0.8 }, false],
    [{ of: 'ours', atMost: 30 }, true],
    [{ of: 'ours', atLeast: 31 }, false],
  ] as const)('is held against %j: %s', (goal, expected) => {
    expect(isMet({ ...FIGURE, goal })).toBe(expected);
  });

  it('has no verdict without a goal, and misses the goal of a ratio without a peer', () => {
    expect(isMet(FIGURE)).toBeUndefined();
    expect(isMet({ key: 'x', what: 'x', unit: 'ms', ours: 1, goal: { of: 'ratio', atMost: 1 } })).toBe(false);
  });

  it.each([Number.NaN, null])(
    'misses its goal where it is %s, as results read back may have it',
    (nothing) => {
      const figure = { ...FIGURE, ours: nothing as number, goal: { of: 'ours', atMost: 1 } } as const;
      expect(isMet(figure)).toBe(false);
      expect(tableOf('surealived', [figure]).rows[0]).toContain('– µs');
    },
  );
});

it.each([
  [0.714, '0.71'],
  [5.4, '5.40'],
  [27.34, '27.3'],
  [20_145.4, '20,145'],
])('%d is shown as %s', (value, expected) => {
  expect(formatNumber(value)).toBe(expected);
});

it('a table says ours, the peer’s, the ratio, the goal and whether it is met', () => {
  const figures: Figure[] = [
    { ...FIGURE, goal: { of: 'ratio', atMost: 0.7 } },
    {
      key: 'rate',
      what: 'highest rate',
      unit: 'tests/s',
      ours: 21_000,
      goal: { of: 'ours', atLeast: 20_000 },
    },
  ];
  expect(formatTable(tableOf('surealived', figures))).toBe(
    [
      "| figure       | surealived     | peer     | peer's  | ratio | goal             |        |",
      '| ------------ | -------------- | -------- | ------- | ----- | ---------------- | ------ |',
      '| tcp          | 30.0 µs        | node:net | 40.0 µs | 0.75  | ratio ≤ 0.7      | MISSED |',
      '| highest rate | 21,000 tests/s |          |         |       | ≥ 20,000 tests/s | met    |',
    ].join('\n'),
  );
});
