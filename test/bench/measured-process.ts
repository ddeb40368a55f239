import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { endWithUs } from '../servers/end-with-us.js';
import { onTestedCore } from './cores.js';

const STOP_TIMEOUT_MS = 30_000;

export interface MeasuredProcessOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Standard input and output are pipes. */
  readonly isAsked?: boolean;
}

/** A program under measurement, on the core that is kept for it where one is. */
export class MeasuredProcess implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly #lines: Interface | undefined;
  #said = '';

  constructor(command: readonly string[], { env = {}, cwd, isAsked = false }: MeasuredProcessOptions = {}) {
    const [program = '', ...args] = onTestedCore(command);
    this.child = spawn(program, args, {
      stdio: isAsked ? ['pipe', 'pipe', 'pipe'] : ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...env },
      ...(cwd !== undefined && { cwd }),
    });
    endWithUs(this.child);
    // read to its end, as a full pipe would stop it; the last of it explains a failure
    this.child.stderr?.on('data', (data: Buffer) => {
      this.#said = (this.#said + data).slice(-4000);
    });
    if (this.child.stdout) this.#lines = createInterface({ input: this.child.stdout });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** The end of what it wrote to standard error. */
  get said(): string {
    return this.#said;
  }

  /** Gives it a line and waits for the next one of its own. */
  async ask(line: string): Promise<string> {
    if (!this.#lines || !this.child.stdin) throw new Error('it has no pipes to be asked by');
    if (this.hasEnded) throw new Error(`it has ended:\n${this.#said}`);
    const ended = new AbortController();
    const onExit = (): void => ended.abort();
    this.child.once('exit', onExit);
    try {
      const answer = once(this.#lines, 'line', { signal: ended.signal });
      this.child.stdin.write(`${line}\n`);
      const [text] = await answer;
      return String(text);
    } catch (error) {
      throw ended.signal.aborted ? new Error(`it has ended:\n${this.#said}`) : error;
    } finally {
      this.child.removeListener('exit', onExit);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.hasEnded) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    const hurry = setTimeout(() => this.child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(hurry);
  }
}
