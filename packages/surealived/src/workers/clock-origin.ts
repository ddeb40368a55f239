import { type Clock, systemClock } from '@surealived/shared/clock';

/** When the clock began, in the time that all threads have in common. */
export function clockOriginMs(clock: Clock): number {
  return Number(process.hrtime.bigint()) / 1e6 - clock.nowMs();
}

/** A clock of this thread that goes with one of another thread. */
export function clockSince(originMs: number): Clock {
  const aheadMs = clockOriginMs(systemClock) - originMs;
  return { nowMs: () => systemClock.nowMs() + aheadMs, wallNow: () => systemClock.wallNow() };
}
