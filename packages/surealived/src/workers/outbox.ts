import type { Outcome } from '../engine/outcome.js';
import { type LastSaid, type OutcomeBatch, OutcomeWriter } from './outcome-batch.js';

/** How long an outcome that changes no state may wait for others: a message costs more than a test. */
const COLLECT_MS = 50;

/** Sends outcomes in batches, in their order. One that changes the state of a real takes all before it with it, at once. */
export class Outbox {
  readonly #send: (batch: OutcomeBatch) => void;
  readonly #writer = new OutcomeWriter();
  #timer: NodeJS.Timeout | undefined;
  #hurry: NodeJS.Immediate | undefined;

  constructor(send: (batch: OutcomeBatch) => void) {
    this.#send = send;
  }

  /** @param isUrgent At the end of this turn of the event loop: thousands may fail together. */
  add(series: number, last: LastSaid, outcome: Outcome, isUrgent: boolean): void {
    this.#writer.add(series, last, outcome);
    if (this.#writer.isFull) this.#flush();
    else if (isUrgent) this.#hurry ??= setImmediate(() => this.#flush());
    else this.#timer ??= setTimeout(() => this.#flush(), COLLECT_MS);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#hurry);
    this.#timer = undefined;
    this.#hurry = undefined;
    if (!this.#writer.isEmpty) this.#send(this.#writer.take());
  }
}
