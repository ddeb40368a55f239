import type { SurealivedConfig } from '@surealived/shared/surealived-cfg';
import type { TesterRegistry } from '@surealived/testers/registry';
import type { EngineLoad } from '../admin/context.js';
import { Engine } from '../engine/engine.js';
import type { Outcome, Trace } from '../engine/outcome.js';
import { Reactor } from '../engine/reactor.js';
import type { Reconfiguration } from '../reconfigure.js';
import { Scheduler } from '../schedule.js';
import type { Real, Virtual } from '../state.js';
import type { Testing, TestingOptions } from './testing.js';

export interface LocalTestingOptions extends TestingOptions {
  readonly loadTesters: (config: SurealivedConfig) => Promise<TesterRegistry>;
  /** Told when this thread stood still for long. */
  readonly onLongStall: (stallMs: number) => void;
}

/** Tests made in this thread. */
export class LocalTesting implements Testing {
  readonly #options: LocalTestingOptions;
  readonly #reactor: Reactor;
  readonly #engine: Engine;
  readonly #scheduler: Scheduler;

  /** @throws SystemCallError when epoll cannot be had. */
  constructor(options: LocalTestingOptions) {
    const { config, capacity, clock, onOutcome, traceOf, onSentinel, onLongStall } = options;
    this.#options = options;
    this.#reactor = new Reactor({
      clock,
      tickMs: config.epoll_interval_ms,
      maxEvents: config.epoll_size,
      onLongStall,
    });
    this.#engine = new Engine(this.#reactor, capacity);
    this.#scheduler = new Scheduler({
      reactor: this.#reactor,
      engine: this.#engine,
      startupDelayMs: config.startup_delay_ms,
      sharesProbes: config.share_probes,
      onOutcome,
      traceOf,
      onSentinel,
    });
  }

  get load(): EngineLoad {
    const { running, waiting } = this.#engine;
    const { longStalls, stalledMs, lagMs } = this.#reactor;
    const lag = { lagMs: lagMs.recent, worstLagMs: lagMs.worst };
    return { running, waiting, longStalls, stalledMs, ...lag, ...this.#scheduler.sentinelFigures };
  }

  loadTesters(config: SurealivedConfig): Promise<TesterRegistry> {
    return this.#options.loadTesters(config);
  }

  async start(virtuals: readonly Virtual[]): Promise<void> {
    this.#scheduler.start(virtuals);
  }

  reconfigure(reconfiguration: Reconfiguration): void {
    this.#scheduler.reconfigure(reconfiguration);
  }

  check(virtual: Virtual, real: Real, trace: Trace): Promise<Outcome> {
    return this.#scheduler.check(virtual, real, trace);
  }

  async stop(): Promise<void> {
    this.#scheduler.stop();
    this.#reactor.close();
  }
}
