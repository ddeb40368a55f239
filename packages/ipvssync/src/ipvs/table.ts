/**
 * What an IPVS table holds, and what can be done to it, in the words of `ipvsadm(8)`.
 *
 * Both backends, the planner and the printed plan speak in these terms; numbers and bits of the kernel stay in `wire/`.
 *
 * @module
 */
import { type Address, formatEndpoint } from '@surealived/shared/address';
import type { ForwardingMethod, Protocol, RealId, TunnelFlags, TunnelType } from '@surealived/shared/model';
import { onceForEach } from '@surealived/shared/once-for-each';
import type { OperationResult } from './operation-result.js';
import type { SettingsStore } from './settings.js';

/** Adds to the snapshot's protocols what somebody else's service may use; `ip-N` is an IP protocol by number. */
export type ServiceProtocol = Protocol | `ip-${number}`;

/** Adds to ours what a kernel may report; `method-N` is one that has no name here. */
export type Forwarding = ForwardingMethod | 'local' | `method-${number}`;

/** How a tunnel wraps packets; `type-N` and `flags-N` are what has no name here. Of another forwarding it is IPIP. */
export interface DestinationTunnel {
  readonly type: TunnelType | `type-${number}`;
  /** UDP port of gue, otherwise 0. */
  readonly port: number;
  readonly flags: TunnelFlags | `flags-${number}`;
}

/**
 * What makes a service the same service. With protocol `fwmark`, `address` is 0.0.0.0 or :: (it tells the family)
 * and `port` is 0; otherwise `fwmark` is 0.
 */
export interface ServiceId {
  readonly protocol: ServiceProtocol;
  readonly address: Address;
  /** 0..65535. */
  readonly port: number;
  /** 1..4294967295 with protocol `fwmark`, otherwise 0. */
  readonly fwmark: number;
}

/** What can be changed of a service in place. */
export interface ServiceSettings {
  /** As the kernel knows it: `wrr`, `lc` …; `none` drops every new connection. */
  readonly scheduler: string;
  /** IP_VS_SVC_F_SCHED1..3 as bits 0..2; their meaning is the scheduler's. */
  readonly schedulerFlags: number;
  /** Seconds a client stays with its destination; 0 for no persistence. */
  readonly persistenceSec: number;
  /** Bits of the client's address that count for persistence, 0..32 or 1..128; -1 for a mask with holes. */
  readonly persistencePrefix: number;
  /** Persistence engine, `sip`; empty for none. */
  readonly persistenceEngine: string;
  /** One-packet scheduling. */
  readonly onePacket: boolean;
}

export interface ServiceHead extends ServiceId, ServiceSettings {}

/** Address and port identify a destination within its service. */
export interface Destination extends RealId {
  readonly forwarding: Forwarding;
  readonly tunnel: DestinationTunnel;
  /** 0..65535; 0 takes no new connections. */
  readonly weight: number;
  /** Connections below which an overloaded destination is used again; 0 for none. */
  readonly lowerThreshold: number;
  /** Connections at which the destination takes no new ones; 0 for none. */
  readonly upperThreshold: number;
}

/** A service with its destinations, in no particular order. */
export interface Service extends ServiceHead {
  readonly destinations: readonly Destination[];
}

/** A service as it shall be. */
export interface DesiredService extends Service {
  /** Seconds that a destination which is not wanted any more stays at weight 0 for its connections; 0 and left away for none. */
  readonly drainTimeoutSec?: number;
}

/** How many connections a destination has: established ones, others (being made, closed), and templates of persistence. */
export interface DestinationConnections extends RealId {
  readonly active: number;
  readonly inactive: number;
  readonly persistent: number;
}

/** Counts of traffic, in all or per second; above 2^53 they are rounded. */
export interface TrafficCounts {
  readonly connections: number;
  /** From clients. */
  readonly packetsIn: number;
  /** From reals; the kernel sees none of them with `dr` and `tun`. */
  readonly packetsOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** What a service has carried and carries. */
export interface ServiceTraffic {
  readonly service: ServiceId;
  /** Since the service was made, or its counters were set to zero; the kernel adds to them every two seconds. */
  readonly totals: TrafficCounts;
  /** Averages of the last seconds. */
  readonly perSecond: TrafficCounts;
  readonly destinations: readonly DestinationConnections[];
}

/** One write. `before` is what the planner saw, for the printed form alone. */
export type Operation =
  | { readonly kind: 'addService'; readonly service: ServiceHead }
  | { readonly kind: 'editService'; readonly service: ServiceHead; readonly before: ServiceHead }
  | { readonly kind: 'deleteService'; readonly service: ServiceHead }
  | { readonly kind: 'addDestination'; readonly service: ServiceId; readonly destination: Destination }
  | {
      readonly kind: 'editDestination';
      readonly service: ServiceId;
      readonly destination: Destination;
      readonly before: Destination;
      /** The destination is not wanted any more, and goes when its connections are gone. */
      readonly isDrain?: true;
    }
  | { readonly kind: 'deleteDestination'; readonly service: ServiceId; readonly destination: Destination };

/** An IPVS table that can be read and written. Calls must not overlap, but for `readTraffic`. */
export interface IpvsTable {
  /** Timeouts and sync daemons of the same IPVS. */
  readonly settings: SettingsStore;
  /**
   * The whole table.
   *
   * @throws SureAliveError where it cannot be read now.
   */
  read(): Promise<readonly Service[]>;
  /**
   * As `read`, but some services at a time, between which there may be other calls; a part may be empty. A service that is
   * added meanwhile may be missing, and one that is edited may have the settings of before.
   */
  readParts(): AsyncIterable<readonly Service[]>;
  /**
   * The connections of a service's destinations now; none where there is no such service.
   *
   * @throws SureAliveError where they cannot be read now.
   */
  readConnections(service: ServiceId): Promise<readonly DestinationConnections[]>;
  /**
   * The traffic of all services. It takes turns with the rest of the process, some services at a time, and may run
   * beside one other call: a service that comes or goes meanwhile is in it or not.
   *
   * @throws SureAliveError where it cannot be read now.
   */
  readTraffic(): Promise<readonly ServiceTraffic[]>;
  /**
   * Carries out operations in their order; one that is refused does not stop those after it.
   *
   * @returns One result per operation, in the same order.
   * @throws SureAliveError where the outcome of all is unknown: read the table again.
   */
  apply(operations: readonly Operation[]): Promise<readonly OperationResult[]>;
  close(): void;
}

/** A text that is equal for equal services. A round over a large table asks for that of a service many times. */
export const serviceKey = onceForEach(({ protocol, address, port, fwmark }: ServiceId): string =>
  protocol === 'fwmark' ? `fwmark ${fwmark} ${address.family}` : `${protocol} ${address.text} ${port}`,
);

/** A text that is equal for equal destinations of one service. */
export function destinationKey({ address, port }: RealId): string {
  return `${address.text} ${port}`;
}

/** The service as an operator would name it: `tcp 10.0.0.1:80`, `fwmark 7`, `fwmark 7 IPv6`. */
export function describeService({ protocol, address, port, fwmark }: ServiceId): string {
  if (protocol === 'fwmark') return `fwmark ${fwmark}${address.family === 6 ? ' IPv6' : ''}`;
  return `${protocol} ${formatEndpoint(address, port)}`;
}

/** The destination as an operator would name it: `10.0.0.11:80`, `[2001:db8::11]:80`. */
export function describeDestination({ address, port }: RealId): string {
  return formatEndpoint(address, port);
}

/** A destination with its service: `tcp 10.0.0.1:80 real 10.0.0.11:80`. */
export function describeReal(service: ServiceId, destination: RealId): string {
  return `${describeService(service)} real ${describeDestination(destination)}`;
}
