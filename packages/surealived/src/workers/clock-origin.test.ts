import { systemClock } from '@surealived/shared/clock';
import { expect, it } from 'vitest';
import { clockOriginMs } from './clock-origin.js';

it('knows when a clock began, though the processor is taken away while it is read', () => {
  let readings = 0;
  const interrupted = {
    ...systemClock,
    nowMs: () => {
      if (readings++ % 2 === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
      return systemClock.nowMs();
    },
  };
  const difference = clockOriginMs(interrupted) - clockOriginMs(systemClock);
  expect(Math.abs(difference)).toBeLessThan(25);
});
