import { expect, it } from 'vitest';
import { findHighestRate } from './highest-rate.js';

/** Finds a limit, and notes what was tried on the way. */
async function find(guess: number, limit: number): Promise<{ found: number; tried: readonly number[] }> {
  const tried: number[] = [];
  const found = await findHighestRate(guess, async (rate) => {
    tried.push(rate);
    return rate <= limit;
  });
  return { found, tried };
}

it.each([
  [20_000, 20_500],
  [20_000, 23_000],
  [20_000, 17_000],
  [20_000, 19_999],
])('from %d it finds the limit %d to within a twentieth, and never above it', async (guess, limit) => {
  const { found, tried } = await find(guess, limit);
  expect(found, `tried ${tried}`).toBeLessThanOrEqual(limit);
  expect(found, `tried ${tried}`).toBeGreaterThan(limit / 1.051);
});

it('gives up after nine rates', async () => {
  expect((await find(20_000, 1e9)).tried).toHaveLength(9);
  const { found, tried } = await find(20_000, 1);
  expect(found).toBe(0);
  expect(tried).toHaveLength(9);
});
