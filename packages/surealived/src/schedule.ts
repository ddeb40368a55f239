import type { Verdict } from '@surealived/testers/tester';
import type { Outcome } from './engine/outcome.js';
import type { Reactor } from './engine/reactor.js';
import { prepareStreamTest, type RunningTest, type StreamEngine } from './engine/stream-engine.js';
import { WheelTimer } from './engine/timer-wheel.js';
import type { Real, Virtual } from './state.js';

export interface SchedulerOptions {
  readonly reactor: Reactor;
  readonly engine: StreamEngine;
  /** The first tests of a virtual are spread over this time, which begins at random within it. */
  readonly startupDelayMs: number;
  readonly onOutcome: (virtual: Virtual, real: Real, outcome: Outcome) => void;
  /** 0 ≤ x < 1. */
  readonly random?: () => number;
}

/** Before a test that this machine could not make is tried again. */
const OBSTACLE_RETRY_MS = 1000;

/**
 * Starts every real's tests when they are due.
 *
 * Each real keeps its own rhythm: its next test comes `loopdelay` after its last verdict. So a real that hangs until its
 * time-out does not hold up the others of its virtual, and the spread of the first round lasts.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #loops: TestLoop[] = [];

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  start(virtuals: readonly Virtual[]): void {
    const { reactor, startupDelayMs, random = Math.random } = this.#options;
    const nowMs = reactor.clock.nowMs();
    for (const virtual of virtuals) {
      const virtualMs = nowMs + random() * startupDelayMs;
      for (const [index, real] of virtual.reals.entries()) {
        const loop = new TestLoop(this.#options, virtual, real);
        this.#loops.push(loop);
        loop.startAt(virtualMs + (index / virtual.reals.length) * startupDelayMs);
      }
    }
  }

  /** Ends all tests without a verdict. */
  stop(): void {
    this.#options.engine.forgetWaiting();
    for (const loop of this.#loops.splice(0)) loop.stop();
  }
}

/** The tests of one real, one after the other. */
class TestLoop {
  readonly #options: SchedulerOptions;
  readonly #virtual: Virtual;
  readonly #real: Real;
  readonly #timer: WheelTimer;
  readonly #runTest: () => RunningTest | undefined;
  #running: RunningTest | undefined;

  constructor(options: SchedulerOptions, virtual: Virtual, real: Real) {
    this.#options = options;
    this.#virtual = virtual;
    this.#real = real;
    this.#runTest = this.#prepare();
    this.#timer = new WheelTimer(() => {
      this.#running = this.#runTest();
    });
  }

  startAt(dueMs: number): void {
    this.#options.reactor.arm(this.#timer, dueMs);
  }

  stop(): void {
    this.#options.reactor.disarm(this.#timer);
    this.#running?.cancel();
  }

  #prepare(): () => RunningTest | undefined {
    const { tester, timeoutMs } = this.#virtual.config.testing;
    const { address, testPort, attributes, bindAddress } = this.#real.config;
    if (tester.kind === 'constant') return () => this.#settle(tester.verdict);
    const test = prepareStreamTest(tester, { address, port: testPort }, attributes, {
      timeoutMs,
      bindAddress,
    });
    const onEnd = (outcome: Outcome): void => this.#ended(outcome);
    return () => this.#options.engine.run(test, onEnd);
  }

  /** A verdict that needs no test is given once. */
  #settle(verdict: Verdict): undefined {
    this.#options.onOutcome(this.#virtual, this.#real, constantOutcome(verdict));
  }

  #ended(outcome: Outcome): void {
    const { reactor, onOutcome } = this.#options;
    const { loopDelayMs } = this.#virtual.config.testing;
    const delayMs = outcome.verdict ? loopDelayMs : Math.max(loopDelayMs, OBSTACLE_RETRY_MS);
    this.startAt(reactor.clock.nowMs() + delayMs);
    onOutcome(this.#virtual, this.#real, outcome);
  }
}

function constantOutcome(verdict: Verdict): Outcome {
  const nothing = { obstacle: undefined, connectionProblem: undefined };
  return { verdict, ...nothing, connectMs: 0, totalMs: 0, sentBytes: 0, receivedBytes: 0 };
}
