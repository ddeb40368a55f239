import type { Address } from '@surealived/shared/address';
import { addressFamily, encodeSockaddr } from '@surealived/shared/libc';
import type { StreamTester, Target } from '@surealived/testers/tester';
import { Conversation, type StreamTest } from './conversation.js';
import type { Outcome } from './outcome.js';
import type { Reactor } from './reactor.js';

/** A test under way, or waiting for its turn. */
export interface RunningTest {
  cancel(): void;
}

/** Runs stream tests, never more at once than there are descriptors for; the rest wait in order. */
export class StreamEngine {
  readonly #reactor: Reactor;
  readonly #capacity: number;
  readonly #waiting = new Set<QueuedTest>();
  #running = 0;
  #isStarting = false;

  /** @param capacity Most connections at a time. */
  constructor(reactor: Reactor, capacity: number) {
    this.#reactor = reactor;
    this.#capacity = capacity;
  }

  get running(): number {
    return this.#running;
  }

  /** The time-out of a test that has to wait begins when its turn comes. */
  run(test: StreamTest, onEnd: (outcome: Outcome) => void): RunningTest {
    const queued = new QueuedTest(this, test, onEnd);
    this.#waiting.add(queued);
    this.#startWaiting();
    return queued;
  }

  /** Forgets all tests that wait for their turn; those under way go on. */
  forgetWaiting(): void {
    this.#waiting.clear();
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

  /** A test may end while it starts (a refusal by this machine); a loop, since thousands of these in a row may. */
  #startWaiting(): void {
    if (this.#isStarting) return;
    this.#isStarting = true;
    try {
      for (const next of this.#waiting) {
        if (this.#running >= this.#capacity) return;
        this.#waiting.delete(next);
        this.#running++;
        next.start(this.#reactor);
      }
    } finally {
      this.#isStarting = false;
    }
  }
}

class QueuedTest implements RunningTest {
  readonly #engine: StreamEngine;
  readonly #test: StreamTest;
  readonly #onEnd: (outcome: Outcome) => void;
  #conversation: Conversation | undefined;

  constructor(engine: StreamEngine, test: StreamTest, onEnd: (outcome: Outcome) => void) {
    this.#engine = engine;
    this.#test = test;
    this.#onEnd = onEnd;
  }

  start(reactor: Reactor): void {
    this.#conversation = new Conversation(reactor, this.#test, (outcome) => {
      this.#engine.release();
      this.#onEnd(outcome);
    });
    this.#conversation.start();
  }

  cancel(): void {
    if (!this.#conversation) return this.#engine.forget(this);
    if (this.#conversation.cancel()) this.#engine.release();
  }
}

/** Encodes what does not change from one test of a real to the next. */
export function prepareStreamTest(
  tester: StreamTester,
  target: Target,
  attributes: Readonly<Record<string, unknown>>,
  options: { readonly timeoutMs: number; readonly bindAddress: Address | undefined },
): StreamTest {
  return {
    domain: addressFamily(target.address.family),
    sockaddr: encodeSockaddr(target.address, target.port),
    bindSockaddr: options.bindAddress && encodeSockaddr(options.bindAddress, 0),
    timeoutMs: options.timeoutMs,
    begin: () => tester.probe(target, attributes),
  };
}
