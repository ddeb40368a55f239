import type { Logger } from '@surealived/shared/log';
import type { AdminState } from '@surealived/shared/model';
import type { Verdict } from '@surealived/testers/tester';
import type { VirtualConfig } from './config/model.js';
import type { Outcome } from './engine/outcome.js';
import { Floors, NOBODY, type Settlement } from './floors.js';
import { describeOverride, HELD, type WeightOverride } from './health/weight.js';
import { type Place, type Reconfiguration, reconfigure } from './reconfigure.js';
import { type RampTime, SlowStarts, systemRampTime } from './slow-start.js';
import {
  currentWeight,
  healthAfter,
  isHeld,
  isPresent,
  namesOf,
  type Real,
  type Transition,
  type Virtual,
} from './state.js';
import { TestStatistics } from './test-statistics.js';

export interface DirectorOptions {
  readonly virtuals: readonly Virtual[];
  readonly log: Logger;
  readonly wallNow: () => Date;
  /** What moves the weights that climb. */
  readonly rampTime?: RampTime;
}

/** What may be worth knowing to others. Everything is called at once, after the state has changed. */
export interface DirectorListener {
  /** A test ended, with a verdict or without. */
  onTested?(virtual: Virtual, real: Real, outcome: Outcome): void;
  /** A real's place or weight in IPVS changed, or an operator set it. */
  onChange?(virtual: Virtual, real: Real): void;
  /** The tests took a real online or offline. */
  onTransition?(virtual: Virtual, real: Real): void;
  /** An operator set a real. */
  onOperated?(virtual: Virtual, real: Real): void;
  /** Every real of the virtual was tested once more; `virtual.roundBegan` still tells when that began. */
  onRound?(virtual: Virtual): void;
  /** A reload replaced the configuration. */
  onReconfigured?(reconfiguration: Reconfiguration): void;
}

/** What an operator sets; what is absent stays. */
export interface OperatorChange {
  readonly adminState?: AdminState;
  /** `undefined` as a value deletes the override. */
  readonly override?: WeightOverride | undefined;
}

/** Transitions remembered per real. */
const HISTORY_LENGTH = 20;

/** The one place where a real's state changes: by its tests, by the operator, or by a reload. */
export class Director {
  readonly statistics = new TestStatistics();
  readonly #log: Logger;
  readonly #wallNow: () => Date;
  readonly #listeners: DirectorListener[] = [];
  #virtuals: readonly Virtual[];
  /** Virtuals whose first round is not over; the first periodic snapshot waits for them. */
  readonly #untested: Set<Virtual>;
  readonly #slowStarts: SlowStarts;
  readonly #floors: Floors;

  constructor({ virtuals, log, wallNow, rampTime = systemRampTime }: DirectorOptions) {
    this.#virtuals = virtuals;
    this.#log = log;
    this.#wallNow = wallNow;
    this.#slowStarts = new SlowStarts({
      log,
      time: rampTime,
      onStep: (virtual, real) => this.#passOn(virtual, [real]),
    });
    this.#floors = new Floors({ log, statistics: this.statistics });
    this.#untested = new Set(virtuals.filter(isInFirstRound));
  }

  get virtuals(): readonly Virtual[] {
    return this.#virtuals;
  }

  get isEveryVirtualTested(): boolean {
    return this.#untested.size === 0;
  }

  listen(listener: DirectorListener): void {
    this.#listeners.push(listener);
  }

  /** The reals that their tests have taken offline; in a virtual with a floor, in the order in which they failed. */
  offlineOf(virtual: Virtual): readonly Real[] {
    return this.#floors.offlineOf(virtual);
  }

  /** Has the floors hold what dumps have restored; to be called before anything is handed over. @param offline In the order of failure. */
  resume(offline: readonly Place[]): void {
    this.#floors.resume(offline);
  }

  /** Weights climb no further. */
  stop(): void {
    this.#slowStarts.stop();
  }

  /** Folds the outcome of one test in. */
  observe(virtual: Virtual, real: Real, outcome: Outcome): void {
    this.statistics.count(outcome);
    this.#noteObstacle(virtual, real, outcome.obstacle);
    if (outcome.output !== undefined) real.output = outcome.output;
    if (outcome.verdict) this.#judge(virtual, real, outcome.verdict);
    for (const listener of this.#listeners) listener.onTested?.(virtual, real, outcome);
    this.#noteRound(virtual, real);
  }

  /** Sets what the operator asks for; the change is passed on even where it changes nothing, as a repetition asks for. */
  operate(virtual: Virtual, real: Real, change: OperatorChange): void {
    this.operateAll(virtual, [[real, change]]);
  }

  /** The same for several reals at once: a floor sees them only when all are set. */
  operateAll(virtual: Virtual, changes: readonly (readonly [Real, OperatorChange])[]): void {
    for (const [real, change] of changes) this.#set(virtual, real, change);
    const reals = changes.map(([real]) => real);
    this.#passOn(virtual, reals, this.#floors.followOperator(virtual, reals));
    for (const real of reals) for (const listener of this.#listeners) listener.onOperated?.(virtual, real);
  }

  /** Puts a new configuration in force; what did not change keeps its state. */
  reconfigure(configs: readonly VirtualConfig[]): Reconfiguration {
    const reconfiguration = reconfigure(this.#virtuals, configs, (virtual) => {
      this.#slowStarts.follow(virtual);
      this.#floors.followConfiguration(virtual);
    });
    this.#virtuals = reconfiguration.virtuals;
    for (const { real } of reconfiguration.removed) this.#slowStarts.end(real, 'reload');
    this.#untested.clear();
    for (const virtual of this.#virtuals) if (isInFirstRound(virtual)) this.#untested.add(virtual);
    for (const listener of this.#listeners) listener.onReconfigured?.(reconfiguration);
    // a round may have waited only for what is gone
    for (const virtual of this.#virtuals)
      if (virtual.untested === 0 && virtual.reals.length > 0) this.#endRound(virtual);
    return reconfiguration;
  }

  #judge(virtual: Virtual, real: Real, verdict: Verdict): void {
    real.tests++;
    real.failure = verdict.up ? undefined : describe(verdict);
    const health = healthAfter(virtual, real, verdict.up);
    if (health === real.health) return;
    const wasOnline = real.health.online;
    const before = placement(virtual, real);
    real.health = health;
    this.#noteVerdict(virtual, real, verdict, wasOnline);
    if (health.online === wasOnline) return;
    const neighbours = this.#adjust(virtual, real, before);
    this.#passOn(virtual, placement(virtual, real) === before ? [] : [real], neighbours);
    // after the change: traffic comes first, whoever is told of it second
    for (const listener of this.#listeners) listener.onTransition?.(virtual, real);
  }

  /** Lets floor and slow start follow a transition. @param before The placement of before it. @returns What it does to others. */
  #adjust(virtual: Virtual, real: Real, before: number): Settlement {
    const { online } = real.health;
    const neighbours = this.#floors.followTests(virtual, real);
    if (!online) this.#slowStarts.end(real, 'failed');
    // a weight that was held the whole time has nothing to climb to
    else if (placement(virtual, real) > before) this.#slowStarts.begin(virtual, real, before);
    return neighbours;
  }

  /** Passes on what has become of reals and of their neighbours: additions come first, so that no virtual stands empty. */
  #passOn(virtual: Virtual, reals: readonly Real[], { held, released } = NOBODY): void {
    for (const real of [...held, ...reals, ...released])
      for (const listener of this.#listeners) listener.onChange?.(virtual, real);
  }

  #set(virtual: Virtual, real: Real, change: OperatorChange): void {
    if (change.adminState !== undefined) real.adminState = change.adminState;
    if ('override' in change) real.override = change.override;
    this.#slowStarts.end(real, 'operator');
    if (isHeld(real)) real.adjustment = HELD;
    const now = { rstate: real.adminState, weight: currentWeight(real) };
    this.#log.info({ ...namesOf(virtual, real), ...now }, 'real set by operator');
    this.#remember(real, 'set', `rstate=${real.adminState} ${describeOverride(real.override)}`);
  }

  /** Transitions are for the operator, single failures for who looks closer; successes are not worth a line. */
  #noteVerdict(virtual: Virtual, real: Real, verdict: Verdict, wasOnline: boolean): void {
    const { online } = real.health;
    const { up: isUp, ...why } = verdict;
    const fields = { ...namesOf(virtual, real), ...why };
    if (online === wasOnline) {
      if (!isUp) this.#log.debug(fields, 'test failed');
      return;
    }
    if (online) this.statistics.onlineTransitions++;
    else this.statistics.offlineTransitions++;
    this.#log.info(fields, online ? 'real online' : 'real offline');
    this.#remember(real, online ? 'online' : 'offline', describe(verdict));
  }

  #remember(real: Real, what: Transition['what'], detail: string): void {
    real.history = [...real.history.slice(1 - HISTORY_LENGTH), { at: this.#wallNow(), what, detail }];
  }

  /** Told once, and once when it is over: whatever hinders one test is likely to hinder thousands. */
  #noteObstacle(virtual: Virtual, real: Real, obstacle: string | undefined): void {
    if (obstacle === real.obstacle) return;
    real.obstacle = obstacle;
    if (obstacle === undefined) this.#log.info(namesOf(virtual, real), 'test can be made again');
    else this.#log.error({ ...namesOf(virtual, real), obstacle }, 'test could not be made');
  }

  /** A test that could not be made is enough: one that never can be must not hold the snapshots up for ever. */
  #noteRound(virtual: Virtual, real: Real): void {
    if (real.round === virtual.round) return;
    real.round = virtual.round;
    if (--virtual.untested === 0) this.#endRound(virtual);
  }

  #endRound(virtual: Virtual): void {
    this.#untested.delete(virtual);
    for (const listener of this.#listeners) listener.onRound?.(virtual);
    virtual.round++;
    virtual.untested = virtual.reals.length;
    virtual.roundBegan = this.#wallNow();
  }
}

function describe(verdict: Verdict): string {
  return verdict.up ? verdict.detail : `${verdict.reason}: ${verdict.detail}`;
}

function isInFirstRound({ round, reals }: Virtual): boolean {
  return round === 1 && reals.length > 0;
}

/** The real's weight in IPVS, or -1 where it is not there. */
function placement(virtual: Virtual, real: Real): number {
  return isPresent(virtual, real) ? currentWeight(real) : -1;
}
