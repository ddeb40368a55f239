import type { Logger } from '@surealived/shared/log';
import type { AdminState } from '@surealived/shared/model';
import type { Outcome } from './engine/outcome.js';
import { observe } from './health/damping.js';
import type { WeightOverride } from './health/weight.js';
import { currentWeight, isPresent, type Real, type Virtual } from './state.js';
import { TestStatistics } from './statistics.js';

export interface DirectorOptions {
  readonly virtuals: readonly Virtual[];
  readonly log: Logger;
  /** Called at once when a real's place or weight in IPVS changed, or an operator set it. */
  readonly onChange: (virtual: Virtual, real: Real) => void;
}

/** What an operator sets; what is absent stays. */
export interface OperatorChange {
  readonly adminState?: AdminState;
  /** `undefined` as a value deletes the override. */
  readonly override?: WeightOverride | undefined;
}

/** The one place where a real's state changes: by its tests, or by the operator. */
export class Director {
  readonly virtuals: readonly Virtual[];
  readonly statistics = new TestStatistics();
  readonly #log: Logger;
  readonly #onChange: (virtual: Virtual, real: Real) => void;
  /** Virtuals whose first round is not over; the first periodic snapshot waits for them. */
  readonly #untested: Map<Virtual, number>;

  constructor({ virtuals, log, onChange }: DirectorOptions) {
    this.virtuals = virtuals;
    this.#log = log;
    this.#onChange = onChange;
    const withReals = virtuals.filter(({ reals }) => reals.length > 0);
    this.#untested = new Map(withReals.map((virtual) => [virtual, virtual.reals.length]));
  }

  get isEveryVirtualTested(): boolean {
    return this.#untested.size === 0;
  }

  /** Folds the outcome of one test in. */
  observe(virtual: Virtual, real: Real, outcome: Outcome): void {
    this.statistics.count(outcome);
    const { verdict, obstacle } = outcome;
    if (!verdict) {
      this.#log.error({ ...names(virtual, real), obstacle }, 'test could not be made');
      return;
    }
    this.#countFirstTest(virtual, real);
    const health = observe(real.health, verdict.up, virtual.config.testing.thresholds);
    if (health === real.health) return;
    if (health.online === real.health.online) {
      real.health = health;
      if (!verdict.up) this.#log.debug({ ...names(virtual, real), ...verdict }, 'test failed');
      return;
    }
    this.#change(virtual, real, () => {
      real.health = health;
    });
    if (health.online) this.statistics.onlineTransitions++;
    else this.statistics.offlineTransitions++;
    const { up: _up, ...why } = verdict;
    this.#log.info({ ...names(virtual, real), ...why }, health.online ? 'real online' : 'real offline');
  }

  /** Sets what the operator asks for; the change is passed on even where it changes nothing, as a repetition asks for. */
  operate(virtual: Virtual, real: Real, change: OperatorChange): void {
    if (change.adminState !== undefined) real.adminState = change.adminState;
    if ('override' in change) real.override = change.override;
    this.#log.info(
      { ...names(virtual, real), rstate: real.adminState, weight: currentWeight(real) },
      'real set by operator',
    );
    this.#onChange(virtual, real);
  }

  #change(virtual: Virtual, real: Real, apply: () => void): void {
    const before = placement(virtual, real);
    apply();
    if (placement(virtual, real) !== before) this.#onChange(virtual, real);
  }

  #countFirstTest(virtual: Virtual, real: Real): void {
    real.tests++;
    if (real.tests > 1) return;
    const left = (this.#untested.get(virtual) ?? 0) - 1;
    if (left > 0) this.#untested.set(virtual, left);
    else this.#untested.delete(virtual);
  }
}

/** The real's weight in IPVS, or -1 where it is not there. */
function placement(virtual: Virtual, real: Real): number {
  return isPresent(virtual, real) ? currentWeight(real) : -1;
}

function names(virtual: Virtual, real: Real): { virtual: string; real: string } {
  return { virtual: virtual.config.name, real: real.config.name };
}
