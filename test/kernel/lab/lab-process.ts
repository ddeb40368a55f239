import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import { withinLimit } from './wait.js';

const KEPT_LINES = 5000;

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProcessOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Leaves its output out of failure reports: it is a tool of the lab, not a witness. */
  readonly quiet?: boolean;
}

/**
 * A process under test with its output, line by line.
 *
 * It leads its own process group: `kill` reaches its children too, `signal` only itself, as an init system would.
 */
export class LabProcess {
  readonly name: string;
  readonly pid: number;
  readonly quiet: boolean;
  /** Settles when the process has ended and all its output has been read; never rejects. */
  readonly exited: Promise<ProcessExit>;
  readonly #child: ChildProcess;
  readonly #events = new EventEmitter();
  readonly #lines: string[] = [];
  #droppedLines = 0;
  #exit: ProcessExit | undefined;

  private constructor(name: string, child: ChildProcess, quiet: boolean) {
    this.name = name;
    this.pid = child.pid as number;
    this.quiet = quiet;
    this.#child = child;
    this.#events.setMaxListeners(0);
    for (const stream of [child.stdout, child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', (line) => this.#take(line));
    }
    this.exited = once(child, 'close').then(([code, signal]) => this.#end({ code, signal }));
  }

  /** @throws When the program cannot be started at all. */
  static async start(
    name: string,
    argv: readonly string[],
    options: ProcessOptions = {},
  ): Promise<LabProcess> {
    const [program = '', ...args] = argv;
    const spawnOptions: SpawnOptions = {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { ...process.env, ...options.env },
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    };
    const child = spawn(program, args, spawnOptions);
    child.stdin?.on('error', () => undefined); // EPIPE of a process that ended; its exit tells the story
    if (child.pid === undefined) await once(child, 'spawn');
    return new LabProcess(name, child, options.quiet ?? false);
  }

  /** Everything printed so far, standard output and standard error in the order of arrival. */
  get output(): string {
    return this.#lines.join('\n');
  }

  get isRunning(): boolean {
    return this.#exit === undefined;
  }

  /** Number of lines printed so far; hand it to `waitForLine` to look only at what comes after this moment. */
  get lineCount(): number {
    return this.#droppedLines + this.#lines.length;
  }

  send(text: string): void {
    this.#child.stdin?.write(text);
  }

  closeInput(): void {
    this.#child.stdin?.end();
  }

  /**
   * Waits for a line of output that matches, whether already printed or still to come.
   *
   * @param fromLine Lines before this number are not looked at.
   * @throws When the process ends first or the time is up; the message carries the end of its output.
   */
  async waitForLine(pattern: RegExp, timeoutMs: number, fromLine = 0): Promise<RegExpExecArray> {
    const seen = this.#find(pattern, fromLine);
    if (seen) return seen;
    const listening = new AbortController();
    try {
      const wanted = `${this.name}: no line matching ${pattern}`;
      return await withinLimit(
        this.#nextMatch(pattern, wanted, listening.signal),
        timeoutMs,
        () => `${wanted} within ${timeoutMs} ms\n${this.tail(20)}`,
      );
    } finally {
      listening.abort();
    }
  }

  signal(name: NodeJS.Signals): void {
    if (this.isRunning) this.#child.kill(name);
  }

  /**
   * Asks the process to end and waits until it has.
   *
   * @throws When it does not obey in time; it is killed then, with its children.
   */
  async stop(timeoutMs = 5000): Promise<ProcessExit> {
    this.signal('SIGTERM');
    try {
      return await withinLimit(
        this.exited,
        timeoutMs,
        () => `${this.name} ignored SIGTERM for ${timeoutMs} ms`,
      );
    } finally {
      this.#killGroup();
    }
  }

  /** Ends the process and its children without asking, as a crash would. */
  async kill(): Promise<void> {
    this.#killGroup();
    await withinLimit(this.exited, 5000, () => `${this.name} (pid ${this.pid}) outlived SIGKILL`);
  }

  tail(lineCount: number): string {
    return this.#lines.slice(-lineCount).join('\n');
  }

  #take(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > KEPT_LINES) {
      this.#lines.shift();
      this.#droppedLines++;
    }
    this.#events.emit('line', line);
  }

  #end(exit: ProcessExit): ProcessExit {
    this.#exit = exit;
    this.#events.emit('end');
    return exit;
  }

  #find(pattern: RegExp, fromLine: number): RegExpExecArray | undefined {
    for (const line of this.#lines.slice(Math.max(0, fromLine - this.#droppedLines))) {
      const match = pattern.exec(line);
      if (match) return match;
    }
    return undefined;
  }

  #nextMatch(pattern: RegExp, wanted: string, listening: AbortSignal): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const onLine = (line: string): void => {
        const match = pattern.exec(line);
        if (match) resolve(match);
      };
      const onEnd = (): void => reject(new Error(`${wanted} before it ended\n${this.tail(20)}`));
      listening.addEventListener('abort', () => this.#events.off('line', onLine).off('end', onEnd));
      this.#events.on('line', onLine).on('end', onEnd);
      if (!this.isRunning) onEnd();
    });
  }

  #killGroup(): void {
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // ESRCH: the whole group is gone, which is what was wanted
    }
  }
}
