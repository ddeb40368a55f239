import { readFileSync } from 'node:fs';
import { LOG_LEVELS, type LogLevel } from '../log-level.js';
import { writeLogLine } from '../log-line.js';
import type { LogOutputs } from '../log-outputs.js';
import { Child, type Death } from './child.js';
import { removePidFile, writePidFile } from './pid-file.js';
import type { Report, WatchdogPlan } from './plan.js';
import { restartDelay } from './restart-delay.js';

const MEMORY_CHECK_MS = 1_000;
/** A limit is no less than so many times what a child has when it begins: by a low one it would end again and again. */
const LEAST_FACTOR = 2;

/**
 * Starts a program, again and again where it ends, until it is told to stop.
 *
 * A program that cannot start the first time is not tried again: its user is there to see why.
 */
export class Watchdog {
  readonly #plan: WatchdogPlan;
  readonly #log: LogOutputs;
  readonly #report: (what: Report) => void;
  #child: Child | undefined;
  /** Whether the program has ever done its work. */
  #isProven = false;
  #isStopping = false;
  #isRestartWanted = false;
  #delayMs = 0;
  #restartTimer: NodeJS.Timeout | undefined;
  #memoryTimer: NodeJS.Timeout | undefined;
  #memoryLimitKb = 0;
  #onEnd: () => void = () => undefined;

  /** @param report Tells the process that waits for the start. */
  constructor(plan: WatchdogPlan, log: LogOutputs, report: (what: Report) => void) {
    this.#plan = plan;
    this.#log = log;
    this.#report = report;
  }

  /** Works until it is told to stop, or until the program could not start the first time. */
  async run(): Promise<void> {
    process.on('uncaughtException', (error) =>
      this.#say('error', { reason: error.stack }, 'failure of its own'),
    );
    for (const signal of ['SIGHUP', 'SIGUSR2'] as const) process.on(signal, () => this.#pass(signal));
    process.on('SIGUSR1', () => {
      this.#log.reopen();
      this.#pass('SIGUSR1');
    });
    process.on('SIGINT', () => this.#stop('SIGINT'));
    process.on('SIGTERM', () => {
      if (this.#plan.onTerminate === 'stop') this.#stop('SIGTERM');
      else this.#restart();
    });
    if (this.#plan.memlimit > 0) this.#memoryTimer = setInterval(() => this.#checkMemory(), MEMORY_CHECK_MS);
    await new Promise<void>((resolve) => {
      this.#onEnd = resolve;
      this.#start();
    });
  }

  /** The process that waits for the start is there no more: where there was none yet, there will be none. */
  launcherGone(): void {
    if (!this.#isProven) this.#stop('launcher gone');
  }

  #start(): void {
    const child = new Child(this.#plan, {
      onStarted: () => void this.#onStarted(child),
      onOutput: (text) => this.#onOutput(text),
      onDeath: (death) => this.#onDeath(death),
    });
    this.#child = child;
  }

  async #onStarted({ pid }: Child): Promise<void> {
    this.#say('info', { child: pid }, 'child started');
    if (this.#plan.memlimit > 0) this.#limitMemory(pid);
    if (this.#isProven) return;
    this.#isProven = true;
    await this.#writePidFile();
    this.#report({ kind: 'started' });
  }

  #onOutput(text: string): void {
    if (!this.#isProven) this.#report({ kind: 'output', text });
    else for (const line of text.trimEnd().split('\n')) this.#say('error', { line }, 'child wrote');
  }

  #onDeath({ status, signal, livedMs, reason }: Death): void {
    const pid = this.#child?.pid;
    this.#child = undefined;
    if (this.#isStopping || !this.#isProven) return this.#end(status ?? 1);
    const ending = { child: pid, status, signal, reason, livedSec: Math.round(livedMs / 1000) };
    if (this.#isRestartWanted) {
      this.#isRestartWanted = false;
      this.#say('info', ending, 'child restarted');
      return this.#start();
    }
    this.#delayMs = restartDelay(this.#delayMs, livedMs);
    this.#say('error', { ...ending, restartInSec: this.#delayMs / 1000 }, 'child ended');
    this.#restartTimer = setTimeout(() => this.#start(), this.#delayMs);
  }

  /** Hands a signal to the child. One that waits to be started again is started now: something was changed for it. */
  #pass(signal: NodeJS.Signals): void {
    if (this.#child) this.#child.signal(signal);
    else if (signal === 'SIGHUP') this.#restart();
  }

  #restart(): void {
    if (this.#isStopping) return;
    this.#delayMs = 0;
    if (this.#child) {
      this.#isRestartWanted = true;
      this.#child.end();
    } else {
      clearTimeout(this.#restartTimer);
      this.#start();
    }
  }

  #stop(why: string): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#say('info', { why }, 'stopping');
    clearTimeout(this.#restartTimer);
    if (this.#child) this.#child.end();
    else this.#end(0);
  }

  #end(status: number): void {
    this.#isStopping = true;
    clearInterval(this.#memoryTimer);
    if (!this.#isProven) this.#report({ kind: 'failed', status: status || 1 });
    else removePidFile(this.#plan.pidFile);
    this.#onEnd();
  }

  #limitMemory(pid: number | undefined): void {
    const { memlimit } = this.#plan;
    const leastKb = LEAST_FACTOR * (residentKb(pid) ?? 0);
    this.#memoryLimitKb = Math.max(memlimit, leastKb);
    if (memlimit >= leastKb) return;
    this.#say(
      'warn',
      { child: pid, memlimit, limitKb: leastKb },
      'memlimit is raised to twice what the child began with',
    );
  }

  #checkMemory(): void {
    const child = this.#child;
    if (!child?.hasStarted || child.isEnding) return;
    const limitKb = this.#memoryLimitKb;
    const memoryKb = residentKb(child.pid);
    if (memoryKb === undefined || memoryKb <= limitKb) return;
    this.#say('warn', { child: child.pid, memoryKb, limitKb }, 'child passed memlimit');
    child.end();
  }

  async #writePidFile(): Promise<void> {
    const { pidFile, program } = this.#plan;
    const reason = await writePidFile(pidFile);
    if (reason === undefined) return;
    this.#say('error', { reason }, 'pid file not written');
    this.#report({ kind: 'output', text: `${program}: pid file not written: ${reason}\n` });
  }

  #say(level: LogLevel, fields: Readonly<Record<string, unknown>>, message: string): void {
    const { program, level: limit } = this.#plan.log;
    if (LOG_LEVELS.indexOf(level) > LOG_LEVELS.indexOf(limit)) return;
    attempt(() => this.#log.write(writeLogLine(program, level, fields, `watchdog: ${message}`)));
  }
}

/** The memory that a process has, in KB; `undefined` when it is gone. */
function residentKb(pid: number | undefined): number | undefined {
  let status = '';
  attempt(() => {
    status = readFileSync(`/proc/${pid}/status`, 'utf8');
  });
  const [, kilobytes] = /^VmRSS:\s*(\d+) kB$/m.exec(status) ?? [];
  return kilobytes === undefined ? undefined : Number(kilobytes);
}

/** For what may fail, and must not end the watchdog. */
function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // there is nothing better to do
  }
}
