/**
 * How long a real rests between its tests.
 *
 * @module
 */
import type { TestingConfig } from '../config/model.js';
import { type Health, isChangePending } from '../health/damping.js';

/** Before a test that this machine could not make is tried again. */
const OBSTACLE_RETRY_MS = 1000;

/** Of a delay, and at most: tests that come so much earlier or later share a wake-up, which costs as much as several. */
const SLACK_PART = 0.01;
const MAX_SLACK_MS = 25;

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

/** How much earlier or later than after its delay a test may come. */
export function slackMs(delayMs: number): number {
  return Math.min(SLACK_PART * delayMs, MAX_SLACK_MS);
}
