import { type Operation, type Service, serviceKey } from '../ipvs/table.js';
import { planChanges } from './plan.js';
import type { PlanPolicy } from './protection.js';

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
