import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextStepMs, rampWeight, reachMs } from './ramp.js';

/** Each weight of a ramp with the time at which it begins. */
function stepsOf(target: number, windowMs: number): readonly (readonly [atMs: number, weight: number])[] {
  const steps: [number, number][] = [];
  for (let atMs: number | undefined = 0; atMs !== undefined; atMs = nextStepMs(target, atMs, windowMs))
    steps.push([atMs, rampWeight(target, atMs, windowMs)]);
  return steps;
}

const weights = (target: number, windowMs: number) => stepsOf(target, windowMs).map(([, weight]) => weight);

describe('rampWeight', () => {
  it.each([
    // a step a second
    [10, 6000, [1, 2, 4, 5, 7, 8, 10]],
    // five steps at least
    [11, 500, [1, 3, 5, 7, 9, 11]],
    // no more than the weight has
    [3, 30_000, [1, 2, 3]],
    [2, 30_000, [1, 2]],
    [1, 30_000, [1]],
    // twenty at most
    [101, 86_400_000, Array.from({ length: 21 }, (_, i) => 1 + 5 * i)],
    // off
    [10, 0, [10]],
    // a weight that a reload has set to 0
    [0, 30_000, [0]],
  ])('climbs to %i within %i ms by %j', (target, windowMs, expected) => {
    expect(weights(target, windowMs)).toEqual(expected);
  });

  it('takes a time of before the recovery for the recovery', () => {
    expect(rampWeight(10, -5, 6000)).toBe(1);
    expect(nextStepMs(10, -5, 6000)).toBe(1000);
  });

  const target = fc.integer({ min: 1, max: 65_535 });
  const windowMs = fc.oneof(
    fc.integer({ min: 0, max: 86_400_000 }),
    fc.double({ min: 0.01, max: 60_000, noNaN: true }),
  );
  const share = fc.double({ min: 0, max: 2, noNaN: true });

  it('is never 0, never above the target, never falls, and is the target when the window is over', () => {
    fc.assert(
      fc.property(target, windowMs, share, share, (to, window, a, b) => {
        const [early, late] = [Math.min(a, b) * window, Math.max(a, b) * window];
        const [before, after] = [rampWeight(to, early, window), rampWeight(to, late, window)];
        expect(Number.isInteger(before)).toBe(true);
        expect(before).toBeGreaterThanOrEqual(1);
        expect(after).toBeGreaterThanOrEqual(before);
        expect(after).toBeLessThanOrEqual(to);
        expect(rampWeight(to, window, window)).toBe(to);
      }),
    );
  });

  it('knows when it reaches a weight', () => {
    fc.assert(
      fc.property(target, windowMs, share, (to, window, at) => {
        const weight = Math.min(rampWeight(to, at * window, window), to);
        const atMs = reachMs(weight, to, window);
        expect(rampWeight(to, atMs, window)).toBe(weight);
        expect(atMs).toBeLessThanOrEqual(at * window);
        expect(reachMs(to + 1, to, window)).toBe(reachMs(to, to, window));
      }),
    );
  });

  it('changes exactly at its steps: 20 at most, each higher than the last, about a second apart in a long window', () => {
    fc.assert(
      fc.property(target, windowMs, (to, window) => {
        const steps = stepsOf(to, window);
        expect(steps.length).toBeLessThanOrEqual(21);
        expect(steps.at(-1)?.[1]).toBe(to);
        for (const [index, [atMs, weight]] of steps.entries()) {
          const next = steps[index + 1];
          if (!next) continue;
          expect(next[1]).toBeGreaterThan(weight);
          expect(rampWeight(to, atMs + (next[0] - atMs) * 0.99, window)).toBe(weight);
          if (window >= 5000) expect(next[0] - atMs).toBeGreaterThan(900);
        }
      }),
    );
  });
});
