import type { Logger } from '@surealived/shared/log';
import { chooseHeld, floorOf } from './health/floor.js';
import { HELD } from './health/weight.js';
import { currentWeight, isHeld, namesOf, type Real, type Virtual, wantedWeight } from './state.js';
import type { TestStatistics } from './test-statistics.js';

/** Whose hold has changed. */
export interface Settlement {
  readonly held: readonly Real[];
  readonly released: readonly Real[];
}

const NOTHING: Settlement = { held: [], released: [] };

/** Keeps the floors of virtuals: marks the reals that are held. */
export class Floors {
  readonly #log: Logger;
  readonly #statistics: TestStatistics;
  /** The order of failure, in virtuals with a floor; what failed before this process, or before the floor, has none. */
  readonly #failures = new WeakMap<Real, number>();
  #lastFailure = 0;

  constructor({ log, statistics }: { log: Logger; statistics: TestStatistics }) {
    this.#log = log;
    this.#statistics = statistics;
  }

  /** The tests have just taken a real offline. */
  noteFailure(virtual: Virtual, real: Real): void {
    if (hasFloor(virtual)) this.#failures.set(real, ++this.#lastFailure);
  }

  /** Has the marks follow a change of a real. Costs nothing without a floor, and otherwise a look at each real. */
  follow(virtual: Virtual): Settlement {
    return hasFloor(virtual) ? this.settle(virtual) : NOTHING;
  }

  /** The same where the floor itself may have changed. */
  settle(virtual: Virtual): Settlement {
    const floor = floorOf(virtual.config.minOnline, virtual.reals.length);
    const candidates = virtual.reals.map((real) => ({
      real,
      online: real.health.online,
      adminState: real.adminState,
      weight: wantedWeight(real),
      failure: this.#failures.get(real) ?? 0,
    }));
    const chosen = new Set(chooseHeld(candidates, floor).map(({ real }) => real));
    const held = virtual.reals.filter((real) => chosen.has(real) && !isHeld(real));
    const released = virtual.reals.filter((real) => isHeld(real) && !chosen.has(real));
    for (const real of held) this.#hold(virtual, real, floor);
    for (const real of released) this.#release(virtual, real);
    return { held, released };
  }

  #hold(virtual: Virtual, real: Real, floor: number): void {
    // what climbed keeps the weight that it has come to
    real.adjustment = real.adjustment ? { ...real.adjustment, kind: 'held' } : HELD;
    this.#statistics.holds++;
    this.#log.warn({ ...namesOf(virtual, real), weight: currentWeight(real), floor }, 'real held');
  }

  #release(virtual: Virtual, real: Real): void {
    real.adjustment = undefined;
    this.#log.info({ ...namesOf(virtual, real), weight: currentWeight(real) }, 'real no longer held');
  }
}

function hasFloor({ config }: Virtual): boolean {
  return config.minOnline.value > 0;
}
