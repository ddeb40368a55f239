/**
 * What a table refused, and what that means for the other operations of a round. Pure.
 *
 * @module
 */

import { describeService, type Operation, serviceKey } from '../ipvs/table.js';
import { TableImage } from '../ipvs/table-image.js';
import { bringsCapacity } from './plan.js';

/** An operation that was not carried out. */
export interface Refusal {
  readonly operation: Operation;
  readonly reason: string;
  readonly errno?: string;
  /** Not tried, for the sake of the service. */
  readonly isWithheld?: true;
}

/** In the place of an errno, where the table gave no result. */
export const NO_ANSWER = 'no answer';
const OUTCOME_UNKNOWN = new Set(['ENOBUFS', NO_ANSWER]);
const NOT_AS_REMEMBERED = new Set(['EEXIST', 'ESRCH', 'ENOENT']);

/** Whether nobody knows what the table holds now. */
export function isOutcomeUnknown({ errno = '' }: Refusal): boolean {
  return OUTCOME_UNKNOWN.has(errno);
}

/** Whether it may be owed to somebody else's writing, or to a lost answer: then the table is to be read again. */
export function mayComeFromOthers(refusal: Refusal): boolean {
  return isOutcomeUnknown(refusal) || NOT_AS_REMEMBERED.has(refusal.errno ?? '');
}

/**
 * The removals of services which serve now but would not afterwards, because what should have brought capacity was
 * refused. A refusal of anything else (an edit of the scheduler, a deletion) protects nothing: then the removals are
 * what was wanted, down to the last real.
 */
export function strandingRemovals(
  removals: readonly Operation[],
  refusals: readonly Refusal[],
  image: TableImage,
): ReadonlySet<Operation> {
  const bringers = refusals.map(({ operation }) => operation).filter(bringsCapacity);
  const refused = new Set(bringers.map(({ service }) => serviceKey(service)));
  const concerned = removals.filter(({ service }) => refused.has(serviceKey(service)));
  const before = [...refused].flatMap((key) => (image.canServe(key) ? (image.service(key) ?? []) : []));
  const after = new TableImage(before);
  for (const removal of concerned) after.apply(removal);
  const stranded = new Set(before.map(serviceKey).filter((key) => !after.canServe(key)));
  return new Set(concerned.filter(({ service }) => stranded.has(serviceKey(service))));
}

/** The first reason of each service, by name, which the others mostly follow from, and all that was withheld for it. */
export function reasonsByService(refusals: readonly Refusal[]): ReadonlyMap<string, string> {
  const reasons = new Map<string, string>();
  for (const { operation, reason, isWithheld } of refusals) {
    const name = describeService(operation.service);
    const known = reasons.get(name);
    if (known === undefined) reasons.set(name, reason);
    else if (isWithheld) reasons.set(name, `${known}; ${reason}`);
  }
  return reasons;
}
