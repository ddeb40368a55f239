import type { Logger } from '@surealived/shared/log';
import { describeOperation } from './describe.js';
import { planChanges } from './plan.js';
import type { PlanPolicy } from './protection.js';
import { type Operation, type Service, serviceKey } from './table.js';

/** Lines of a round: what emptied the whole table is told by the first ones. */
const MAX_LINES = 20;

/**
 * What somebody else did to a table, as the operations that would have done it. Pure.
 *
 * @param remembered The table as it was left.
 * @param found The table as it is.
 * @param managed Keys of the services that are ours; others count only where unknown services are deleted.
 */
export function findDrift(
  remembered: readonly Service[],
  found: readonly Service[],
  managed: ReadonlySet<string>,
  policy: PlanPolicy,
): Operation[] {
  const isOurs = (service: Service): boolean => policy.deleteUnmanaged || managed.has(serviceKey(service));
  return planChanges(found.filter(isOurs), remembered.filter(isOurs), { ...policy, deleteUnmanaged: true });
}

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
