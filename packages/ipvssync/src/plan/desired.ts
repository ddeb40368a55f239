import { arrivalPort } from '@surealived/shared/model';
import type { SnapshotVirtual } from '@surealived/shared/snapshot/format';
import { schedulerFlagBits } from '../ipvs/scheduler-flags.js';
import { type DesiredService, type Destination, destinationKey } from '../ipvs/table.js';

/** The service as the snapshot wants it, in the table's words. Pure. UDP has no connections that could end: its reals leave at once. */
export function desiredService(virtual: SnapshotVirtual): DesiredService {
  const { protocol, address, port, fwmark, scheduler, schedulerFlags, onePacket } = virtual;
  const { persistenceSec, persistencePrefix, persistenceEngine } = virtual;
  return {
    protocol,
    address,
    port,
    fwmark,
    scheduler,
    schedulerFlags: schedulerFlagBits(scheduler, schedulerFlags) ?? 0,
    persistenceSec,
    persistencePrefix,
    persistenceEngine,
    onePacket,
    destinations: desiredDestinations(virtual),
    drainTimeoutSec: protocol === 'udp' ? 0 : virtual.drainTimeoutSec,
  };
}

/** The reals, each with the port on which it gets traffic. Of those which are one then, the heaviest counts. */
function desiredDestinations(virtual: SnapshotVirtual): readonly Destination[] {
  if (virtual.reals.every((real) => real.port === arrivalPort(virtual, real))) return virtual.reals;
  const destinations = new Map<string, Destination>();
  for (const real of virtual.reals) {
    const destination = { ...real, port: arrivalPort(virtual, real) };
    const key = destinationKey(destination);
    const other = destinations.get(key);
    if (!other || other.weight < destination.weight) destinations.set(key, destination);
  }
  return [...destinations.values()];
}
