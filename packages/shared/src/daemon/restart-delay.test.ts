import { expect, it } from 'vitest';
import { restartDelay } from './restart-delay.js';

function delaysAfter(...livesMs: number[]): readonly number[] {
  let delayMs = 0;
  return livesMs.map((livedMs) => {
    delayMs = restartDelay(delayMs, livedMs);
    return delayMs / 1000;
  });
}

it('doubles from a second to a minute while deaths follow each other', () => {
  expect(delaysAfter(0, 5, 100, 2_000, 59_999, 0, 0, 0, 0)).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
});

it('begins anew after a life of a minute', () => {
  expect(delaysAfter(3_600_000, 0, 60_000, 0, 0)).toEqual([1, 2, 1, 2, 4]);
});
