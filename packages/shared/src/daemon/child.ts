import { type ChildProcess, spawn } from 'node:child_process';
import { messageOf } from '../errors.js';
import type { WatchdogPlan } from './plan.js';
import { childEnvironment, isStartedMessage } from './watchdog-link.js';

/** How long a child may take to end when it is asked to. */
const GRACE_MS = 10_000;
/** What standard error may still bring after the child's end; a script of its own may hold it open. */
const LAST_WORDS_MS = 200;
/** What a child may write to standard error in its life: one that chatters must not fill the log. */
const MAX_OUTPUT_BYTES = 64 << 10;

/** How a child ended. */
export interface Death {
  readonly status: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  /** Why there was no process at all. */
  readonly reason?: string;
  readonly livedMs: number;
}

export interface ChildEvents {
  /** It does its work from now on. */
  onStarted(): void;
  onOutput(text: string): void;
  /** Called once, after everything else. */
  onDeath(death: Death): void;
}

/** One life of the program that a watchdog keeps running. */
export class Child {
  readonly #events: ChildEvents;
  readonly #bornAtMs = performance.now();
  #process: ChildProcess | undefined;
  #hasStarted = false;
  #isEnding = false;
  #isDead = false;
  #outputBytes = 0;
  #killTimer: NodeJS.Timeout | undefined;
  /** Signals from before the start, which would have killed it. */
  readonly #pendingSignals = new Set<NodeJS.Signals>();

  constructor({ script, argv }: WatchdogPlan, events: ChildEvents) {
    this.#events = events;
    try {
      this.#process = spawn(process.execPath, [...process.execArgv, script, ...argv], {
        cwd: '/',
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
        env: childEnvironment(),
      });
      this.#listen(this.#process);
    } catch (error) {
      setImmediate(() => this.#die({ reason: messageOf(error) }));
    }
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  get hasStarted(): boolean {
    return this.#hasStarted;
  }

  get isEnding(): boolean {
    return this.#isEnding;
  }

  /** Sends a signal, or keeps it until the child can take it. */
  signal(signal: NodeJS.Signals): void {
    if (this.#hasStarted) this.#process?.kill(signal);
    else this.#pendingSignals.add(signal);
  }

  /** Asks it to end, and makes it end when it does not. */
  end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#process?.kill('SIGTERM');
    this.#killTimer = setTimeout(() => this.#process?.kill('SIGKILL'), GRACE_MS);
  }

  #listen(child: ChildProcess): void {
    child.on('message', (message) => {
      if (isStartedMessage(message)) this.#start();
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#hear(text));
    child.on('error', (error) => {
      if (child.pid === undefined) this.#die({ reason: error.message });
    });
    child.on('exit', (code, signal) => {
      const death = { status: code ?? undefined, signal: signal ?? undefined };
      const timer = setTimeout(() => this.#die(death), LAST_WORDS_MS);
      child.once('close', () => {
        clearTimeout(timer);
        this.#die(death);
      });
    });
  }

  #start(): void {
    if (this.#hasStarted || this.#isDead) return;
    this.#hasStarted = true;
    this.#events.onStarted();
    for (const signal of this.#pendingSignals) this.#process?.kill(signal);
  }

  #hear(text: string): void {
    if (this.#outputBytes >= MAX_OUTPUT_BYTES) return;
    this.#outputBytes += text.length;
    this.#events.onOutput(text);
  }

  #die({ status, signal, reason }: Partial<Death>): void {
    if (this.#isDead) return;
    this.#isDead = true;
    clearTimeout(this.#killTimer);
    this.#process?.stderr?.destroy();
    const livedMs = performance.now() - this.#bornAtMs;
    this.#events.onDeath({ status, signal, livedMs, ...(reason === undefined ? {} : { reason }) });
  }
}
