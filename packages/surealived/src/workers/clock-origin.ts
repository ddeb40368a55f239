import { type Clock, systemClock } from '@surealived/shared/clock';

const READINGS = 10;

/**
 * When the clock began, in the time that all threads have in common. A busy machine may take the processor away between the
 * readings of the two: of some, the quickest counts.
 */
export function clockOriginMs(clock: Clock): number {
  let originMs = 0;
  let quickestMs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < READINGS; i++) {
    const commonMs = commonTimeMs();
    const nowMs = clock.nowMs();
    const tookMs = commonTimeMs() - commonMs;
    if (tookMs >= quickestMs) continue;
    quickestMs = tookMs;
    originMs = commonMs - nowMs;
  }
  return originMs;
}

function commonTimeMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** A clock of this thread that goes with one of another thread. */
export function clockSince(originMs: number): Clock {
  const aheadMs = clockOriginMs(systemClock) - originMs;
  return { nowMs: () => systemClock.nowMs() + aheadMs, wallNow: () => systemClock.wallNow() };
}
