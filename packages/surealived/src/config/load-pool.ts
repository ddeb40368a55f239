/**
 * Which reals of a virtual take connections, and how many: what `slowstart` and `min_online` come to.
 *
 * @module
 */
import { floorOf } from '../health/floor.js';
import type { VirtualConfig } from './model.js';
import { type ProblemList, placeOf } from './problem-list.js';
import type { Element } from './xml.js';

/** Of those that come with Linux, the ones to which any weight above 0 is the same. */
const WEIGHTLESS_SCHEDULERS: readonly string[] = ['rr', 'lc', 'dh'];

/** Warns of what has no effect, or more than was meant. */
export function checkPool(
  element: Element,
  path: string,
  virtual: VirtualConfig,
  problems: ProblemList,
): void {
  const { scheduler, reals, slowStartMs, minOnline } = virtual;
  const warn = (name: string, message: string): void =>
    problems.warn(placeOf(element, name), path, `attribute "${name}": ${message}`);
  if (slowStartMs > 0) {
    if (WEIGHTLESS_SCHEDULERS.includes(scheduler))
      warn('slowstart', `has no effect with the scheduler "${scheduler}", to which all weights are the same`);
    else if (reals.length > 0 && reals.every(({ weight }) => weight <= 1))
      warn('slowstart', 'has no effect, since no real has a weight above 1');
  }
  const floor = floorOf(minOnline, reals.length);
  if (reals.length > 0 && floor > reals.length)
    warn('min_online', `there are ${reals.length} reals: none is ever taken out by its tests`);
}
