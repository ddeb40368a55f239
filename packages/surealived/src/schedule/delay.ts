import type { TestingConfig } from '../config/model.js';

/** Before a test that this machine could not make is tried again. */
const OBSTACLE_RETRY_MS = 1000;

/** From the end of a test to the next. @param hasVerdict Whether the test could be made. */
export function delayMs({ loopDelayMs }: TestingConfig, hasVerdict: boolean): number {
  return hasVerdict ? loopDelayMs : Math.max(loopDelayMs, OBSTACLE_RETRY_MS);
}
