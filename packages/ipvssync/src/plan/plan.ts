import {
  type DesiredService,
  type Destination,
  type DestinationTunnel,
  destinationKey,
  type Operation,
  type Service,
  type ServiceSettings,
  serviceKey,
} from '../ipvs/table.js';
import { isProtected, type PlanPolicy } from './protection.js';

/** Whether a destination that is not wanted any more has to stay for now. */
export type HasToStay = (service: DesiredService, destination: Destination) => boolean;

/**
 * What to do so that the table holds the desired services. Pure; empty when nothing differs.
 *
 * The operations of one service stand together: the service itself, then destinations to add, to edit, to delete.
 * Edits that leave a weight come before those that set weight 0, so that a service which has a working destination
 * before and after has one after every single operation. Address and port identify a destination: whatever else
 * differs is edited in place, which keeps its connections. Unknown destinations of desired services are deleted.
 * Protected services are as if they were not there.
 *
 * A destination that is not wanted any more but has to stay for now is set to weight 0 instead of being deleted.
 *
 * @param desired Services without repetition; neither are their destinations repeated.
 * @param actual The table, whole or at least where `desired` concerns it.
 * @param hasToStay Which destinations those are.
 */
export function planChanges(
  desired: Iterable<DesiredService>,
  actual: Iterable<Service>,
  policy: PlanPolicy,
  hasToStay: HasToStay = () => false,
): Operation[] {
  const leftover = new Map<string, Service>();
  for (const service of actual) leftover.set(serviceKey(service), service);
  const operations: Operation[] = [];
  for (const service of desired) {
    const key = serviceKey(service);
    if (!isProtected(service, policy)) planService(service, leftover.get(key), hasToStay, operations);
    leftover.delete(key);
  }
  if (policy.deleteUnmanaged)
    for (const service of leftover.values())
      if (!isProtected(service, policy)) operations.push({ kind: 'deleteService', service });
  return operations;
}

/**
 * A plan in parts of about `size` operations, each with whole services: what is half done at any time is half done to few.
 */
export function sliceByService(plan: readonly Operation[], size: number): Operation[][] {
  const slices: Operation[][] = [];
  let slice: Operation[] = [];
  for (const operation of plan) {
    const last = slice.at(-1);
    const isFull = slice.length >= size && last && serviceKey(last.service) !== serviceKey(operation.service);
    if (!last || isFull) {
      slice = [];
      slices.push(slice);
    }
    slice.push(operation);
  }
  return slices;
}

/** Whether an operation takes capacity away: it must not come before what replaces it. */
export function isRemoval(operation: Operation): boolean {
  switch (operation.kind) {
    case 'deleteDestination':
    case 'deleteService':
      return true;
    case 'editDestination':
      return operation.destination.weight === 0;
    case 'addDestination':
    case 'addService':
    case 'editService':
      return false;
  }
}

/** Whether an operation gives a service something to serve with. */
export function bringsCapacity(operation: Operation): boolean {
  switch (operation.kind) {
    case 'addService':
      return true;
    case 'addDestination':
    case 'editDestination':
      return operation.destination.weight > 0;
    case 'editService':
    case 'deleteService':
    case 'deleteDestination':
      return false;
  }
}

function planService(
  desired: DesiredService,
  actual: Service | undefined,
  hasToStay: HasToStay,
  operations: Operation[],
): void {
  if (desired === actual) return;
  if (!actual) operations.push({ kind: 'addService', service: desired });
  else if (!sameSettings(desired, actual))
    operations.push({ kind: 'editService', service: desired, before: actual });
  planDestinations(desired, actual?.destinations ?? [], hasToStay, operations);
}

function planDestinations(
  service: DesiredService,
  actual: readonly Destination[],
  hasToStay: HasToStay,
  operations: Operation[],
): void {
  if (isAsDesired(service.destinations, actual)) return;
  const leftover = new Map(actual.map((destination) => [destinationKey(destination), destination]));
  const edits: Operation[] = [];
  for (const destination of service.destinations) {
    const key = destinationKey(destination);
    const before = leftover.get(key);
    leftover.delete(key);
    if (!before) operations.push({ kind: 'addDestination', service, destination });
    else if (!sameDestination(destination, before))
      edits.push({ kind: 'editDestination', service, destination, before });
  }
  const deletions: Operation[] = [];
  for (const before of leftover.values()) {
    if (!hasToStay(service, before))
      deletions.push({ kind: 'deleteDestination', service, destination: before });
    else if (before.weight > 0)
      edits.push({
        kind: 'editDestination',
        service,
        destination: { ...before, weight: 0 },
        before,
        isDrain: true,
      });
  }
  const ordered = [edits.filter((edit) => !isRemoval(edit)), edits.filter(isRemoval), deletions];
  for (const operation of ordered.flat()) operations.push(operation); // too many for arguments of one call, maybe
}

/** Whether two services, without repetition in themselves, are clearly equal; false may mean that they are in odd order. */
export function isSameService(a: Service, b: Service): boolean {
  return sameSettings(a, b) && isAsDesired(a.destinations, b.destinations);
}

/**
 * Whether two lists, each without repetition, are clearly equal; then they need not be looked into further. They are in
 * one order, or the other way round: the kernel lists what was added last first.
 */
function isAsDesired(desired: readonly Destination[], actual: readonly Destination[]): boolean {
  const last = actual.length - 1;
  return (
    desired.length === actual.length &&
    desired.every((wanted, i) => isEqual(wanted, actual[i]) || isEqual(wanted, actual[last - i]))
  );
}

function isEqual(a: Destination, b: Destination | undefined): boolean {
  return b !== undefined && a.port === b.port && a.address.text === b.address.text && sameDestination(a, b);
}

function sameSettings(a: ServiceSettings, b: ServiceSettings): boolean {
  return (
    a.scheduler === b.scheduler &&
    a.schedulerFlags === b.schedulerFlags &&
    a.persistenceSec === b.persistenceSec &&
    a.persistencePrefix === b.persistencePrefix &&
    a.persistenceEngine === b.persistenceEngine &&
    a.onePacket === b.onePacket
  );
}

function sameDestination(a: Destination, b: Destination): boolean {
  return (
    a.weight === b.weight &&
    a.forwarding === b.forwarding &&
    a.lowerThreshold === b.lowerThreshold &&
    a.upperThreshold === b.upperThreshold &&
    sameTunnel(a.tunnel, b.tunnel)
  );
}

function sameTunnel(a: DestinationTunnel, b: DestinationTunnel): boolean {
  return a === b || (a.type === b.type && a.port === b.port && a.flags === b.flags);
}
