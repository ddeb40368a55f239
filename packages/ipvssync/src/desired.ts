/**
 * From the snapshot's words to the table's, and a diff line's effect on a virtual. Pure.
 *
 * @module
 */
import { arrivalPort, type RealId } from '@surealived/shared/model';
import type { DiffEntry, SnapshotVirtual } from '@surealived/shared/snapshot/format';
import { schedulerFlagBits } from './scheduler-flags.js';
import { type DesiredService, type Destination, destinationKey } from './table.js';

/** The service as the snapshot wants it. UDP has no connections that could end: its reals leave at once. */
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

/**
 * The virtual after a diff entry; the same object where nothing changes.
 *
 * An `addreal` of what is there is skipped, since a `chgreal` follows it; a `chgreal` of what is not there adds it; a
 * `delreal` of what is not there is nothing. The virtual's own settings stay: diff lines do not carry all of them.
 */
export function applyDiffEntry(virtual: SnapshotVirtual, { command, real }: DiffEntry): SnapshotVirtual {
  const index = virtual.reals.findIndex((candidate) => isSameReal(candidate, real));
  switch (command) {
    case 'delreal':
      return index < 0 ? virtual : { ...virtual, reals: virtual.reals.toSpliced(index, 1) };
    case 'addreal':
      return index < 0 ? { ...virtual, reals: [...virtual.reals, real] } : virtual;
    case 'chgreal':
      return {
        ...virtual,
        reals: index < 0 ? [...virtual.reals, real] : virtual.reals.with(index, real),
      };
  }
}

/** Canonical texts are equal for equal addresses. */
function isSameReal(a: RealId, b: RealId): boolean {
  return a.port === b.port && a.address.text === b.address.text;
}
