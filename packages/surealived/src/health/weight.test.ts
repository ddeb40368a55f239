import { expect, it } from 'vitest';
import { effectiveWeight, HELD, overriddenWeight, type WeightOverride } from './weight.js';

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

it.each([
  [true, 'ONLINE', { kind: 'ramp', weight: 3 }, 3],
  // a reload may have made the weight smaller than what it had climbed to
  [true, 'ONLINE', { kind: 'ramp', weight: 30 }, 10],
  [true, 'OFFLINE', { kind: 'ramp', weight: 3 }, 0],
  [false, 'ONLINE', { kind: 'ramp', weight: 3 }, 0],
  [false, 'ONLINE', HELD, 10],
  [false, 'ONLINE', { kind: 'held', weight: 3 }, 3],
  [false, 'OFFLINE', HELD, 0],
  [false, 'DOWN', HELD, 0],
] as const)(
  'gives a real that is online: %s and %s with %j weight %i',
  (online, adminState, adjustment, weight) => {
    const inputs = { online, adminState, configuredWeight: 10, override: undefined, adjustment };
    expect(effectiveWeight(inputs)).toBe(weight);
  },
);
