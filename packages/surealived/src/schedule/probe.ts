import type { Engine } from '../engine/engine.js';
import type { Outcome, OutcomeSink, Trace } from '../engine/outcome.js';
import type { Reactor } from '../engine/reactor.js';
import type { PreparedTest, RunningTest, TestRun } from '../engine/test-queue.js';
import { WheelTimer } from '../engine/timer-wheel.js';
import type { Sentinels } from '../sentinel/sentinels.js';
import type { Real, Virtual } from '../state.js';
import { delayMs, slackMs } from './delay.js';
import { prepareTestOf } from './real-test.js';

/** What all probes of a scheduler use. */
export interface ProbeContext {
  readonly reactor: Reactor;
  readonly engine: Engine;
  readonly onOutcome: (virtual: Virtual, real: Real, outcome: Outcome) => void;
  readonly traceOf?: (virtual: Virtual, real: Real) => Trace | undefined;
  readonly sentinels: Pick<Sentinels, 'noteTest'>;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
}

/**
 * The tests of one thing, one after the other. There is one for each real, so it is its own timer and its own test: objects
 * and closures less, 100,000 times.
 */
export abstract class Probe extends WheelTimer implements PreparedTest {
  protected readonly context: ProbeContext;
  /** Absent between tests: what is over is not held until the next. */
  #running: RunningTest | undefined;
  #isRunning = false;
  protected isStopped = false;

  constructor(context: ProbeContext) {
    super(runProbe);
    this.context = context;
  }

  get takes(): PreparedTest['takes'] {
    return this.test.takes;
  }

  createRun(reactor: Reactor, sink: OutcomeSink, trace: Trace | undefined): TestRun {
    return this.test.createRun(reactor, sink, trace);
  }

  protected abstract readonly test: PreparedTest;

  /** Who wants to see the next test. */
  protected abstract trace(): Trace | undefined;

  /** Passes an outcome on. @returns How long to wait until the next test; `undefined` when none is needed any more. */
  protected abstract tell(outcome: Outcome): number | undefined;

  /** @param slackMs How much earlier or later will do. */
  startAt(dueMs: number, slackMs = 0): void {
    this.context.reactor.arm(this, dueMs, slackMs);
  }

  stop(): void {
    this.isStopped = true;
    this.context.reactor.disarm(this);
    this.#running?.cancel();
  }

  /** Whether a test has begun that has not ended. */
  get isUnderWay(): boolean {
    return this.#isRunning && this.#running?.hasBegun !== false;
  }

  /** Makes the next test now, without regard to its delay. */
  hurry(): void {
    if (this.#isRunning || this.isStopped) return;
    this.context.reactor.disarm(this);
    this.run();
  }

  run(): void {
    this.#isRunning = true;
    const running = this.context.engine.run(this, tellProbe, this.trace());
    // the end may have come already, and the next test begun
    if (this.#isRunning) this.#running ??= running;
  }

  /** What is told may change the state, which the delay follows from, or stop this probe. */
  ended(outcome: Outcome): void {
    this.#isRunning = false;
    this.#running = undefined;
    const delayMs = this.tell(outcome);
    if (delayMs === undefined || this.isStopped) return;
    this.startAt(this.context.reactor.nowMs() + delayMs, slackMs(delayMs));
    this.context.sentinels.noteTest(this, outcome);
  }
}

/** One function for all: the wheel calls it as a method of its timer. */
function runProbe(this: WheelTimer): void {
  (this as Probe).run();
}

/** One function for all: a probe is the test that it has the engine run. */
function tellProbe(outcome: Outcome, test: PreparedTest): void {
  (test as Probe).ended(outcome);
}

/** The tests of one real. */
export class RealProbe extends Probe {
  protected readonly test: PreparedTest;
  readonly #virtual: Virtual;
  readonly #real: Real;

  constructor(context: ProbeContext, virtual: Virtual, real: Real) {
    super(context);
    this.#virtual = virtual;
    this.#real = real;
    this.test = prepareTestOf(virtual, real);
  }

  protected trace(): Trace | undefined {
    return this.context.traceOf?.(this.#virtual, this.#real);
  }

  protected tell(outcome: Outcome): number | undefined {
    this.context.onOutcome(this.#virtual, this.#real, outcome);
    const { testing } = this.#virtual.config;
    const { health } = this.#real;
    // a verdict that needs no test is given again only as long as it is not believed
    if (testing.tester.kind === 'constant' && health.online === outcome.verdict?.up) return undefined;
    return delayMs(testing, health, outcome.verdict !== undefined, this.context.random());
  }
}
