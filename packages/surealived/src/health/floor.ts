/**
 * The floor of a virtual: which reals keep their weight although their tests fail, so that enough are left. No I/O.
 *
 * @module
 */
import type { CountOrPercent } from '../config/model.js';
import { type Real, wantedWeight } from '../state.js';

/** How many reals a floor means, of all that the virtual has; a percentage is rounded up, so that it is never 0. */
export function floorOf({ value, isPercent }: CountOrPercent, realCount: number): number {
  return isPercent ? Math.ceil((realCount * value) / 100) : value;
}

/**
 * Chooses the reals to be held: of those that the operator wants, the last to fail, as many as the floor lacks.
 *
 * The pool, which is what is online together with what is held, then has `floor` reals, or all that the operator wants
 * where these are fewer.
 *
 * @param failed Those of `reals` that are offline, in the order in which they failed; the answer has that order, too.
 */
export function chooseHeld(reals: readonly Real[], failed: readonly Real[], floor: number): readonly Real[] {
  let lacking = floor;
  for (const real of reals) if (real.health.online && isWanted(real)) lacking--;
  return lacking > 0 ? failed.filter(isWanted).slice(-lacking) : [];
}

/** With a weight of 0 it would take no connections, whatever its tests say. */
function isWanted(real: Real): boolean {
  return real.adminState === 'ONLINE' && wantedWeight(real) > 0;
}
