import type { Logger } from '@surealived/shared/log';

const FIRST_RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 60_000;

/** What the failure of a whole round is remembered under, beside the names of virtuals. */
export const WHOLE_TABLE = 'all';

/** What fails, and why. */
export interface Failure {
  readonly name: string;
  readonly reason: string;
  /** When it began, by the clock that rounds are told. */
  readonly sinceMs: number;
}

/**
 * Remembers what fails, so that it is told once and tried again after 2, 4, 8 … 60 s.
 *
 * A failure is told at error when it is new or its reason changed, and its end at info.
 */
export class Failures {
  readonly #log: Logger;
  readonly #noun: string;
  readonly #failures = new Map<string, Failure>();
  #retryAtMs = Number.POSITIVE_INFINITY;
  #delayMs = FIRST_RETRY_MS;

  /** @param noun What fails, for the log. */
  constructor(log: Logger, noun = 'virtual') {
    this.#log = log;
    this.#noun = noun;
  }

  /** What fails now, longest first. */
  get all(): readonly Failure[] {
    return [...this.#failures.values()];
  }

  /** When all of it is tried again; infinity where nothing fails. */
  get retryAtMs(): number {
    return this.#retryAtMs;
  }

  /** Whether what fails is to be tried again now; the next time for that is then further away. */
  takeRetry(nowMs: number): boolean {
    if (nowMs < this.#retryAtMs) return false;
    this.#delayMs = Math.min(this.#delayMs * 2, LONGEST_RETRY_MS);
    this.#retryAtMs = nowMs + this.#delayMs;
    return true;
  }

  /**
   * Takes the outcome of a round.
   *
   * @param failures What failed, by name, with its reason.
   * @param tried The names that the round was about; `undefined` for all.
   */
  note(failures: ReadonlyMap<string, string>, tried: Iterable<string> | undefined, nowMs: number): void {
    for (const name of [...(tried ?? this.#failures.keys())])
      if (!failures.has(name) && this.#failures.delete(name))
        this.#log.info({ [this.#noun]: name }, `${this.#noun} recovered`);
    let isNew = false;
    for (const [name, reason] of failures) {
      const known = this.#failures.get(name);
      isNew ||= !known;
      if (known?.reason !== reason) this.#log.error({ [this.#noun]: name, reason }, `${this.#noun} failing`);
      this.#failures.set(name, { name, reason, sinceMs: known?.sinceMs ?? nowMs });
    }
    if (this.#failures.size === 0) this.#retryAtMs = Number.POSITIVE_INFINITY;
    else if (isNew) {
      this.#delayMs = FIRST_RETRY_MS;
      this.#retryAtMs = Math.min(this.#retryAtMs, nowMs + FIRST_RETRY_MS);
    }
  }
}
