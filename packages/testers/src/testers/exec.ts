import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { defineTaskTester, down, ObstacleError, up } from '../tester.js';
import Type from '../type.js';

export default defineTaskTester({
  name: 'exec',
  description: 'Runs a program with the address and the test port of the real; exit status 0 is success.',
  attributes: Type.Object({
    exec: Type.String({
      minLength: 1,
      maxLength: 4096,
      expected: 'the path of a program',
      description: 'Program to run. When it ends, or the time-out is over, its process group is killed.',
    }),
    params: Type.String({
      default: '',
      maxLength: 65_536,
      expected: 'text of at most 65536 characters',
      description: 'Further arguments, separated by single spaces: two spaces make an empty argument.',
    }),
  }),
  findFault({ exec }) {
    if (!exec.includes('/')) return undefined; // it is looked for along PATH, at each test
    try {
      accessSync(exec, constants.X_OK);
      if (statSync(exec).isFile()) return undefined;
      return { attribute: 'exec', message: `${exec} is no program` };
    } catch (error) {
      return { attribute: 'exec', message: cannotRun(exec, error).message, isWarning: true };
    }
  },
  async check({ address, port }, { exec, params }, { signal, connected, received }) {
    const args = [address.text, String(port), ...(params === '' ? [] : params.split(' '))];
    const { child, ended } = start(exec, args);
    const kill = (): void => killGroup(child);
    signal.addEventListener('abort', kill, { once: true });
    for (const output of outputsOf(child)) output.on('data', received);
    try {
      const [status, endSignal] = await ended;
      connected();
      await outputRead();
      if (status === 0) return up('exit status 0');
      return down('content', endSignal ? `ended by ${endSignal}` : `exit status ${status}`);
    } catch (error) {
      throw cannotRun(exec, error);
    } finally {
      signal.removeEventListener('abort', kill);
      killGroup(child);
      for (const output of outputsOf(child)) output.destroy();
    }
  },
});

interface Started {
  readonly child: ChildProcess;
  /** The end of the program itself: whoever else holds its output open is not waited for. */
  readonly ended: Promise<[status: number | null, signal: NodeJS.Signals | null]>;
}

/** In a process group of its own, so that what it starts can be killed with it. */
function start(program: string, args: readonly string[]): Started {
  try {
    const child = spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    return { child, ended: once(child, 'exit') as Started['ended'] };
  } catch (error) {
    throw cannotRun(program, error);
  }
}

/** It says nothing about the real. */
function cannotRun(program: string, error: unknown): ObstacleError {
  return new ObstacleError(`${program} cannot be run: ${(error as NodeJS.ErrnoException).code}`, {
    cause: error,
  });
}

/** What a program wrote before its end is in the pipes; the event loop has looked there after two turns. */
async function outputRead(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise(setImmediate);
}

/** None where there were no descriptors left for them. */
function outputsOf({ stdout, stderr }: ChildProcess): readonly Readable[] {
  return [stdout, stderr].filter((output) => output !== null && output !== undefined);
}

/** The group outlives the program as long as something that it started does. */
function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // nobody is left
  }
}
