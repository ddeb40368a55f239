import type { Capacity } from './capacity.js';
import type { Trace } from './outcome.js';
import type { Reactor } from './reactor.js';
import { type OnTestEnd, type PreparedTest, type RunningTest, TestQueue } from './test-queue.js';

/** Runs tests of every kind, within the means of this machine. */
export class Engine {
  readonly #queues: Readonly<Record<PreparedTest['takes'], TestQueue>>;

  constructor(reactor: Reactor, { sockets, tasks }: Capacity) {
    this.#queues = { socket: new TestQueue(reactor, sockets), task: new TestQueue(reactor, tasks) };
  }

  get running(): number {
    return this.#queues.socket.running + this.#queues.task.running;
  }

  /** Tests that wait for their turn: more than a few mean that capacity is short. */
  get waiting(): number {
    return this.#queues.socket.waiting + this.#queues.task.waiting;
  }

  run(test: PreparedTest, onEnd: OnTestEnd, trace?: Trace): RunningTest {
    return this.#queues[test.takes].run(test, onEnd, trace);
  }

  /** A descriptor for a connection that is no test's and lasts; at most half of those for tests are lent. */
  lendSocket(): boolean {
    return this.#queues.socket.lend();
  }

  takeBackSocket(): void {
    this.#queues.socket.takeBack();
  }

  /** Forgets all tests that wait for their turn; those under way go on. */
  forgetWaiting(): void {
    for (const queue of Object.values(this.#queues)) queue.forgetWaiting();
  }
}
