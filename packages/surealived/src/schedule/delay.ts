/**
 * How long a real rests between its tests.
 *
 * @module
 */
import type { TestingConfig } from '../config/model.js';
import { type Health, isChangePending } from '../health/damping.js';

/** Before a test that this machine could not make is tried again. */
const OBSTACLE_RETRY_MS = 1000;

/** From the end of a test to the next, before it is spread. */
export function restMs({ loopDelayMs, fastDelayMs, downDelayMs }: TestingConfig, health: Health): number {
  if (isChangePending(health)) return fastDelayMs;
  return health.online ? loopDelayMs : downDelayMs;
}

/**
 * From the end of a test to the next.
 *
 * @param health With the test folded in.
 * @param hasVerdict Whether the test could be made.
 * @param random 0 ≤ x < 1.
 */
export function delayMs(testing: TestingConfig, health: Health, hasVerdict: boolean, random: number): number {
  const spread = (testing.jitterPercent / 100) * (2 * random - 1);
  const delayMs = restMs(testing, health) * (1 + spread);
  return hasVerdict ? delayMs : Math.max(delayMs, OBSTACLE_RETRY_MS);
}
