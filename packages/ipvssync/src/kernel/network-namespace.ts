import { closeSync, openSync } from 'node:fs';
import { messageOf, SureAliveError } from '@surealived/shared/errors';
import { enterNetworkNamespace } from '@surealived/shared/libc';
import { KernelUnavailableError } from '../wire/errors.js';
import { namespacePath } from './namespace-path.js';

const OWN = '/proc/thread-self/ns/net';

/**
 * Does work in another network namespace and comes back.
 *
 * The kernel moves a thread, not the process. So the work must end when it returns: everything in here runs on the
 * calling thread without a turn of the event loop, and nothing else can run in the namespace by mistake. A socket that
 * was opened there belongs to it for good.
 *
 * @param netns A name in /run/netns, or a path, which has a slash.
 * @throws KernelUnavailableError where the namespace cannot be entered. Where there is no way back that is thrown too:
 * the process should end then.
 */
export function withinNamespace<T>(netns: string, work: () => T): T {
  const path = namespacePath(netns);
  const home = openNamespace(OWN, netns);
  try {
    const target = openNamespace(path, netns);
    try {
      enter(target, netns);
    } finally {
      closeSync(target);
    }
    try {
      return work();
    } finally {
      enter(home, 'of its own');
    }
  } finally {
    closeSync(home);
  }
}

function openNamespace(path: string, netns: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw new KernelUnavailableError(`network namespace ${netns}: ${messageOf(error)}`, { cause: error });
  }
}

function enter(fd: number, netns: string): void {
  try {
    enterNetworkNamespace(fd);
  } catch (error) {
    if (!(error instanceof SureAliveError)) throw error;
    const why = `network namespace ${netns}: ${error.message} (it takes CAP_SYS_ADMIN, and a file of /run/netns)`;
    throw new KernelUnavailableError(why, { cause: error });
  }
}
