import { closeSync, constants, openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { LockTimeoutError } from './errors.js';
import * as libc from './libc.js';

const EWOULDBLOCK = 11;
const FIRST_RETRY_MS = 1;
const LONGEST_RETRY_MS = 20;

export interface LockOptions {
  /** How long to wait for another holder. */
  readonly timeoutMs: number;
  /** Whether to make the file where it is missing. Only its writer needs to. */
  readonly create?: boolean;
}

/**
 * Runs `work` under `flock(LOCK_EX)` on `path`.
 *
 * The file is opened anew each time, so that a lock file which was deleted and made again is the one both sides hold.
 * Waiting asks again after 1, 2, 4 … 20 ms: a blocking flock would hold a thread for as long as a stopped holder likes.
 * The kernel drops the lock with the descriptor, so that of a dead process never stays.
 *
 * @throws LockTimeoutError, or the error of open(2) (ENOENT where the file is missing and `create` is not set).
 */
export async function withFileLock<T>(
  path: string,
  options: LockOptions,
  work: () => Promise<T> | T,
): Promise<T> {
  const fd = openSync(path, constants.O_RDONLY | (options.create ? constants.O_CREAT : 0), 0o644);
  try {
    await acquire(fd, path, options.timeoutMs);
    return await work();
  } finally {
    closeSync(fd);
  }
}

/** As `withFileLock`, but gives up at once: `undefined` means that somebody else holds the lock. */
export function tryWithFileLock<T>(path: string, work: () => T): { readonly value: T } | undefined {
  const fd = openSync(path, constants.O_RDONLY | constants.O_CREAT, 0o644);
  try {
    return tryAcquire(fd) ? { value: work() } : undefined;
  } finally {
    closeSync(fd);
  }
}

async function acquire(fd: number, path: string, timeoutMs: number): Promise<void> {
  const giveUpAtMs = performance.now() + timeoutMs;
  for (let waitMs = FIRST_RETRY_MS; !tryAcquire(fd); waitMs = Math.min(waitMs * 2, LONGEST_RETRY_MS)) {
    if (performance.now() > giveUpAtMs)
      throw new LockTimeoutError(`${path}: locked by another process for ${timeoutMs} ms`);
    await delay(waitMs);
  }
}

function tryAcquire(fd: number): boolean {
  if (libc.flock(fd, libc.LOCK_EX | libc.LOCK_NB) === 0) return true;
  if (libc.errno() === EWOULDBLOCK) return false;
  throw libc.systemCallError('flock');
}
