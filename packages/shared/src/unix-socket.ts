import { lstatSync, rmSync, statSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { dirname } from 'node:path';
import { SystemCallError } from './errors.js';

/** Where a Unix socket lies, and who may use it. */
export interface UnixSocketOptions {
  readonly path: string;
  /** Permission bits: who may write may connect. */
  readonly mode: number;
}

/**
 * Listens on a Unix socket. One that a dead process left is replaced; one that somebody serves is not. Node removes it
 * when the server closes.
 *
 * @throws SystemCallError naming the path.
 */
export async function listenOnPath(server: Server, { path, mode }: UnixSocketOptions): Promise<void> {
  try {
    await makeRoom(path);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      // bound before listen() returns: nobody gets in between bind and a chmod
      const umask = process.umask(0o777 & ~mode);
      try {
        server.listen({ path }, resolve);
      } finally {
        process.umask(umask);
      }
    });
  } catch (error) {
    throw asSystemCallError(`listen on ${path}`, error);
  }
  server.removeAllListeners('error');
}

/** The error of a call of node:net or node:fs as one of ours; anything else as it is. */
export function asSystemCallError(call: string, error: unknown): unknown {
  if (!(error instanceof Error && 'errno' in error && 'code' in error)) return error;
  return new SystemCallError(call, -Number(error.errno), String(error.code));
}

async function makeRoom(path: string): Promise<void> {
  statSync(dirname(path)); // libuv would say EACCES for a directory that is not there
  const entry = lstatSync(path, { throwIfNoEntry: false });
  if (entry?.isSocket() && !(await isServed(path))) rmSync(path, { force: true });
}

/** Whether somebody listens; only a refusal says that nobody does. */
function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const end = (isServed: boolean): void => {
      socket.destroy();
      resolve(isServed);
    };
    socket.once('connect', () => end(true));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code !== 'ECONNREFUSED'));
  });
}
