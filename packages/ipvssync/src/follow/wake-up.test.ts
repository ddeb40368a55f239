import { describe, expect, it, vi } from 'vitest';
import { WakeUp } from './wake-up.js';

const HOUR_MS = 3_600_000;

describe('WakeUp', () => {
  it('does not sleep when it rang before', async () => {
    const bell = new WakeUp();
    bell.ring();
    bell.ring();
    await bell.sleep(HOUR_MS);
  });

  it('wakes at a ring', async () => {
    const bell = new WakeUp();
    const slept = bell.sleep(HOUR_MS);
    bell.ring();
    await slept;
  });

  it('rings once, however often it was rung', async () => {
    const bell = new WakeUp();
    const slept = bell.sleep(HOUR_MS);
    bell.ring();
    bell.ring();
    await slept;
    let isAwake = false;
    const again = bell.sleep(HOUR_MS).then(() => {
      isAwake = true;
    });
    await new Promise(setImmediate);
    expect(isAwake).toBe(false);
    bell.ring();
    await again;
  });

  it('wakes by itself when the time is over', async () => {
    await new WakeUp().sleep(1);
  });

  it('asks for no time below zero, of which newer Node warns', async () => {
    const setTimeout = vi.spyOn(globalThis, 'setTimeout');
    try {
      for (const overdueMs of [-3, Number.NEGATIVE_INFINITY]) await new WakeUp().sleep(overdueMs);
      for (const [, delayMs] of setTimeout.mock.calls) expect(delayMs).toBeGreaterThanOrEqual(0);
    } finally {
      setTimeout.mockRestore();
    }
  });
});
