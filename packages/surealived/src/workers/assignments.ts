import { virtualKey } from '@surealived/shared/model';
import type { RealConfig, VirtualConfig } from '../config/model.js';
import { packVirtual } from '../config/transfer.js';
import type { Trace } from '../engine/outcome.js';
import type { Place, Reconfiguration } from '../reconfigure.js';
import type { Real, Virtual } from '../state.js';
import type { AssignedVirtual } from './messages.js';
import { type LastSaid, NOTHING_SAID } from './outcome-batch.js';

/** The tests of one real under one configuration, as the main thread knows them. */
export interface Series extends LastSaid, Place {
  readonly number: number;
  /** Who sees its present test. */
  trace: Trace | undefined;
}

/** Where a virtual is tested. */
interface Home {
  readonly worker: number;
  /** As the worker has it. */
  config: VirtualConfig;
  reals: number;
}

/** What one worker has to be told. */
export interface Assignment {
  readonly virtuals: AssignedVirtual[];
  /** Keys. */
  readonly removed: string[];
}

export interface AssignmentOptions {
  readonly workers: number;
  /** Whether tests that are identical are made once, which they can be within a worker only. */
  readonly sharesProbes: boolean;
}

/** Which worker tests what. A virtual stays with its worker. */
export class Assignments {
  readonly #sharesProbes: boolean;
  /** Reals by worker. */
  readonly #reals: number[];
  readonly #homes = new Map<Virtual, Home>();
  readonly #series = new Map<number, Series>();
  readonly #seriesOf = new Map<Real, Series>();
  #lastNumber = 0;

  constructor({ workers, sharesProbes }: AssignmentOptions) {
    this.#sharesProbes = sharesProbes;
    this.#reals = Array<number>(workers).fill(0);
  }

  /** `undefined` where it is over. */
  series(number: number): Series | undefined {
    return this.#series.get(number);
  }

  /** @returns What each worker has to be told, by worker. */
  update({
    virtuals,
    removed,
    retested,
  }: Pick<Reconfiguration, 'virtuals' | 'removed' | 'retested'>): readonly Assignment[] {
    const assignments = this.#reals.map((): Assignment => ({ virtuals: [], removed: [] }));
    for (const { real } of [...removed, ...retested]) this.#endSeries(real);
    const there = new Set(virtuals);
    for (const [virtual, home] of this.#homes) {
      if (there.has(virtual)) continue;
      assignments[home.worker]?.removed.push(virtualKey(home.config));
      this.#settle(virtual, home, 0);
      this.#homes.delete(virtual);
    }
    const neighbours = new Neighbours(this.#homes);
    for (const virtual of virtuals) {
      const known = this.#homes.get(virtual);
      if (known?.config === virtual.config) continue;
      const home = known ?? { worker: this.#choose(virtual, neighbours), config: virtual.config, reals: 0 };
      this.#homes.set(virtual, home);
      this.#settle(virtual, home, virtual.reals.length);
      assignments[home.worker]?.virtuals.push(this.#assign(virtual));
    }
    return assignments;
  }

  /** Who tests a real, and in which series. */
  find(virtual: Virtual, real: Real): { readonly worker: number; readonly series: number } | undefined {
    const worker = this.#homes.get(virtual)?.worker;
    const series = this.#seriesOf.get(real)?.number;
    return worker === undefined || series === undefined ? undefined : { worker, series };
  }

  #settle(virtual: Virtual, home: Home, reals: number): void {
    this.#reals[home.worker] = (this.#reals[home.worker] ?? 0) + reals - home.reals;
    home.reals = reals;
    home.config = virtual.config;
  }

  #choose(virtual: Virtual, neighbours: Neighbours): number {
    const leastLoaded = this.#reals.indexOf(Math.min(...this.#reals));
    return this.#sharesProbes ? neighbours.settle(virtual, leastLoaded) : leastLoaded;
  }

  #assign(virtual: Virtual): AssignedVirtual {
    return {
      text: packVirtual(virtual.config),
      series: virtual.reals.map(
        (real) => (this.#seriesOf.get(real) ?? this.#beginSeries(virtual, real)).number,
      ),
      health: virtual.reals.map(({ health }) => health),
    };
  }

  #beginSeries(virtual: Virtual, real: Real): Series {
    const series = { ...NOTHING_SAID, number: ++this.#lastNumber, virtual, real, trace: undefined };
    this.#series.set(series.number, series);
    this.#seriesOf.set(real, series);
    return series;
  }

  #endSeries(real: Real): void {
    const series = this.#seriesOf.get(real);
    if (!series) return;
    this.#series.delete(series.number);
    this.#seriesOf.delete(real);
  }
}

/** Which worker tests at which address and port: virtuals with the same reals belong together. */
class Neighbours {
  readonly #homes: ReadonlyMap<Virtual, Home>;
  /** Absent until it is asked for: most reloads bring no new virtual. */
  #workers: Map<string, number> | undefined;

  constructor(homes: ReadonlyMap<Virtual, Home>) {
    this.#homes = homes;
  }

  /** @returns The worker that has a real of a new virtual already, otherwise this one. */
  settle(virtual: Virtual, leastLoaded: number): number {
    this.#workers ??= this.#find();
    const places = virtual.config.reals.map(placeOf);
    const known = places.map((place) => this.#workers?.get(place));
    const worker = known.find((worker) => worker !== undefined) ?? leastLoaded;
    for (const place of places) this.#workers.set(place, worker);
    return worker;
  }

  #find(): Map<string, number> {
    const workers = new Map<string, number>();
    for (const [{ config }, { worker }] of this.#homes)
      for (const real of config.reals) workers.set(placeOf(real), worker);
    return workers;
  }
}

function placeOf({ address, testPort }: RealConfig): string {
  return `${address.text} ${testPort}`;
}
