import type { Outcome } from '../engine/outcome.js';
import type { Reactor } from '../engine/reactor.js';
import type { Place } from '../reconfigure.js';
import type { Probe } from '../schedule/probe.js';
import type { Real, Virtual } from '../state.js';
import { restMs } from './policy.js';
import type { SentinelMeans, SocketLender } from './sentinel.js';
import { type OnSentinel, type SentinelFigures, Watch } from './watch.js';

export interface SentinelsOptions {
  readonly reactor: Reactor;
  readonly engine: SocketLender;
  /** 0 ≤ x < 1. */
  readonly random?: () => number;
  readonly onSentinel?: OnSentinel;
}

/** The sentinels of a scheduler: one for each probe of which a real is to have one. */
export class Sentinels {
  readonly figures: SentinelFigures = {
    sentinelsOpen: 0,
    sentinelsBackedOff: 0,
    sentinelBreaks: 0,
    sentinelTests: 0,
  };
  readonly #options: SentinelsOptions;
  readonly #means: SentinelMeans;
  readonly #byProbe = new Map<Probe, Watch>();
  readonly #byReal = new Map<Real, Watch>();

  constructor(options: SentinelsOptions) {
    const { reactor, engine, random = Math.random } = options;
    this.#options = options;
    this.#means = { reactor, sockets: engine, restMs: (standing) => restMs(standing, random()) };
  }

  /** A test of this probe ended, and its outcome has taken effect. */
  noteTest(probe: Probe, { verdict }: Outcome): void {
    if (this.#byProbe.size > 0) this.#byProbe.get(probe)?.sentinel.noteTest(verdict?.up);
  }

  /** @param probe That makes the tests of a real which is to have a sentinel; `undefined` where it is to have none. */
  assign(virtual: Virtual, real: Real, probe: Probe | undefined): void {
    const known = this.#byReal.get(real);
    if (known?.probe === probe) return;
    if (known && probe && this.#move(known, probe, real)) return;
    if (known) this.#remove(known, real);
    if (probe) this.#add(probe, { virtual, real });
    else if (known) this.#options.onSentinel?.(virtual, real, undefined);
  }

  /** Closes all connections. */
  stop(): void {
    for (const watch of this.#byProbe.values()) watch.close();
    this.#byProbe.clear();
    this.#byReal.clear();
  }

  /** A real that is tested in another way keeps its connection, where that goes to the same port. @returns Whether it does. */
  #move(watch: Watch, probe: Probe, real: Real): boolean {
    if (watch.places.size > 1 || this.#byProbe.has(probe) || !watch.isAt(real.config)) return false;
    this.#byProbe.delete(watch.probe);
    watch.probe = probe;
    this.#byProbe.set(probe, watch);
    return true;
  }

  #add(probe: Probe, place: Place): void {
    const { onSentinel } = this.#options;
    const watch = this.#byProbe.get(probe) ?? new Watch(this.#means, this.figures, probe, place, onSentinel);
    watch.places.set(place.real, place);
    this.#byProbe.set(probe, watch);
    this.#byReal.set(place.real, watch);
    onSentinel?.(place.virtual, place.real, watch.sentinel.phase);
  }

  #remove(watch: Watch, real: Real): void {
    this.#byReal.delete(real);
    watch.places.delete(real);
    if (watch.places.size > 0) return;
    watch.close();
    this.#byProbe.delete(watch.probe);
  }
}
