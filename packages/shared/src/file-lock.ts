import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
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
 * The file is opened anew each time, and again where it was deleted and made anew while we waited for it, so that the
 * lock is always held on the file that others find.
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
  const fd = await openLocked(path, options);
  try {
    return await work();
  } finally {
    closeSync(fd);
  }
}

/** As `withFileLock`, but gives up at once: `undefined` means that somebody else holds the lock. */
export function tryWithFileLock<T>(path: string, work: () => T): { readonly value: T } | undefined {
  const fd = tryOpenLocked(path, true);
  if (fd === undefined) return undefined;
  try {
    return { value: work() };
  } finally {
    closeSync(fd);
  }
}

/**
 * Takes a lock that is held until `release`, or until the process ends, however it ends.
 *
 * @returns `undefined` when somebody else holds it.
 */
export function holdFileLock(path: string): { release(): void } | undefined {
  const fd = tryOpenLocked(path, true);
  return fd === undefined ? undefined : { release: () => closeSync(fd) };
}

/** The process that holds the lock on a file, where this one can see it. */
export function findLockHolder(path: string): number | undefined {
  const inode = statSync(path, { throwIfNoEntry: false, bigint: true })?.ino;
  if (inode === undefined) return undefined;
  try {
    const locks = readFileSync('/proc/locks', 'utf8');
    const [, pid] = RegExp(`^\\d+: FLOCK .* (\\d+) \\S+:${inode} `, 'm').exec(locks) ?? [];
    return pid === undefined || pid === '0' ? undefined : Number(pid);
  } catch {
    return undefined;
  }
}

async function openLocked(path: string, { timeoutMs, create = false }: LockOptions): Promise<number> {
  const giveUpAtMs = performance.now() + timeoutMs;
  for (let waitMs = FIRST_RETRY_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_RETRY_MS)) {
    const fd = tryOpenLocked(path, create);
    if (fd !== undefined) return fd;
    if (performance.now() > giveUpAtMs)
      throw new LockTimeoutError(`${path}: locked by another process for ${timeoutMs} ms`);
    await delay(waitMs);
  }
}

/** O_NONBLOCK, so that a FIFO in the place of the file cannot hold us. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/** A descriptor that holds the lock, or `undefined` while another has it. */
function tryOpenLocked(path: string, create: boolean): number | undefined {
  const fd = openSync(path, create ? FLAGS | constants.O_CREAT : FLAGS, 0o640);
  let isOurs = false;
  try {
    isOurs = tryAcquire(fd) && isStillAt(path, fd);
    return isOurs ? fd : undefined;
  } finally {
    if (!isOurs) closeSync(fd);
  }
}

/** Whether `path` is the open file, and not one made in its place between open and flock. */
function isStillAt(path: string, fd: number): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  const own = fstatSync(fd);
  return found?.ino === own.ino && found.dev === own.dev;
}

function tryAcquire(fd: number): boolean {
  if (libc.flock(fd, libc.LOCK_EX | libc.LOCK_NB) === 0) return true;
  if (libc.errno() === EWOULDBLOCK) return false;
  throw libc.systemCallError('flock');
}
