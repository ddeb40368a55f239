import { ModuleError } from '@surealived/shared/errors';
import { exitAtOnce } from '@surealived/shared/libc';
import type { Logger } from '@surealived/shared/log';
import { urlOf } from '@surealived/shared/program-files';
import type { SurealivedConfig } from '@surealived/shared/surealived-cfg';
import type { TesterRegistry } from '@surealived/testers/registry';
import type { EngineLoad } from '../admin/context.js';
import { partOf } from '../engine/capacity.js';
import type { Outcome, Trace } from '../engine/outcome.js';
import type { Reconfiguration } from '../reconfigure.js';
import type { SentinelPhase } from '../sentinel/policy.js';
import type { Real, Virtual } from '../state.js';
import { type Assignment, Assignments, type Series } from './assignments.js';
import { clockOriginMs } from './clock-origin.js';
import { combineLoads } from './load-figures.js';
import type { FromWorker, Traced } from './messages.js';
import { type OutcomeBatch, readOutcomes } from './outcome-batch.js';
import { TestWorker } from './test-worker.js';
import type { Testing, TestingOptions } from './testing.js';

export interface WorkerPoolOptions extends TestingOptions {
  readonly loadTesters: (config: SurealivedConfig) => Promise<TesterRegistry>;
  readonly log: Logger;
  /** Told when a worker has died: nobody tests its reals then. */
  readonly onDeath: (error: Error) => void;
  /** What a worker runs. */
  readonly script?: URL;
}

/** A check that a worker makes. */
interface Check {
  readonly trace: Trace;
  readonly resolve: (outcome: Outcome) => void;
}

/**
 * Tests made in `workers` other threads, each of which has whole virtuals.
 *
 * A thread that still watches its epoll cannot be torn down: koffi would take the whole process with it (SIGSEGV). So
 * threads end by themselves, and a process whose thread does not hear ends without tearing anything down.
 */
export class WorkerPool implements Testing {
  readonly #options: WorkerPoolOptions;
  readonly #assignments: Assignments;
  readonly #checks = new Map<number, Check>();
  readonly #started: Promise<void>;
  #onStarted: () => void = () => undefined;
  #workers: readonly TestWorker[] = [];
  #lastCheck = 0;
  #hasStarted = false;
  /** The first one. */
  #death: Error | undefined;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    const { workers, share_probes: sharesProbes } = options.config;
    this.#assignments = new Assignments({ workers, sharesProbes });
    this.#started = new Promise((resolve) => {
      this.#onStarted = resolve;
    });
  }

  get load(): EngineLoad {
    return combineLoads(this.#workers.map(({ figures }) => figures));
  }

  async loadTesters(config: SurealivedConfig): Promise<TesterRegistry> {
    const [registry] = await Promise.all([this.#options.loadTesters(config), this.#loadInWorkers(config)]);
    return registry;
  }

  async start(virtuals: readonly Virtual[]): Promise<void> {
    const { config } = this.#options;
    process.once('exit', this.#onExit);
    this.#workers = Array.from({ length: config.workers }, (_, index) => this.#begin(index + 1));
    await this.#loadInWorkers(config);
    if (this.#death) throw this.#death;
    this.#send(this.#assignments.update({ virtuals, removed: [], retested: [] }));
    this.#hasStarted = true;
    this.#onStarted();
  }

  reconfigure(reconfiguration: Reconfiguration): void {
    this.#send(this.#assignments.update(reconfiguration));
  }

  async check(virtual: Virtual, real: Real, trace: Trace): Promise<Outcome> {
    await this.#started;
    const place = this.#assignments.find(virtual, real);
    if (!place) throw new Error('no worker has this real');
    const check = ++this.#lastCheck;
    return new Promise((resolve) => {
      this.#checks.set(check, { trace, resolve });
      this.#workers[place.worker]?.post({ kind: 'check', check, series: place.series });
    });
  }

  async stop(): Promise<void> {
    for (const worker of this.#workers) worker.end();
    const haveEnded = await Promise.all(this.#workers.map((worker) => worker.waitForEnd()));
    if (!haveEnded.includes(false)) process.off('exit', this.#onExit);
  }

  readonly #onExit = (status: number): void => {
    for (const worker of this.#workers) worker.end();
    const haveEnded = this.#workers.map((worker) => worker.blockUntilEnd());
    if (haveEnded.includes(false)) exitAtOnce(status);
  };

  #begin(number: number): TestWorker {
    const {
      config,
      capacity,
      clock,
      script = urlOf('#test-worker', import.meta.url),
      onDeath,
    } = this.#options;
    return new TestWorker({
      name: `worker ${number}`,
      script,
      start: { config, capacity: partOf(capacity, config.workers), clockOriginMs: clockOriginMs(clock) },
      onMessage: (message) => this.#hear(number, message),
      onDeath: (error) => {
        this.#death ??= error;
        if (this.#hasStarted) onDeath(error); // if not, `start` fails
      },
    });
  }

  /** @throws ModuleError with what is wrong in the first worker that complains: one is like the other. */
  async #loadInWorkers(config: SurealivedConfig): Promise<void> {
    const complaints = await Promise.all(this.#workers.map((worker) => worker.load(config)));
    const problems = complaints.find(({ length }) => length > 0);
    if (!problems) return;
    throw new ModuleError(
      problems.map(({ message, ...place }) => ({ ...place, message: `in a worker: ${message}` })),
    );
  }

  #send(assignments: readonly Assignment[]): void {
    for (const [worker, { virtuals, removed }] of assignments.entries()) {
      if (virtuals.length + removed.length === 0) continue;
      this.#workers[worker]?.post({ kind: 'assign', virtuals, removed });
    }
  }

  #hear(worker: number, message: FromWorker): void {
    switch (message.kind) {
      case 'outcomes':
        return this.#observe(message);
      case 'begun':
        return this.#beginTrace(message.series);
      case 'said':
        return this.#traceOf(message.traced)?.[message.direction](message.data, message.atMs);
      case 'checked':
        this.#checks.get(message.check)?.resolve(message.outcome);
        return void this.#checks.delete(message.check);
      case 'sentinel':
        return this.#noteSentinel(message.series, message.phase);
      case 'stalled':
        return this.#options.log.warn(
          { worker, stallMs: Math.round(message.stallMs) },
          'this process stood still',
        );
    }
  }

  #observe(batch: OutcomeBatch): void {
    readOutcomes(
      batch,
      (number) => this.#assignments.series(number),
      ({ virtual, real }: Series, outcome) => this.#options.onOutcome(virtual, real, outcome),
    );
  }

  #noteSentinel(number: number, phase: SentinelPhase | undefined): void {
    const series = this.#assignments.series(number);
    if (series) this.#options.onSentinel(series.virtual, series.real, phase);
  }

  #beginTrace(number: number): void {
    const series = this.#assignments.series(number);
    if (series) series.trace = this.#options.traceOf(series.virtual, series.real);
  }

  #traceOf(traced: Traced): Trace | undefined {
    if ('check' in traced) return this.#checks.get(traced.check)?.trace;
    return this.#assignments.series(traced.series)?.trace;
  }
}
