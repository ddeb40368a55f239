import type { Logger } from '@surealived/shared/log';
import type { AdminState } from '@surealived/shared/model';
import type { Verdict } from '@surealived/testers/tester';
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
  /** What is left of each virtual's first round; the first periodic snapshot waits for it. */
  readonly #untested: Map<Virtual, Set<Real>>;

  constructor({ virtuals, log, onChange }: DirectorOptions) {
    this.virtuals = virtuals;
    this.#log = log;
    this.#onChange = onChange;
    const withReals = virtuals.filter(({ reals }) => reals.length > 0);
    this.#untested = new Map(withReals.map((virtual) => [virtual, new Set(virtual.reals)]));
  }

  get isEveryVirtualTested(): boolean {
    return this.#untested.size === 0;
  }

  /** Folds the outcome of one test in. */
  observe(virtual: Virtual, real: Real, outcome: Outcome): void {
    this.statistics.count(outcome);
    this.#noteFirstTest(virtual, real);
    this.#noteObstacle(virtual, real, outcome.obstacle);
    if (!outcome.verdict) return;
    real.tests++;
    const health = observe(real.health, outcome.verdict.up, virtual.config.testing.thresholds);
    if (health === real.health) return;
    const wasOnline = real.health.online;
    const before = placement(virtual, real);
    real.health = health;
    this.#noteVerdict(virtual, real, outcome.verdict, wasOnline);
    if (placement(virtual, real) !== before) this.#onChange(virtual, real);
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

  /** Transitions are for the operator, single failures for who looks closer; successes are not worth a line. */
  #noteVerdict(virtual: Virtual, real: Real, { up: isUp, ...why }: Verdict, wasOnline: boolean): void {
    const { online } = real.health;
    const fields = { ...names(virtual, real), ...why };
    if (online === wasOnline) {
      if (!isUp) this.#log.debug(fields, 'test failed');
      return;
    }
    if (online) this.statistics.onlineTransitions++;
    else this.statistics.offlineTransitions++;
    this.#log.info(fields, online ? 'real online' : 'real offline');
  }

  /** Told once, and once when it is over: whatever hinders one test is likely to hinder thousands. */
  #noteObstacle(virtual: Virtual, real: Real, obstacle: string | undefined): void {
    if (obstacle === real.obstacle) return;
    real.obstacle = obstacle;
    if (obstacle === undefined) this.#log.info(names(virtual, real), 'test can be made again');
    else this.#log.error({ ...names(virtual, real), obstacle }, 'test could not be made');
  }

  /** A test that could not be made is enough: one that never can be must not hold the snapshots up for ever. */
  #noteFirstTest(virtual: Virtual, real: Real): void {
    const left = this.#untested.get(virtual);
    if (left?.delete(real) && left.size === 0) this.#untested.delete(virtual);
  }
}

/** The real's weight in IPVS, or -1 where it is not there. */
function placement(virtual: Virtual, real: Real): number {
  return isPresent(virtual, real) ? currentWeight(real) : -1;
}

function names(virtual: Virtual, real: Real): { virtual: string; real: string } {
  return { virtual: virtual.config.name, real: real.config.name };
}
