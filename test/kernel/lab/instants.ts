import { setTimeout as delay } from 'node:timers/promises';
import { waitUntil } from './wait.js';
import type { WebServer } from './web-server.js';

/** Below it an instant could be over before it is waited for. */
const LEAD_MS = 5;
const TESTS_TIMEOUT_MS = 30_000;

/**
 * Waits for a moment at a chosen point between two tests of a server: with points that are spread evenly no measurement
 * depends on luck, and none is locked to the tests, whatever their interval is in truth.
 *
 * @param share The point, 0 at a test and 1 at the next; the last two tests give the interval.
 */
export async function untilBetweenTests(web: WebServer, share: number, signal: AbortSignal): Promise<void> {
  const times = await waitUntil(() => web.requestTimesMs(), {
    what: 'two tests of a server',
    timeoutMs: TESTS_TIMEOUT_MS,
    accept: ({ length }) => length >= 2,
    signal,
  });
  const nowMs = Date.now();
  await delay(instantAfter(nowMs, times, share) - nowMs, undefined, { signal });
}

/** The first instant from now on, but for some milliseconds, that is at such a point; times by the wall clock. */
export function instantAfter(nowMs: number, testTimesMs: readonly number[], share: number): number {
  const [before = 0, last = 0] = testTimesMs.slice(-2);
  const intervalMs = Math.max(last - before, 1);
  const intervals = Math.ceil((nowMs + LEAD_MS - last) / intervalMs - share);
  return last + (Math.max(intervals, 0) + share) * intervalMs;
}

/** The points of so many measurements, spread evenly. */
export function evenShares(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => (i + 0.5) / count);
}
