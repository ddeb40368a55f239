import { expect, it } from 'vitest';
import { effectiveWeight, overriddenWeight, type WeightOverride } from './weight.js';

const absolute = (weight: number): WeightOverride => ({ kind: 'absolute', weight });
const percent = (value: number): WeightOverride => ({ kind: 'percent', percent: value });

it.each([
  [10, undefined, 10],
  [0, undefined, 0],
  [10, absolute(7), 7],
  [10, absolute(0), 0],
  [10, percent(100), 10],
  [10, percent(55), 5],
  // never 0, which would drain the real
  [10, percent(1), 1],
  [10, percent(0), 1],
  [0, percent(50), 1],
  [65_535, percent(200), 65_535],
])('makes of weight %i and %o a weight of %i', (configured, override, weight) => {
  expect(overriddenWeight(configured, override)).toBe(weight);
});

it.each([
  [true, 'ONLINE', 7],
  [false, 'ONLINE', 0],
  [true, 'OFFLINE', 0],
  [true, 'DOWN', 0],
  [false, 'DOWN', 0],
] as const)(
  'gives a real that tests find online: %s and the operator wants %s weight %i',
  (online, adminState, weight) => {
    expect(effectiveWeight({ online, adminState, configuredWeight: 10, override: absolute(7) })).toBe(weight);
  },
);
