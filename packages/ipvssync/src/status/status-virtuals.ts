/**
 * The figures of virtuals in a status. Pure.
 *
 * @module
 */
import type { RealId } from '@surealived/shared/model';
import type { SnapshotVirtual } from '@surealived/shared/snapshot/format';
import {
  type DestinationConnections,
  describeDestination,
  describeService,
  destinationKey,
  type ServiceId,
  type ServiceTraffic,
  serviceKey,
  type TrafficCounts,
} from '../ipvs/table.js';

/** Of all services, or why it cannot be had. */
export type Traffic = readonly ServiceTraffic[] | string;

export interface Connections {
  readonly active: number;
  readonly inactive: number;
  readonly persistent: number;
}

export interface VirtualStatus {
  /** As in the log: `tcp 10.0.0.1:80`, `fwmark 7`. */
  readonly virtual: string;
  /** null where the snapshot does not have it. */
  readonly name: string | null;
  /** Whether the table has it; otherwise there is nothing to count. */
  readonly inTable: boolean;
  readonly connections: Connections;
  readonly totals: TrafficCounts;
  readonly perSecond: TrafficCounts;
  readonly reals: readonly (Connections & { readonly real: string })[];
}

const NO_COUNTS: TrafficCounts = { connections: 0, packetsIn: 0, packetsOut: 0, bytesIn: 0, bytesOut: 0 };

/** Those of the snapshot in its order, then the others; none where there is no traffic to be had. */
export function* virtualStatuses(
  ours: readonly SnapshotVirtual[],
  traffic: Traffic,
): Generator<VirtualStatus, void, undefined> {
  if (typeof traffic === 'string') return;
  const others = trafficTable(traffic);
  for (const virtual of ours) {
    const key = serviceKey(virtual);
    yield virtualStatus(describeService(virtual), virtual.name, others.get(key));
    others.delete(key);
  }
  for (const one of others.values()) yield virtualStatus(describeService(one.service), null, one);
}

/** By `serviceKey`. */
function trafficTable(traffic: Traffic): Map<string, ServiceTraffic> {
  return new Map(typeof traffic === 'string' ? [] : traffic.map((one) => [serviceKey(one.service), one]));
}

/** Finds the connections of single destinations, and goes through those of a service once: it may have thousands. */
export class ConnectionsIndex {
  readonly #traffic: ReadonlyMap<string, ServiceTraffic>;
  readonly #services = new Map<string, ReadonlyMap<string, Connections>>();

  constructor(traffic: Traffic) {
    this.#traffic = trafficTable(traffic);
  }

  /** @returns `undefined` where the service was not read, or does not have the destination. */
  find(service: ServiceId, destination: RealId): Connections | undefined {
    const key = serviceKey(service);
    const known = this.#services.get(key) ?? this.#read(key);
    return known.get(destinationKey(destination));
  }

  #read(key: string): ReadonlyMap<string, Connections> {
    const destinations = this.#traffic.get(key)?.destinations ?? [];
    const connections = new Map(destinations.map((one) => [destinationKey(one), sumOf([one])]));
    this.#services.set(key, connections);
    return connections;
  }
}

function virtualStatus(
  virtual: string,
  name: string | null,
  traffic: ServiceTraffic | undefined,
): VirtualStatus {
  const { totals = NO_COUNTS, perSecond = NO_COUNTS, destinations = [] } = traffic ?? {};
  const reals = destinations.map((one) => ({ real: describeDestination(one), ...sumOf([one]) }));
  const connections = sumOf(destinations);
  return { virtual, name, inTable: traffic !== undefined, connections, totals, perSecond, reals };
}

function sumOf(destinations: readonly DestinationConnections[]): Connections {
  const sum = { active: 0, inactive: 0, persistent: 0 };
  for (const { active, inactive, persistent } of destinations) {
    sum.active += active;
    sum.inactive += inactive;
    sum.persistent += persistent;
  }
  return sum;
}
