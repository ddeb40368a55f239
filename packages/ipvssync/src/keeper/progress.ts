import type { Round } from '../plan/round.js';

/** What became of one round. */
export interface RoundFigures {
  /** When it ended, by the monotonic clock. */
  readonly endedAtMs: number;
  /** Whether it read the whole table. */
  readonly isWhole: boolean;
  /** Acknowledged by the table. */
  readonly operations: number;
  readonly refused: number;
  readonly durationMs: number;
}

/** What rounds have done since the start, for the status. */
export class Progress {
  #last: RoundFigures | undefined;
  #lastChange: RoundFigures | undefined;
  #readBackAtMs: number | undefined;
  #driftAtMs: number | undefined;
  #operations = 0;
  #refused = 0;

  /** The last round that came to its end. */
  get last(): RoundFigures | undefined {
    return this.#last;
  }

  /** The last that wrote something, or tried to. */
  get lastChange(): RoundFigures | undefined {
    return this.#lastChange;
  }

  /** When the whole table was read the last time. */
  get readBackAtMs(): number | undefined {
    return this.#readBackAtMs;
  }

  /** When somebody else's writing was found the last time. */
  get driftAtMs(): number | undefined {
    return this.#driftAtMs;
  }

  /** Operations of all rounds, and attempts at some that were refused, each as often as it was. */
  get counts(): { readonly operations: number; readonly refused: number } {
    return { operations: this.#operations, refused: this.#refused };
  }

  note({ done, refusedCount, durationMs, drift, leftAlone }: Round, nowMs: number): void {
    const isWhole = leftAlone !== undefined;
    const figures = {
      endedAtMs: nowMs,
      isWhole,
      operations: done.length,
      refused: refusedCount,
      durationMs,
    };
    this.#last = figures;
    if (done.length + refusedCount > 0) this.#lastChange = figures;
    if (isWhole) this.#readBackAtMs = nowMs;
    if (drift.length > 0) this.#driftAtMs = nowMs;
    this.#operations += done.length;
    this.#refused += refusedCount;
  }
}
