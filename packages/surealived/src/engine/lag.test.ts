import { expect, it } from 'vitest';
import { LagMeter } from './lag.js';

it('knows the worst of the start and of the last minute or two', () => {
  const lag = new LagMeter(0);
  lag.note(1000, 30);
  lag.note(2000, 5);
  expect([lag.recentMs(2000), lag.worstMs]).toEqual([30, 30]);
  lag.note(61_000, 7);
  expect([lag.recentMs(61_000), lag.worstMs]).toEqual([30, 30]);
  lag.note(122_000, 6);
  expect([lag.recentMs(122_000), lag.worstMs]).toEqual([7, 30]);
});

it('forgets what was before a long rest', () => {
  const lag = new LagMeter(0);
  lag.note(1000, 30);
  expect([lag.recentMs(200_000), lag.worstMs]).toEqual([0, 30]);
});
