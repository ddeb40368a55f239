import type { Logger } from '@surealived/shared/log';
import { chooseHeld, floorOf } from './health/floor.js';
import { HELD } from './health/weight.js';
import type { Place } from './reconfigure.js';
import { currentWeight, isHeld, namesOf, type Real, type Virtual } from './state.js';
import type { TestStatistics } from './test-statistics.js';

/** Whose hold has changed, besides the reals that were the reason. */
export interface Settlement {
  readonly held: readonly Real[];
  readonly released: readonly Real[];
}

export const NOBODY: Settlement = { held: [], released: [] };

/** Keeps the floors of virtuals: marks the reals that are held. */
export class Floors {
  readonly #log: Logger;
  readonly #statistics: TestStatistics;
  /** The reals that are offline, in the order in which they failed; of virtuals with a floor. */
  readonly #failed = new WeakMap<Virtual, readonly Real[]>();

  constructor({ log, statistics }: { log: Logger; statistics: TestStatistics }) {
    this.#log = log;
    this.#statistics = statistics;
  }

  /** The reals that are offline; in the order in which they failed, where that matters. */
  offlineOf(virtual: Virtual): readonly Real[] {
    return hasFloor(virtual) ? this.#failedOf(virtual) : virtual.reals.filter(({ health }) => !health.online);
  }

  /** Takes over what failed before this process, in that order. */
  resume(failed: readonly Place[]): void {
    const concerned = failed.filter(({ virtual }) => hasFloor(virtual));
    for (const { virtual, real } of concerned) this.#failed.set(virtual, [...this.#failedOf(virtual), real]);
    for (const virtual of new Set(concerned.map((place) => place.virtual))) this.followConfiguration(virtual);
  }

  /** Follows a real that its tests have taken online or offline; with a floor, that costs a look at each of its neighbours. */
  followTests(virtual: Virtual, real: Real): Settlement {
    if (!hasFloor(virtual)) return NOBODY;
    const others = this.#failedOf(virtual).filter((one) => one !== real);
    this.#failed.set(virtual, real.health.online ? others : [...others, real]);
    return this.#settle(virtual, [real]);
  }

  /** Follows an operator who has set some reals. */
  followOperator(virtual: Virtual, reals: readonly Real[]): Settlement {
    return hasFloor(virtual) ? this.#settle(virtual, reals) : NOBODY;
  }

  /** Follows a reload. What is offline without having been seen to fail has failed first, in the order of the file. */
  followConfiguration(virtual: Virtual): void {
    if (!hasFloor(virtual) && !this.#failed.has(virtual)) return;
    const offline = new Set(virtual.reals.filter(({ health }) => !health.online));
    const seen = this.#failedOf(virtual).filter((real) => offline.delete(real));
    this.#failed.set(virtual, [...offline, ...seen]);
    this.#settle(virtual, []);
    if (!hasFloor(virtual)) this.#failed.delete(virtual); // nobody notes from now on who fails
  }

  #failedOf(virtual: Virtual): readonly Real[] {
    return this.#failed.get(virtual) ?? [];
  }

  #settle(virtual: Virtual, besides: readonly Real[]): Settlement {
    const { reals, config } = virtual;
    const floor = floorOf(config.minOnline, reals.length);
    const chosen = new Set(chooseHeld(reals, this.#failedOf(virtual), floor));
    const held = [...chosen].filter((real) => !isHeld(real));
    const released = reals.filter((real) => isHeld(real) && !chosen.has(real));
    for (const real of held) this.#hold(virtual, real, floor);
    for (const real of released) this.#release(virtual, real);
    const reasons = new Set(besides);
    return {
      held: held.filter((real) => !reasons.has(real)),
      released: released.filter((real) => !reasons.has(real)),
    };
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
