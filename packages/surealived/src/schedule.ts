import type { Target } from '@surealived/testers/tester';
import type { Engine } from './engine/engine.js';
import type { Outcome, Trace } from './engine/outcome.js';
import { prepareTest } from './engine/prepare.js';
import type { Reactor } from './engine/reactor.js';
import type { PreparedTest, RunningTest } from './engine/test-queue.js';
import { WheelTimer } from './engine/timer-wheel.js';
import type { Place, Reconfiguration } from './reconfigure.js';
import type { Real, Virtual } from './state.js';

export interface SchedulerOptions {
  readonly reactor: Reactor;
  readonly engine: Engine;
  /** The first tests of a virtual are spread over this time, which begins at random within it. */
  readonly startupDelayMs: number;
  readonly onOutcome: (virtual: Virtual, real: Real, outcome: Outcome) => void;
  /** Asked before each test: whoever wants to see what it sends and receives. */
  readonly traceOf?: (virtual: Virtual, real: Real) => Trace | undefined;
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
  readonly #loops = new Map<Real, TestLoop>();
  /** Tests that somebody asked for. */
  readonly #checks = new Set<RunningTest>();

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  start(virtuals: readonly Virtual[]): void {
    for (const virtual of virtuals) this.#spread(virtual, virtual.reals);
  }

  /** Ends the tests of what is gone, begins those of what is new; all others go on undisturbed. */
  reconfigure({ removed, added, retested }: Reconfiguration): void {
    for (const { real } of [...removed, ...retested]) {
      this.#loops.get(real)?.stop();
      this.#loops.delete(real);
    }
    for (const [virtual, reals] of groupByVirtual([...added, ...retested])) this.#spread(virtual, reals);
  }

  /**
   * Tests a real once, now, beside its own rhythm; the outcome does not count for its state.
   *
   * @param trace Sees what is sent and received.
   */
  check(virtual: Virtual, real: Real, trace: Trace): Promise<Outcome> {
    const test = testOf(virtual, real);
    return new Promise((resolve) => {
      let isOver = false;
      let running: RunningTest | undefined;
      // the end may come before `run` returns
      const onEnd = (outcome: Outcome): void => {
        isOver = true;
        if (running) this.#checks.delete(running);
        resolve(outcome);
      };
      running = this.#options.engine.run(test, onEnd, trace);
      if (!isOver) this.#checks.add(running);
    });
  }

  /** Ends all tests without a verdict. */
  stop(): void {
    this.#options.engine.forgetWaiting();
    for (const loop of this.#loops.values()) loop.stop();
    for (const check of this.#checks) check.cancel();
    this.#loops.clear();
    this.#checks.clear();
  }

  #spread(virtual: Virtual, reals: readonly Real[]): void {
    const { reactor, startupDelayMs, random = Math.random } = this.#options;
    const virtualMs = reactor.nowMs() + random() * startupDelayMs;
    for (const [index, real] of reals.entries()) {
      const loop = new TestLoop(this.#options, virtual, real);
      this.#loops.set(real, loop);
      loop.startAt(virtualMs + (index / reals.length) * startupDelayMs);
    }
  }
}

/** The tests of one real, one after the other. */
class TestLoop {
  readonly #options: SchedulerOptions;
  readonly #virtual: Virtual;
  readonly #real: Real;
  readonly #timer: WheelTimer;
  readonly #test: PreparedTest;
  readonly #onEnd: (outcome: Outcome) => void;
  #running: RunningTest | undefined;

  constructor(options: SchedulerOptions, virtual: Virtual, real: Real) {
    this.#options = options;
    this.#virtual = virtual;
    this.#real = real;
    this.#test = testOf(virtual, real);
    this.#onEnd = (outcome) => this.#ended(outcome);
    this.#timer = new WheelTimer(() => this.#run());
  }

  startAt(dueMs: number): void {
    this.#options.reactor.arm(this.#timer, dueMs);
  }

  stop(): void {
    this.#options.reactor.disarm(this.#timer);
    this.#running?.cancel();
  }

  #run(): void {
    const { engine, traceOf } = this.#options;
    this.#running = engine.run(this.#test, this.#onEnd, traceOf?.(this.#virtual, this.#real));
  }

  #ended(outcome: Outcome): void {
    const { reactor, onOutcome } = this.#options;
    const { loopDelayMs, tester } = this.#virtual.config.testing;
    const delayMs = outcome.verdict ? loopDelayMs : Math.max(loopDelayMs, OBSTACLE_RETRY_MS);
    // a verdict that needs no test is given again only as long as it is not believed
    const isSettled = tester.kind === 'constant' && this.#real.health.online === outcome.verdict?.up;
    if (!isSettled) this.startAt(reactor.nowMs() + delayMs);
    onOutcome(this.#virtual, this.#real, outcome);
  }
}

function testOf({ config: virtual }: Virtual, { config: real }: Real): PreparedTest {
  const { tester, timeoutMs } = virtual.testing;
  const { address, testPort, attributes, bindAddress, tls } = real;
  const target: Target = { address, port: testPort, bindAddress, virtual, real };
  return prepareTest(tester, { target, attributes, timeoutMs, tls });
}

function groupByVirtual(places: readonly Place[]): Map<Virtual, Real[]> {
  const groups = new Map<Virtual, Real[]>();
  for (const { virtual, real } of places) {
    const group = groups.get(virtual);
    if (group) group.push(real);
    else groups.set(virtual, [real]);
  }
  return groups;
}
