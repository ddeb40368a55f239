import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { messageOf, type Problem } from '@surealived/shared/errors';
import type { SurealivedConfig } from '@surealived/shared/surealived-cfg';
import { shareFigures } from './load-figures.js';
import type { FromWorker, ToWorker, WorkerStart } from './messages.js';

export interface TestWorkerOptions {
  readonly name: string;
  /** What the thread runs. */
  readonly script: URL;
  readonly start: Omit<WorkerStart, 'figures' | 'hasEnded'>;
  readonly onMessage: (message: FromWorker) => void;
  /** Told once when it has ended without being asked to. */
  readonly onDeath: (error: Error) => void;
}

/** How long a worker may take to end; a tester may compute without end. */
const GRACE_MS = 2000;
/** Tests leave nothing behind that lives for long: more than this takes memory, and saves no time. */
const LIMITS = { maxYoungGenerationSizeMb: 6 };
const LAST_GRACE_MS = 500;

/** A thread that makes tests, as the main thread sees it. */
export class TestWorker {
  /** How busy it is. */
  readonly figures = shareFigures();
  readonly #options: TestWorkerOptions;
  readonly #worker: Worker;
  readonly #hasEnded = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  readonly #ended: Promise<void>;
  #loading: { resolve(problems: readonly Problem[]): void; reject(error: Error): void } | undefined;
  #isOver = false;

  constructor(options: TestWorkerOptions) {
    const { name, script, start } = options;
    this.#options = options;
    const workerData: WorkerStart = { ...start, figures: this.figures, hasEnded: this.#hasEnded };
    this.#worker = new Worker(script, { name, workerData, resourceLimits: LIMITS });
    this.#worker.on('message', (message: FromWorker) => this.#hear(message));
    this.#worker.on('messageerror', (error) => this.#die(error));
    this.#worker.on('error', (error) => this.#die(error));
    this.#ended = new Promise((resolve) => {
      this.#worker.once('exit', (status) => {
        this.#die(new Error(`ended with status ${status}`));
        resolve();
      });
    });
  }

  post(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  /** Has it load the testers that a configuration asks for; one call at a time. @returns What is wrong with them. */
  load(config: SurealivedConfig): Promise<readonly Problem[]> {
    return new Promise((resolve, reject) => {
      this.#loading = { resolve, reject };
      this.post({ kind: 'load', config });
    });
  }

  /** Asks it to end; from now on it is not heard any more. */
  end(): void {
    this.#isOver = true;
    this.post({ kind: 'stop' });
  }

  /** @returns Whether it has ended in time. It cannot be made to: see `WorkerPool`. */
  async waitForEnd(): Promise<boolean> {
    const late = new AbortController();
    const hasEnded = await Promise.race([
      this.#ended.then(() => true),
      delay(GRACE_MS, false, { signal: late.signal }),
    ]);
    late.abort();
    return hasEnded;
  }

  /** The same for a process that ends and has no more time: all stands still meanwhile. */
  blockUntilEnd(): boolean {
    return Atomics.wait(this.#hasEnded, 0, 0, LAST_GRACE_MS) !== 'timed-out';
  }

  #hear(message: FromWorker): void {
    if (this.#isOver) return;
    if (message.kind !== 'loaded') return this.#options.onMessage(message);
    this.#loading?.resolve(message.problems);
    this.#loading = undefined;
  }

  #die(cause: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const error = new Error(`${this.#options.name}: ${messageOf(cause)}`, { cause });
    this.#loading?.reject(error);
    this.#options.onDeath(error);
  }
}
