import { describeService, type ServiceHead, type ServiceId, serviceKey } from '../ipvs/table.js';

/** What is not the business of a round. */
export interface PlanPolicy {
  /** Whether services that are not desired are deleted; otherwise they are not touched. */
  readonly deleteUnmanaged: boolean;
  /** Names of services that are never touched: `tcp 10.0.0.1:80`, `fwmark 7` for both families. */
  readonly protect?: ReadonlySet<string>;
}

/** A service that a whole round does not touch. */
export interface LeftAlone {
  readonly service: ServiceHead;
  /** It is not in the snapshot, and unknown services stay; or it is one of `protect`. */
  readonly reason: 'unmanaged' | 'protected';
  /** Whether the snapshot has it. */
  readonly isDesired: boolean;
}

/** Whether a service is one of those that are never touched. A mark is named without its family. */
export function isProtected(service: ServiceId, { protect }: PlanPolicy): boolean {
  if (protect === undefined || protect.size === 0) return false;
  return protect.has(service.protocol === 'fwmark' ? `fwmark ${service.fwmark}` : describeService(service));
}

/** What `planChanges` does not touch of the same services, and why. Pure. */
export function findLeftAlone(
  desired: Iterable<ServiceHead>,
  actual: Iterable<ServiceHead>,
  policy: PlanPolicy,
): LeftAlone[] {
  const found: LeftAlone[] = [];
  const desiredKeys = new Set<string>();
  for (const service of desired) {
    desiredKeys.add(serviceKey(service));
    if (isProtected(service, policy)) found.push({ service, reason: 'protected', isDesired: true });
  }
  for (const service of actual) {
    if (desiredKeys.has(serviceKey(service))) continue;
    if (isProtected(service, policy)) found.push({ service, reason: 'protected', isDesired: false });
    else if (!policy.deleteUnmanaged) found.push({ service, reason: 'unmanaged', isDesired: false });
  }
  return found;
}

/** `left alone: tcp 10.0.0.9:80 (-u deletes it)` */
export function describeLeftAlone({ service, reason, isDesired }: LeftAlone): string {
  const why = reason === 'unmanaged' ? '-u deletes it' : 'protected';
  return `left alone: ${describeService(service)} (${why}${isDesired ? ', though the snapshot has it' : ''})`;
}
