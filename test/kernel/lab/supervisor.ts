import type { LabProcess, ProcessExit } from './lab-process.js';
import type { Namespace } from './namespace.js';

const TIMEOUT_MS = 20_000;
/** One that was killed (128 + SIGKILL) is started again. */
const LOOP =
  'exec 2>&1; while "$@" & echo "started $!"; wait $!; status=$?; [ $status = 137 ]; do :; done; exit $status';

/**
 * Keeps a program running as a service manager does: killed, it is started again at once. A small shell does so, from
 * which a process is started sooner than from here.
 */
export class Supervisor {
  readonly #shell: LabProcess;
  #pid = 0;
  /** Where the output of the running program begins. */
  #fromLine = 0;

  private constructor(shell: LabProcess) {
    this.#shell = shell;
  }

  static async start(namespace: Namespace, argv: readonly string[], name: string): Promise<Supervisor> {
    const supervisor = new Supervisor(
      await namespace.spawn(['/bin/sh', '-c', LOOP, 'sh', ...argv], { name }),
    );
    await supervisor.#untilStarted();
    return supervisor;
  }

  get pid(): number {
    return this.#pid;
  }

  /** What the running program has printed. */
  get output(): string {
    return this.#shell.tail(this.#shell.lineCount - this.#fromLine);
  }

  /** As that of `LabProcess`, of the running program. */
  waitForLine(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#shell.waitForLine(pattern, TIMEOUT_MS, this.#fromLine);
  }

  /**
   * Kills the program; returns when it is dead and the next one begins.
   *
   * @returns All that it has printed.
   */
  async kill(): Promise<string> {
    process.kill(this.#pid, 'SIGKILL');
    const from = this.#fromLine;
    await this.#untilStarted();
    return this.#shell.tail(this.#shell.lineCount - from);
  }

  /** Ends the program, and no other is started. */
  async stop(): Promise<ProcessExit> {
    process.kill(this.#pid, 'SIGTERM');
    return await this.#shell.exited;
  }

  async #untilStarted(): Promise<void> {
    const [, pid] = await this.#shell.waitForLine(/^started (\d+)$/, TIMEOUT_MS, this.#fromLine);
    this.#pid = Number(pid);
    this.#fromLine = this.#shell.lineCount;
  }
}
