import { realKey, virtualKey } from '@surealived/shared/model';
import type { DirectorListener } from '../director.js';
import type { DumpedStatistics, ProblemCounts, Times } from '../dumps/stats-dump.js';
import type { Outcome } from '../engine/outcome.js';
import type { Reconfiguration } from '../reconfigure.js';
import type { Real, Virtual } from '../state.js';
import { RealStatistics } from './real-statistics.js';

/** Sums of one virtual. */
export interface VirtualStatistics {
  readonly rounds: number;
  /** Of the last samples, over its reals. */
  readonly averageMs: Times;
  readonly averageUs: Times;
  readonly problems: ProblemCounts;
}

/** What a virtual has beside its reals' own figures. */
interface VirtualCounts {
  rounds: number;
  silent: number;
  unreachable: number;
  refused: number;
}

/** How long tests take, by real and by virtual (spec sections 6 and 7). What is removed is forgotten with its object. */
export class ConnectionStatistics implements DirectorListener {
  readonly #wallNow: () => Date;
  readonly #virtuals = new WeakMap<Virtual, VirtualCounts>();

  constructor(wallNow: () => Date) {
    this.#wallNow = wallNow;
  }

  onTested(virtual: Virtual, real: Real, outcome: Outcome): void {
    this.ofReal(virtual, real).count(outcome, this.#wallNow().getTime());
    const { verdict, connectionProblem } = outcome;
    if (verdict && connectionProblem) this.#countsOf(virtual)[connectionProblem]++;
  }

  onRound(virtual: Virtual): void {
    this.#countsOf(virtual).rounds++;
  }

  onReconfigured({ virtuals }: Reconfiguration): void {
    for (const { config, reals } of virtuals)
      for (const real of reals) real.statistics?.resize(config.testing.statsSamples);
  }

  ofReal({ config }: Virtual, real: Real): RealStatistics {
    real.statistics ??= new RealStatistics(config.testing.statsSamples);
    return real.statistics;
  }

  ofVirtual(virtual: Virtual): VirtualStatistics {
    const reals = virtual.reals.map((real) => this.ofReal(virtual, real));
    const { rounds, ...problems } = this.#countsOf(virtual);
    return {
      rounds,
      problems,
      averageMs: mean(reals.map(({ averageMs }) => averageMs)),
      averageUs: mean(reals.map(({ averageUs }) => averageUs)),
    };
  }

  /** Everything, as stats.dump holds it. */
  dump(virtuals: readonly Virtual[]): readonly DumpedStatistics[] {
    return virtuals.map((virtual) => ({
      virtual: virtualKey(virtual.config),
      samples: virtual.config.testing.statsSamples,
      ...this.ofVirtual(virtual),
      reals: virtual.reals.map((real) => this.ofReal(virtual, real).dump(realKey(real.config))),
    }));
  }

  /** Goes on from a virtual's own figures of an earlier process; those of its reals are restored with `ofReal`. */
  restore(virtual: Virtual, { rounds, problems }: DumpedStatistics): void {
    Object.assign(this.#countsOf(virtual), { rounds, ...problems });
  }

  #countsOf(virtual: Virtual): VirtualCounts {
    let counts = this.#virtuals.get(virtual);
    if (!counts) {
      counts = { rounds: 0, silent: 0, unreachable: 0, refused: 0 };
      this.#virtuals.set(virtual, counts);
    }
    return counts;
  }
}

function mean(times: readonly Times[]): Times {
  const count = Math.max(times.length, 1);
  const average = (of: (time: Times) => number): number =>
    Math.floor(times.reduce((sum, time) => sum + of(time), 0) / count);
  return {
    connect: average(({ connect }) => connect),
    response: average(({ response }) => response),
    total: average(({ total }) => total),
  };
}
