import { systemClock } from '@surealived/shared/clock';
import { expect } from 'vitest';
import type { TestTime } from './director.test-kit.js';
import type { Outcome } from './engine/outcome.js';
import type { Reactor } from './engine/reactor.js';
import type { OnTestEnd, PreparedTest, RunningTest } from './engine/test-queue.js';
import { TimerWheel, type WheelTimer } from './engine/timer-wheel.js';

/** The timers of a reactor, by the time of the test. */
export class Timers {
  readonly #time: TestTime;
  readonly wheel: TimerWheel;
  readonly clock = systemClock;

  constructor(time: TestTime) {
    this.#time = time;
    this.wheel = new TimerWheel(10, time.nowMs());
  }

  nowMs(): number {
    return this.#time.nowMs();
  }

  arm(timer: WheelTimer, dueMs: number): void {
    this.wheel.arm(timer, dueMs);
  }

  disarm(timer: WheelTimer): void {
    this.wheel.disarm(timer);
  }
}

/** Tests end when and as the test says, but for those that are none: their verdict is always the same. */
export class Tests {
  readonly #timers: Timers;
  readonly underWay = new Map<PreparedTest, (outcome: Outcome) => void>();
  /** Ends the next test before `run` returns. */
  endsAtOnce: Outcome | undefined;
  /** Called before an outcome is told. */
  onOutcome: () => void = () => undefined;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  run(test: PreparedTest, onEnd: OnTestEnd): RunningTest {
    expect(this.underWay.has(test)).toBe(false);
    const run = test.createRun(
      this.#timers as unknown as Reactor,
      { onOutcome: (outcome) => this.#tell(outcome, test, onEnd) },
      undefined,
    );
    const isConstant = !run.cancel();
    if (isConstant) run.start();
    else this.#begin(test, onEnd);
    return { hasBegun: true, cancel: () => void this.underWay.delete(test) };
  }

  #begin(test: PreparedTest, onEnd: OnTestEnd): void {
    const end = (outcome: Outcome): void => {
      this.underWay.delete(test);
      this.#tell(outcome, test, onEnd);
    };
    this.underWay.set(test, end);
    const outcome = this.endsAtOnce;
    this.endsAtOnce = undefined;
    if (outcome) end(outcome);
  }

  #tell(outcome: Outcome, test: PreparedTest, onEnd: OnTestEnd): void {
    this.onOutcome();
    onEnd(outcome, test);
  }

  end(which: number, outcome: Outcome): void {
    const all = [...this.underWay.values()];
    all[which % all.length]?.(outcome);
  }

  forgetWaiting(): void {}

  lendSocket(): boolean {
    return false;
  }
}
