/** Where time comes from. Durations are monotonic milliseconds; wall time is for logs and files only. */
export interface Clock {
  /** Monotonic milliseconds with fractions, from an arbitrary start. */
  nowMs(): number;
  wallNow(): Date;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallNow: () => new Date(),
};
