import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export type Program = 'surealived' | 'ipvssync';

/** `sdctl` belongs to surealived. */
type Script = Program | 'sdctl';

/** A line of a daemon's JSON log; text that is no JSON comes as `msg` alone. */
export interface LogLine {
  readonly msg?: string;
  readonly [field: string]: unknown;
}

const DEFAULT_TIMEOUT_MS = 30_000;

/** The file that `node` runs for a program: in the folder that SUREALIVED_PROGRAMS names, as users have it, or here. */
export function scriptOf(program: Script): string {
  const folder = process.env.SUREALIVED_PROGRAMS;
  return folder ? resolve(folder, `${program}.js`) : unbundledScriptOf(program);
}

/** The same of this checkout, where each module is a file of its own. */
export function unbundledScriptOf(program: Script): string {
  const main = fileURLToPath(
    import.meta.resolve(program === 'ipvssync' ? 'ipvssync/main' : 'surealived/main'),
  );
  return main.replace(/dist\/main\.js$/, `bin/${program}.js`);
}

/** One of our daemons as a process of its own, heard through its log. */
export class DaemonProcess implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly #program: Program;
  readonly #lines: LogLine[] = [];
  readonly #listeners = new Set<(line: LogLine) => void>();

  /** @param onLog Called with every log line. */
  constructor(program: Program, args: readonly string[], onLog: (line: LogLine) => void = () => undefined) {
    this.#program = program;
    this.child = spawn(process.execPath, [scriptOf(program), ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    if (!this.child.stderr) throw new Error('no standard error');
    createInterface({ input: this.child.stderr }).on('line', (text) => {
      const line: LogLine = text.startsWith('{') ? JSON.parse(text) : { msg: text };
      this.#lines.push(line);
      onLog(line);
      for (const listener of this.#listeners) listener(line);
    });
  }

  /**
   * The first log line with this message, also when it was logged already.
   *
   * @param matches Further conditions.
   * @throws with the whole log when the daemon ends first, or takes longer than `timeoutMs`.
   */
  waitFor(
    message: string,
    matches: (line: LogLine) => boolean = () => true,
    timeoutMs: number = DEFAULT_TIMEOUT_MS,
  ): Promise<LogLine> {
    const isIt = (line: LogLine): boolean => line.msg === message && matches(line);
    const known = this.#lines.find(isIt);
    if (known) return Promise.resolve(known);
    return new Promise((resolve, reject) => {
      const finish = (act: () => void): void => {
        clearTimeout(timer);
        this.#listeners.delete(listener);
        this.child.removeListener('close', onClose);
        act();
      };
      const fail = (why: string): void =>
        finish(() => reject(new Error(`${this.#program} ${why}:\n${this.describeLog()}`)));
      const listener = (line: LogLine): void => {
        if (isIt(line)) finish(() => resolve(line));
      };
      const onClose = (code: number | null): void => fail(`ended with status ${code} before "${message}"`);
      const timer = setTimeout(() => fail(`did not say "${message}" within ${timeoutMs} ms`), timeoutMs);
      this.#listeners.add(listener);
      this.child.once('close', onClose);
    });
  }

  describeLog(): string {
    return this.#lines.map((line) => JSON.stringify(line)).join('\n');
  }

  /** @returns The exit status, or `null` when a signal ended it. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exited = once(this.child, 'exit');
      this.child.kill(signal);
      await exited;
    }
    return this.child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
