import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LatencyWindow } from './latency.js';

function windowOf(latenciesMs: readonly number[], size?: number): LatencyWindow {
  const window = new LatencyWindow(size);
  for (const latencyMs of latenciesMs) window.add(latencyMs);
  return window;
}

it.each([
  [[], undefined, undefined],
  [[7], 7, 7],
  [[9, 1], 1, 9],
  [[3, 1, 2], 2, 3],
  [Array.from({ length: 200 }, (_, i) => 200 - i), 100, 198],
])('gives median and 99th percentile of %j', (latenciesMs, medianMs, p99Ms) => {
  expect(windowOf(latenciesMs)).toMatchObject({ count: latenciesMs.length, medianMs, p99Ms });
});

it('keeps the last ones, and counts all', () => {
  expect(windowOf([900, 900, 1, 2, 3], 3)).toMatchObject({ count: 5, medianMs: 2, p99Ms: 3 });
});

it('leaves out what a clock that was set back makes of one', () => {
  expect(windowOf([5, -3_600_000])).toMatchObject({ count: 1, medianMs: 5 });
});

it('gives figures that were there, with half and 99 of 100 at or below them', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(), { minLength: 1 }), fc.integer({ min: 1, max: 50 }), (all, size) => {
      const { medianMs = -1, p99Ms = -1 } = windowOf(all, size);
      const kept = all.slice(-size);
      expect(kept).toEqual(expect.arrayContaining([medianMs, p99Ms]));
      const share = (limit: number) => kept.filter((one) => one <= limit).length / kept.length;
      expect(share(medianMs)).toBeGreaterThanOrEqual(0.5);
      expect(share(p99Ms)).toBeGreaterThanOrEqual(0.99);
      expect(share(medianMs - 1)).toBeLessThan(0.5);
    }),
  );
});
