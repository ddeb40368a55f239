import { describe, expect, it } from 'vitest';
import { evenShares, instantAfter } from './instants.js';

describe('instantAfter', () => {
  it.each([
    ['between the last test and the next', 10_100, 0.25, 10_250],
    ['an interval later where that is over', 10_300, 0.25, 11_250],
    ['an interval later where that is too near', 10_248, 0.25, 11_250],
    ['in the interval of now where the last test is long past', 15_600, 0.75, 15_750],
  ])('is %s', (_, nowMs, share, instantMs) => {
    expect(instantAfter(nowMs, [3000, 9000, 10_000], share)).toBe(instantMs);
  });

  it('takes two tests at one moment for an interval of a millisecond', () => {
    expect(instantAfter(10_000, [9000, 9000], 0.5)).toBe(10_005.5);
  });
});

describe('evenShares', () => {
  it('leaves the same distance between all of them, over the bounds, too', () => {
    expect(evenShares(4)).toEqual([0.125, 0.375, 0.625, 0.875]);
  });
});
