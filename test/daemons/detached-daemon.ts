import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Program, scriptOf } from './daemon-process.js';
import type { HandoverDirectory } from './handover-directory.js';
import { LogWatch } from './log-watch.js';

const STOP_TIMEOUT_MS = 15_000;
const LOOK_AGAIN_MS = 10;

/** One of our daemons, started with -d: a watchdog with its child, heard through the log file. */
export class DetachedDaemon implements AsyncDisposable {
  readonly log: LogWatch;
  readonly pidFile: string;
  /** How the command ended, and what it wrote to standard error. */
  readonly status: number | null;
  readonly err: string;
  readonly #seen = new Set<number>();

  private constructor(log: LogWatch, pidFile: string, status: number | null, err: string) {
    this.log = log;
    this.pidFile = pidFile;
    this.status = status;
    this.err = err;
    if (status === 0 && existsSync(pidFile)) this.#seen.add(this.watchdogPid);
  }

  /** Returns when the command has returned. */
  static async start(
    program: Program,
    args: readonly string[],
    directory: HandoverDirectory,
  ): Promise<DetachedDaemon> {
    const log = new LogWatch(join(directory.path, `${program}.log`));
    const pidFile = join(directory.path, `${program}.pid`);
    const argv = [scriptOf(program), '-d', '--pid-file', pidFile, '-c', directory.config, ...args];
    const command = spawn(process.execPath, argv, {
      stdio: ['ignore', 'ignore', 'pipe'],
      cwd: directory.path,
    });
    let err = '';
    command.stderr?.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    const [status] = await once(command, 'close');
    return new DetachedDaemon(log, pidFile, status, err);
  }

  /** What the pid file says. */
  get watchdogPid(): number {
    return Number(readFileSync(this.pidFile, 'utf8'));
  }

  /** The process that does the work, as the watchdog last said. */
  get childPid(): number {
    const pid = this.log.all('watchdog: child started').at(-1)?.child;
    if (typeof pid !== 'number') throw new Error('no child was started');
    return pid;
  }

  /** Waits until the watchdog has started `count` children. @returns The last of them. */
  async untilChildren(count: number): Promise<number> {
    await this.log.until('watchdog: child started', count);
    return this.childPid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { child } of this.log.all('watchdog: child started')) this.#seen.add(Number(child));
    for (const pid of this.#seen) kill(pid, 'SIGINT');
    for (const pid of this.#seen)
      await untilGone(pid).catch(() => {
        kill(pid, 'SIGKILL');
      });
    this.log[Symbol.dispose]();
  }
}

/** Sends a signal, also to a process that is gone by now. */
export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // gone
  }
}

/** Whether there is such a process; one that only waits for its parent to notice its end is none. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Nothing tells of the end of somebody else's child, so this looks again and again. */
export async function untilGone(pid: number, timeoutMs = STOP_TIMEOUT_MS): Promise<void> {
  const giveUpAtMs = performance.now() + timeoutMs;
  while (isAlive(pid)) {
    if (performance.now() > giveUpAtMs) throw new Error(`process ${pid} lives after ${timeoutMs} ms`);
    await delay(LOOK_AGAIN_MS);
  }
}

/** The processes that have this word on their command line. */
export function processesWith(word: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && readCommandLine(name).includes(word))
    .map(Number);
}

function readCommandLine(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return []; // it ended meanwhile
  }
}
