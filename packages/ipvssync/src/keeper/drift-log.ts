import type { Logger } from '@surealived/shared/log';
import { describeOperation } from '../ipvs/describe.js';
import type { Operation } from '../ipvs/table.js';

/** Lines of a round: what emptied the whole table is told by the first ones. */
const MAX_LINES = 20;

/** Counts drift and tells it, one line per difference, up to a bound in each round. */
export class DriftLog {
  readonly #log: Logger;
  #count = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Differences since the start. */
  get count(): number {
    return this.#count;
  }

  note(drift: readonly Operation[]): void {
    this.#count += drift.length;
    for (const change of drift.slice(0, MAX_LINES))
      this.#log.warn({ change: describeOperation(change) }, 'drift: somebody else changed the table');
    if (drift.length > MAX_LINES) this.#log.warn({ more: drift.length - MAX_LINES }, 'drift goes on');
  }
}
