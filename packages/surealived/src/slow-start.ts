import { systemClock } from '@surealived/shared/clock';
import type { Logger } from '@surealived/shared/log';
import { nextStepMs, rampWeight, reachMs } from './health/ramp.js';
import { currentWeight, namesOf, type Real, type Virtual, wantedWeight } from './state.js';

/** Monotonic time, and something that happens later; tests have their own. */
export interface RampTime {
  nowMs(): number;
  after(delayMs: number, act: () => void): Disposable;
}

export const systemRampTime: RampTime = {
  nowMs: systemClock.nowMs,
  after(delayMs, act) {
    const timer = setTimeout(act, delayMs);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};

export interface SlowStartsOptions {
  readonly log: Logger;
  readonly time: RampTime;
  /** A weight has climbed, or has reached its value. */
  readonly onStep: (virtual: Virtual, real: Real) => void;
}

interface Ramp {
  readonly virtual: Virtual;
  readonly sinceMs: number;
  /** When the weight changes next. */
  nextMs: number;
}

/** Why a ramp ends. */
type RampEnd = 'complete' | 'failed' | 'operator' | 'reload';

/** Steps made in one go, and the rest after that: when thousands recover at once their steps become fewer and larger. */
const STEPS_PER_TURN = 100;
const REST_MS = 50;

/** The reals whose weight climbs after a recovery, and the one timer that moves all of them. */
export class SlowStarts {
  readonly #options: SlowStartsOptions;
  /** Those that had no step for the longest time first. */
  readonly #ramps = new Map<Real, Ramp>();
  #alarm: Disposable | undefined;
  #alarmMs = Number.POSITIVE_INFINITY;

  constructor(options: SlowStartsOptions) {
    this.#options = options;
  }

  /**
   * Lets the weight of a real that has just recovered climb, where its virtual wants that and there is room to climb.
   *
   * @param from What it carried to the last, where it was held while it climbed: it goes on from there.
   */
  begin(virtual: Virtual, real: Real, from: number): void {
    const { slowStartMs } = virtual.config;
    if (slowStartMs === 0 || currentWeight(real) <= 1) return;
    const { log, time } = this.#options;
    const climbedMs = reachMs(from, wantedWeight(real), slowStartMs);
    const ramp = { virtual, sinceMs: time.nowMs() - climbedMs, nextMs: 0 };
    this.#ramps.set(real, ramp);
    log.info(
      { ...namesOf(virtual, real), weight: wantedWeight(real), seconds: slowStartMs / 1000 },
      'slow start begins',
    );
    this.#climb(real, ramp);
    this.#wakeAt(ramp.nextMs);
  }

  /** Ends a ramp where there is one: the real has the weight that it would have without. */
  end(real: Real, reason: RampEnd): void {
    const ramp = this.#ramps.get(real);
    if (!ramp) return;
    this.#ramps.delete(real);
    if (real.adjustment?.kind === 'ramp') real.adjustment = undefined;
    const weight = currentWeight(real);
    this.#options.log.info({ ...namesOf(ramp.virtual, real), weight, reason }, 'slow start over');
  }

  /** Takes over what a reload says of a virtual: a ramp goes on to the new weight, in the new time since its begin. */
  follow(virtual: Virtual): void {
    for (const real of virtual.reals) {
      const ramp = this.#ramps.get(real);
      if (!ramp) continue;
      if (virtual.config.slowStartMs === 0) {
        this.end(real, 'reload');
      } else {
        this.#climb(real, ramp);
        this.#wakeAt(ramp.nextMs);
      }
    }
  }

  /** Weights stay where they are. */
  stop(): void {
    this.#alarm?.[Symbol.dispose]();
    this.#ramps.clear();
  }

  /** Puts the weight of now in force, or ends the ramp. */
  #climb(real: Real, ramp: Ramp): void {
    const { slowStartMs } = ramp.virtual.config;
    const target = wantedWeight(real);
    const sinceMs = this.#options.time.nowMs() - ramp.sinceMs;
    const nextMs = nextStepMs(target, sinceMs, slowStartMs);
    if (nextMs === undefined) return this.end(real, 'complete');
    ramp.nextMs = ramp.sinceMs + nextMs;
    real.adjustment = { kind: 'ramp', weight: rampWeight(target, sinceMs, slowStartMs) };
  }

  #run(): void {
    const { time, onStep } = this.#options;
    const nowMs = time.nowMs();
    for (const [real, ramp] of this.#due(nowMs)) {
      this.#ramps.delete(real);
      this.#ramps.set(real, ramp);
      this.#climb(real, ramp);
      onStep(ramp.virtual, real);
    }
    this.#alarmMs = Number.POSITIVE_INFINITY;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const ramp of this.#ramps.values()) nextMs = Math.min(nextMs, ramp.nextMs);
    if (this.#ramps.size > 0) this.#wakeAt(Math.max(nextMs, nowMs + REST_MS));
  }

  #due(nowMs: number): readonly (readonly [Real, Ramp])[] {
    const due: (readonly [Real, Ramp])[] = [];
    for (const [real, ramp] of this.#ramps) {
      if (ramp.nextMs <= nowMs) due.push([real, ramp]);
      if (due.length === STEPS_PER_TURN) break;
    }
    return due;
  }

  #wakeAt(dueMs: number): void {
    if (dueMs >= this.#alarmMs) return;
    const { time } = this.#options;
    this.#alarm?.[Symbol.dispose]();
    this.#alarmMs = dueMs;
    this.#alarm = time.after(Math.max(1, Math.ceil(dueMs - time.nowMs())), () => this.#run());
  }
}
