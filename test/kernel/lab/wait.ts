import { setTimeout as pause } from 'node:timers/promises';
import { inspect } from 'node:util';

/**
 * Settles as `work` does, but not later than the limit.
 *
 * A late timer must not beat an answer that has arrived: the limit is applied one turn after it fires, so that
 * events already queued when the loop was held up are delivered first.
 */
export async function withinLimit<T>(
  work: Promise<T>,
  timeoutMs: number,
  describe: () => string,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => setImmediate(() => reject(new Error(describe()))), timeoutMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

export interface WaitOptions<T> {
  /** What is waited for, as the end of the sentence "gave up waiting for ...". */
  readonly what: string;
  readonly timeoutMs: number;
  /** Decides whether a value ends the wait; by default any truthy one does. */
  readonly accept?: (value: T) => boolean;
  /** Pause between two looks. */
  readonly intervalMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Looks again and again until a value is accepted, for what offers no event to wait on (the kernel's IPVS table).
 *
 * A look that throws counts as not accepted, so `read` may hold assertions.
 *
 * @throws When time is up; the message shows the last value or error seen.
 */
export async function waitUntil<T>(read: () => T | Promise<T>, options: WaitOptions<T>): Promise<T> {
  const { what, timeoutMs, accept = Boolean, intervalMs = 20, signal } = options;
  const deadlineMs = performance.now() + timeoutMs;
  let last: Look<T>;
  do {
    last = await look(read);
    if ('value' in last && accept(last.value)) return last.value;
    await pause(intervalMs, undefined, signal && { signal });
  } while (performance.now() < deadlineMs);
  const cause = 'error' in last ? last.error : undefined;
  const seen =
    'value' in last ? `last value: ${inspect(last.value, { depth: 6 })}` : `last look failed: ${cause}`;
  throw new Error(`gave up waiting for ${what} after ${timeoutMs} ms; ${seen}`, { cause });
}

type Look<T> = { readonly value: T } | { readonly error: unknown };

async function look<T>(read: () => T | Promise<T>): Promise<Look<T>> {
  try {
    return { value: await read() };
  } catch (error) {
    return { error };
  }
}
