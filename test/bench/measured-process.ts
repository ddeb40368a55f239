import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface, type Interface } from 'node:readline';

const CLOCK_TICKS_PER_S = 100; // USER_HZ, fixed by the kernel's ABI

/** User and system time of a process so far, in microseconds. */
export interface CpuTime {
  readonly userUs: number;
  readonly systemUs: number;
}

/** CPU time of all threads of a process (proc(5), fields 14 and 15 of stat). */
export function readCpuTime(pid: number): CpuTime {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const toUs = (field: string | undefined): number => (Number(field) * 1e6) / CLOCK_TICKS_PER_S;
  return { userUs: toUs(fields[11]), systemUs: toUs(fields[12]) };
}

/** A node script under measurement, asked and answering by lines. */
export class MeasuredProcess implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly #lines: Interface;

  constructor(script: string, args: readonly string[]) {
    this.child = spawn(process.execPath, [script, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    if (!this.child.stdout) throw new Error('no standard output');
    this.#lines = createInterface({ input: this.child.stdout });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  async ask(line: string): Promise<string> {
    const answer = once(this.#lines, 'line');
    this.child.stdin?.write(`${line}\n`);
    const [text] = await answer;
    return String(text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await exited;
  }
}
