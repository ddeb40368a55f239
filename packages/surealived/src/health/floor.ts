/**
 * The floor of a virtual: which reals keep their weight although their tests fail, so that enough are left. No I/O.
 *
 * @module
 */
import type { AdminState } from '@surealived/shared/model';
import type { CountOrPercent } from '../config/model.js';

/** What of a real decides whether it is held. */
export interface FloorCandidate {
  /** What its tests say. */
  readonly online: boolean;
  readonly adminState: AdminState;
  /** What it carries when it is well, an override included; at 0 it takes no connections, and so does not count. */
  readonly weight: number;
  /** Higher the later it failed; of no meaning while it is online. */
  readonly failure: number;
}

/** How many reals a floor means, of all that the virtual has; a percentage is rounded up, so that it is never 0. */
export function floorOf({ value, isPercent }: CountOrPercent, realCount: number): number {
  return isPercent ? Math.ceil((realCount * value) / 100) : value;
}

/**
 * Chooses the reals to be held: of those that the operator wants, the last to fail, as many as the floor lacks.
 *
 * The pool, which is what is online together with what is held, then has `floor` reals, or all that the operator wants
 * where these are fewer. What failed in the same moment counts in the order given.
 */
export function chooseHeld<T extends FloorCandidate>(candidates: readonly T[], floor: number): readonly T[] {
  const wanted = candidates.filter(({ adminState, weight }) => adminState === 'ONLINE' && weight > 0);
  const failed = wanted.filter(({ online }) => !online);
  const lacking = floor - (wanted.length - failed.length);
  if (lacking <= 0) return [];
  return failed.sort((a, b) => a.failure - b.failure).slice(-lacking);
}
