import type { Outcome } from '../engine/outcome.js';
import type { Reactor } from '../engine/reactor.js';
import type { Place } from '../reconfigure.js';
import type { Real, Virtual } from '../state.js';
import { restMs } from './policy.js';
import type { SentinelMeans, SocketLender } from './sentinel.js';
import { type Hurried, type OnSentinel, type SentinelFigures, Watch } from './watch.js';

export interface SentinelsOptions {
  readonly reactor: Reactor;
  readonly engine: SocketLender;
  /** 0 ≤ x < 1. */
  readonly random?: () => number;
  readonly onSentinel?: OnSentinel;
}

/** The sentinels of a scheduler: one for all reals that are to have one and share their tests. */
export class Sentinels {
  readonly figures: SentinelFigures = {
    sentinelsOpen: 0,
    sentinelsBackedOff: 0,
    sentinelBreaks: 0,
    sentinelTests: 0,
  };
  readonly #options: SentinelsOptions;
  readonly #means: SentinelMeans;
  readonly #byTests = new Map<Hurried, Watch>();
  readonly #byReal = new Map<Real, Watch>();

  constructor(options: SentinelsOptions) {
    const { reactor, engine, random = Math.random } = options;
    this.#options = options;
    this.#means = { reactor, sockets: engine, restMs: (standing) => restMs(standing, random()) };
  }

  /** One of these tests ended, and its outcome has taken effect. */
  noteTest(tests: Hurried, { verdict }: Outcome): void {
    if (this.#byTests.size > 0) this.#byTests.get(tests)?.sentinel.noteTest(verdict?.up);
  }

  /** @param tests Those of a real which is to have a sentinel; `undefined` where it is to have none. */
  assign(virtual: Virtual, real: Real, tests: Hurried | undefined): void {
    const known = this.#byReal.get(real);
    if (known?.tests === tests) return;
    if (known && tests && this.#move(known, tests, real)) return;
    if (known) this.#remove(known, real);
    if (tests) this.#add(tests, { virtual, real });
    else if (known) this.#options.onSentinel?.(virtual, real, undefined);
  }

  /** Closes all connections. */
  stop(): void {
    for (const watch of this.#byTests.values()) watch.close();
    this.#byTests.clear();
    this.#byReal.clear();
  }

  /** A real that is tested in another way keeps its connection, where that goes to the same port. @returns Whether it does. */
  #move(watch: Watch, tests: Hurried, real: Real): boolean {
    if (watch.places.size > 1 || this.#byTests.has(tests) || !watch.isAt(real.config)) return false;
    this.#byTests.delete(watch.tests);
    watch.tests = tests;
    this.#byTests.set(tests, watch);
    return true;
  }

  #add(tests: Hurried, place: Place): void {
    const { onSentinel } = this.#options;
    const { config } = place.real;
    const watch = this.#byTests.get(tests) ?? new Watch(this.#means, this.figures, tests, config, onSentinel);
    watch.places.set(place.real, place);
    this.#byTests.set(tests, watch);
    this.#byReal.set(place.real, watch);
    onSentinel?.(place.virtual, place.real, watch.sentinel.phase);
  }

  #remove(watch: Watch, real: Real): void {
    this.#byReal.delete(real);
    watch.places.delete(real);
    if (watch.places.size > 0) return;
    watch.close();
    this.#byTests.delete(watch.tests);
  }
}
