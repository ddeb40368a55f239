import type { Outcome, OutcomeSink, Trace } from './outcome.js';
import type { Reactor } from './reactor.js';

/** One test of one real, begun once. Ends by calling back once, unless it is cancelled. */
export interface TestRun {
  /** The end may come before this returns. */
  start(): void;
  /** Ends without a word; false when it had ended already. */
  cancel(): boolean;
}

/** A test that can be made again and again: everything that is the same each time is prepared. */
export interface PreparedTest {
  /** What it takes while it runs: a descriptor, or a place among the tasks. */
  readonly takes: 'socket' | 'task';
  /** @param trace Sees what is sent and received. */
  createRun(reactor: Reactor, sink: OutcomeSink, trace: Trace | undefined): TestRun;
}

/** Told of the end of a test. The test comes along, so that one function can serve many tests. */
export type OnTestEnd = (outcome: Outcome, test: PreparedTest) => void;

/** A test under way, or waiting for its turn. */
export interface RunningTest {
  /** Whether it no longer waits. */
  readonly hasBegun: boolean;
  cancel(): void;
}

/** Runs tests, never more at once than there is capacity for; the rest wait in order. */
export class TestQueue {
  readonly #reactor: Reactor;
  readonly #capacity: number;
  readonly #waiting = new Set<QueuedTest>();
  #running = 0;
  /** Places that are taken by others than tests. */
  #lent = 0;
  #isStarting = false;

  /** @param capacity Most tests at a time. */
  constructor(reactor: Reactor, capacity: number) {
    this.#reactor = reactor;
    this.#capacity = capacity;
  }

  get running(): number {
    return this.#running;
  }

  /** For QueuedTest. */
  get longStalls(): number {
    return this.#reactor.longStalls;
  }

  /** How many wait for their turn. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** The time-out of a test that has to wait begins when its turn comes. */
  run(test: PreparedTest, onEnd: OnTestEnd, trace?: Trace): RunningTest {
    const queued = new QueuedTest(this, test, onEnd, trace);
    if (this.#hasRoom && this.#waiting.size === 0) this.#start(queued);
    else this.#waiting.add(queued);
    return queued;
  }

  /** Forgets all tests that wait for their turn; those under way go on. */
  forgetWaiting(): void {
    this.#waiting.clear();
  }

  /** Gives a place away for something that lasts, up to half of them. @returns Whether there was one to spare. */
  lend(): boolean {
    if (this.#lent >= Math.floor(this.#capacity / 2) || !this.#hasRoom) return false;
    this.#lent++;
    return true;
  }

  takeBack(): void {
    this.#lent--;
    this.#startWaiting();
  }

  /** For QueuedTest: it gives up its place in the queue. */
  forget(queued: QueuedTest): void {
    this.#waiting.delete(queued);
  }

  /** For QueuedTest: a place is free again. */
  release(): void {
    this.#running--;
    this.#startWaiting();
  }

  get #hasRoom(): boolean {
    return this.#running + this.#lent < this.#capacity;
  }

  #start(test: QueuedTest): void {
    this.#running++;
    test.start(this.#reactor);
  }

  /** A test may end while it starts (a refusal by this machine); a loop, since thousands of these in a row may. */
  #startWaiting(): void {
    if (this.#isStarting || this.#waiting.size === 0) return;
    this.#isStarting = true;
    try {
      for (const next of this.#waiting) {
        if (!this.#hasRoom) return;
        this.#waiting.delete(next);
        this.#start(next);
      }
    } finally {
      this.#isStarting = false;
    }
  }
}

class QueuedTest implements RunningTest, OutcomeSink {
  readonly #queue: TestQueue;
  readonly #test: PreparedTest;
  readonly #onEnd: OnTestEnd;
  readonly #trace: Trace | undefined;
  /** Absent before its turn, and after its end. */
  #run: TestRun | undefined;
  /** When it began. */
  #longStalls = 0;

  constructor(queue: TestQueue, test: PreparedTest, onEnd: OnTestEnd, trace: Trace | undefined) {
    this.#queue = queue;
    this.#test = test;
    this.#onEnd = onEnd;
    this.#trace = trace;
  }

  get hasBegun(): boolean {
    return this.#run !== undefined;
  }

  start(reactor: Reactor): void {
    this.#longStalls = reactor.longStalls;
    this.#run = this.#test.createRun(reactor, this, this.#trace);
    this.#run.start();
  }

  onOutcome(outcome: Outcome): void {
    this.#run = undefined; // it may serve another test from now on
    this.#queue.release();
    const isSound = this.#queue.longStalls === this.#longStalls;
    this.#onEnd(isSound ? outcome : afterLongStall(outcome), this.#test);
  }

  cancel(): void {
    const run = this.#run;
    this.#run = undefined;
    if (!run) this.#queue.forget(this);
    else if (run.cancel()) this.#queue.release();
  }
}

/** While we stood still, the other side may have lost patience: a failure then says nothing about it. */
function afterLongStall(outcome: Outcome): Outcome {
  if (!outcome.verdict || outcome.verdict.up) return outcome;
  const obstacle = 'this process stood still during the test';
  return { ...outcome, verdict: undefined, connectionProblem: undefined, obstacle };
}
