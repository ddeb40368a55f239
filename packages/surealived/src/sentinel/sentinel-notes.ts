import type { Logger } from '@surealived/shared/log';
import { namesOf, type Real, type Virtual } from '../state.js';
import type { SentinelPhase } from './policy.js';

/** Keeps what the sentinels of reals do where commands find it, and tells the log what an operator should know of it, once. */
export class SentinelNotes {
  readonly #log: Logger;
  /** Reals of which the log has been told that their sentinel backs off. */
  readonly #told = new WeakSet<Real>();
  #isCrowdTold = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  note(virtual: Virtual, real: Real, phase: SentinelPhase | undefined): void {
    const before = real.sentinel;
    real.sentinel = phase;
    const names = namesOf(virtual, real);
    if (phase === undefined) this.#told.delete(real);
    else if (phase === 'broken') this.#log.debug(names, 'sentinel: connection ended');
    else if (phase === 'backoff' && !this.#told.has(real)) {
      this.#told.add(real);
      this.#log.info({ ...names, cause: causeOf(before) }, 'sentinel: the server is left alone for a while');
    } else if (phase === 'crowded' && !this.#isCrowdTold) {
      this.#isCrowdTold = true;
      this.#log.warn(names, 'sentinel: no descriptor left for a connection, see maxfd');
    }
  }
}

/** Why a sentinel backs off, by what it did before. */
function causeOf(before: SentinelPhase | undefined): string {
  if (before === 'testing') return 'it closes idle connections soon';
  return before === 'open' ? 'it talks without being asked' : 'no connection';
}
