import { describe, expect, it } from 'vitest';
import { type Health, INITIAL_HEALTH } from '../health/damping.js';
import { virtualConfig } from '../services.test-kit.js';
import { delayMs, slackMs } from './delay.js';

const { testing: plain } = virtualConfig([], { loopDelayMs: 3000 });
const byState = { ...plain, fastDelayMs: 500, downDelayMs: 10_000 };
const jittering = { ...byState, jitterPercent: 20 };

const states = {
  untested: INITIAL_HEALTH,
  online: { online: true, successes: 2, failures: 0 },
  failing: { online: true, successes: 0, failures: 1 },
  offline: { online: false, successes: 0, failures: 3 },
  recovering: { online: false, successes: 1, failures: 0 },
} satisfies Record<string, Health>;

describe('delayMs', () => {
  it.each([
    // state, without other delays, by state
    ['untested', 3000, 3000],
    ['online', 3000, 3000],
    ['failing', 3000, 500],
    ['offline', 3000, 10_000],
    ['recovering', 3000, 500],
  ] as const)('lets a real that is %s rest for %i ms, or %i by its state', (state, always, own) => {
    expect(delayMs(plain, states[state], true, 0.9)).toBe(always);
    expect(delayMs(byState, states[state], true, 0.9)).toBe(own);
  });

  it.each([
    ['online', 0, 2400],
    ['online', 0.5, 3000],
    ['online', 0.75, 3300],
    ['failing', 0, 400],
    ['offline', 0.25, 9000],
  ] as const)('spreads the rest of a real that is %s evenly: at %d it is %i ms', (state, random, ms) => {
    expect(delayMs(jittering, states[state], true, random)).toBeCloseTo(ms, 6);
  });

  it.each([
    ['online', 3000],
    ['failing', 1000],
    ['offline', 10_000],
  ] as const)('tries again what could not be tested after a second at least: %s, %i ms', (state, ms) => {
    expect(delayMs(byState, states[state], false, 0.5)).toBe(ms);
    expect(delayMs({ ...jittering, fastDelayMs: 1100 }, states.failing, false, 0)).toBe(1000);
  });
});

describe('slackMs', () => {
  it('is a hundredth of the delay, and 25 ms at most', () => {
    expect([0, 250, 1000, 3000].map(slackMs)).toEqual([0, 2.5, 10, 25]);
  });
});
