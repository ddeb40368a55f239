import type { Clock } from '@surealived/shared/clock';
import { ModuleError } from '@surealived/shared/errors';
import { virtualKey } from '@surealived/shared/model';
import type { SurealivedConfig } from '@surealived/shared/surealived-cfg';
import { loadTesters } from '@surealived/testers/module-loader';
import { TesterRegistry } from '@surealived/testers/registry';
import { unpackVirtual } from '../config/transfer.js';
import type { Outcome } from '../engine/outcome.js';
import { type Place, reconfigure } from '../reconfigure.js';
import type { SentinelPhase } from '../sentinel/policy.js';
import { healthAfter, type Real, type Virtual } from '../state.js';
import { clockSince } from './clock-origin.js';
import { writeLoad } from './load-figures.js';
import { LocalTesting } from './local-testing.js';
import type { AssignedVirtual, FromWorker, ToWorker, WorkerStart } from './messages.js';
import { Outbox } from './outbox.js';
import { type LastSaid, NOTHING_SAID } from './outcome-batch.js';
import { RemoteTrace } from './remote-trace.js';

/** The tests of one real under one configuration. */
interface Series extends LastSaid, Place {
  readonly number: number;
}

type Post = (message: FromWorker, transferred?: ArrayBuffer) => void;

/** How old the figures of the load may be while no test ends. */
const FIGURES_MS = 1000;

/**
 * A worker's own tests. It keeps what the scheduler looks at, the state as the tests alone make it, by the same rules as
 * the main thread, which folds in the same outcomes.
 */
export class WorkerTester {
  readonly #post: Post;
  readonly #exit: () => void;
  readonly #figures: Float64Array;
  readonly #clock: Clock;
  readonly #testing: LocalTesting;
  readonly #outbox: Outbox;
  readonly #figuresTimer: NodeJS.Timeout;
  #registry = new TesterRegistry([]);
  /** By key. */
  readonly #virtuals = new Map<string, Virtual>();
  readonly #series = new Map<Real, Series>();

  /**
   * @param exit Ends the thread.
   * @throws SystemCallError when epoll cannot be had.
   */
  constructor({ config, capacity, figures, clockOriginMs }: WorkerStart, post: Post, exit: () => void) {
    this.#post = post;
    this.#exit = exit;
    this.#figures = figures;
    this.#clock = clockSince(clockOriginMs);
    this.#outbox = new Outbox((batch) => {
      this.#publishLoad();
      post({ kind: 'outcomes', ...batch }, batch.numbers.buffer as ArrayBuffer);
    });
    this.#testing = new LocalTesting({
      config,
      capacity,
      clock: this.#clock,
      // the main thread has looked for faults in their attributes
      loadTesters: ({ modules_path, modules }) => loadTesters({ directory: modules_path, wanted: modules }),
      onOutcome: (virtual, real, outcome) => this.#observe(virtual, real, outcome),
      traceOf: (virtual, real) => (config.debug_comm ? this.#traceOf(virtual, real) : undefined),
      onSentinel: (_virtual, real, phase) => this.#tellSentinel(real, phase),
      onLongStall: (stallMs) => post({ kind: 'stalled', stallMs }),
    });
    this.#figuresTimer = setInterval(() => this.#publishLoad(), FIGURES_MS);
  }

  handle(message: ToWorker): void {
    switch (message.kind) {
      case 'load':
        return void this.#load(message.config);
      case 'assign':
        return this.#assign(message.virtuals, message.removed);
      case 'check':
        return void this.#check(message.check, message.series);
      case 'stop':
        return this.#exit();
    }
  }

  /** Ends all tests, with what they have started. */
  close(): void {
    clearInterval(this.#figuresTimer);
    void this.#testing.stop();
  }

  /** What is no problem of a module's is a bug, and reaches the top. */
  async #load(config: SurealivedConfig): Promise<void> {
    try {
      this.#registry = await this.#testing.loadTesters(config);
      this.#post({ kind: 'loaded', problems: [] });
    } catch (error) {
      if (!(error instanceof ModuleError)) throw error;
      this.#post({ kind: 'loaded', problems: error.problems });
    }
  }

  #assign(assigned: readonly AssignedVirtual[], removedKeys: readonly string[]): void {
    const configs = assigned.map(({ text }) => unpackVirtual(text, this.#registry));
    const touched = [...removedKeys, ...configs.map(virtualKey)]
      .map((key) => this.#virtuals.get(key))
      .filter((virtual) => virtual !== undefined);
    const result = reconfigure(touched, configs);
    for (const key of removedKeys) this.#virtuals.delete(key);
    for (const { real } of result.removed) this.#series.delete(real);
    const renewed: Place[] = [];
    for (const [index, virtual] of result.virtuals.entries()) {
      this.#virtuals.set(virtualKey(virtual.config), virtual);
      renewed.push(...this.#beginSeries(virtual, assigned[index] as AssignedVirtual));
    }
    // the main thread decides whose tests begin anew
    const known = new Set(result.retested.map(({ real }) => real));
    const retested = [...result.retested, ...renewed.filter(({ real }) => !known.has(real))];
    this.#testing.reconfigure({ ...result, retested });
  }

  /** @returns Reals that were tested already, and have another series now. */
  #beginSeries(virtual: Virtual, { series, health }: AssignedVirtual): readonly Place[] {
    const renewed: Place[] = [];
    for (const [index, real] of virtual.reals.entries()) {
      const number = series[index] as number;
      const former = this.#series.get(real);
      if (former?.number === number) continue;
      real.health = health[index] ?? real.health;
      this.#series.set(real, { ...NOTHING_SAID, number, virtual, real });
      if (former) renewed.push({ virtual, real });
    }
    return renewed;
  }

  #observe(virtual: Virtual, real: Real, outcome: Outcome): void {
    const series = this.#series.get(real);
    if (!series) return;
    const { online } = real.health;
    if (outcome.verdict) real.health = healthAfter(virtual, real, outcome.verdict.up);
    this.#outbox.add(series.number, series, outcome, real.health.online !== online);
  }

  #tellSentinel(real: Real, phase: SentinelPhase | undefined): void {
    const series = this.#series.get(real)?.number;
    if (series === undefined) return;
    this.#publishLoad();
    this.#post({ kind: 'sentinel', series, phase });
  }

  #traceOf(virtual: Virtual, real: Real): RemoteTrace | undefined {
    const series = this.#series.get(real)?.number;
    if (!virtual.config.testing.debugComm || series === undefined) return undefined;
    this.#post({ kind: 'begun', series });
    return new RemoteTrace({ series }, this.#clock, this.#post);
  }

  async #check(check: number, number: number): Promise<void> {
    const place = [...this.#series.values()].find((series) => series.number === number);
    if (!place) return; // a reload was faster
    const trace = new RemoteTrace({ check }, this.#clock, this.#post);
    const outcome = await this.#testing.check(place.virtual, place.real, trace);
    this.#post({ kind: 'checked', check, outcome });
  }

  #publishLoad(): void {
    writeLoad(this.#testing.load, this.#figures);
  }
}
