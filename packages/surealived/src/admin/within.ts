import { setTimeout as delay } from 'node:timers/promises';

/** Waits for a promise, but not for longer than `ms`. @returns What it resolves to, or `undefined` when that is late. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  const timer = new AbortController();
  const late = delay(ms, undefined, { signal: timer.signal }).catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
  }
}
