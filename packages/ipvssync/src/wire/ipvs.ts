/**
 * IPVS over generic netlink (linux/ip_vs.h): services and destinations as attributes and back.
 *
 * Quirks: IPv4 addresses travel in 16 bytes with the family beside them; ports and IPv4 masks are in network order, an
 * IPv6 mask is a prefix length in host order; IPVS_DEST_ATTR_ADDR_FAMILY exists since Linux 3.18, before that a
 * destination has the family of its service; IPVS_DEST_ATTR_TUN_* exist since Linux 5.3, and what is left out is IPIP;
 * IPVS_SVC_ATTR_STATS64 exists since Linux 4.1, before that most counters have 32 bits.
 *
 * @module
 */
import { type Address, type Family, unspecifiedAddress } from '@surealived/shared/address';
import { IPIP, type TunnelFlags, type TunnelType } from '@surealived/shared/model';
import type {
  Destination,
  DestinationConnections,
  DestinationTunnel,
  Forwarding,
  Operation,
  ServiceHead,
  ServiceId,
  ServiceProtocol,
  ServiceTraffic,
  TrafficCounts,
} from '../ipvs/table.js';
import type { AttrWriter } from './attr.js';
import { type Attr, AttrIndex } from './attr-reader.js';
import { KernelProtocolError } from './errors.js';
import type { GenlRequest } from './genl.js';

export const IPVS_GENL_NAME = 'IPVS';
export const IPVS_GENL_VERSION = 1;

const IPVS_CMD_NEW_SERVICE = 1;
const IPVS_CMD_SET_SERVICE = 2;
const IPVS_CMD_DEL_SERVICE = 3;
const IPVS_CMD_GET_SERVICE = 4;
const IPVS_CMD_NEW_DEST = 5;
const IPVS_CMD_SET_DEST = 6;
const IPVS_CMD_DEL_DEST = 7;
const IPVS_CMD_GET_DEST = 8;
const IPVS_CMD_GET_INFO = 15;

export const IPVS_CMD_ATTR_SERVICE = 1;
export const IPVS_CMD_ATTR_DEST = 2;

const IPVS_SVC_ATTR_AF = 1;
const IPVS_SVC_ATTR_PROTOCOL = 2;
const IPVS_SVC_ATTR_ADDR = 3;
const IPVS_SVC_ATTR_PORT = 4;
const IPVS_SVC_ATTR_FWMARK = 5;
const IPVS_SVC_ATTR_SCHED_NAME = 6;
const IPVS_SVC_ATTR_FLAGS = 7;
const IPVS_SVC_ATTR_TIMEOUT = 8;
const IPVS_SVC_ATTR_NETMASK = 9;
const IPVS_SVC_ATTR_STATS = 10;
const IPVS_SVC_ATTR_PE_NAME = 11;
const IPVS_SVC_ATTR_STATS64 = 12;

/** IPVS_STATS_ATTR_*, in the same order for the totals and for the rates. */
const IPVS_STATS_ATTR_CONNS = 1;
const IPVS_STATS_ATTR_CPS = 6;

const IPVS_DEST_ATTR_ADDR = 1;
const IPVS_DEST_ATTR_PORT = 2;
const IPVS_DEST_ATTR_FWD_METHOD = 3;
const IPVS_DEST_ATTR_WEIGHT = 4;
const IPVS_DEST_ATTR_U_THRESH = 5;
const IPVS_DEST_ATTR_L_THRESH = 6;
const IPVS_DEST_ATTR_ACTIVE_CONNS = 7;
const IPVS_DEST_ATTR_INACT_CONNS = 8;
const IPVS_DEST_ATTR_PERSIST_CONNS = 9;
const IPVS_DEST_ATTR_ADDR_FAMILY = 11;
const IPVS_DEST_ATTR_TUN_TYPE = 13;
const IPVS_DEST_ATTR_TUN_PORT = 14;
const IPVS_DEST_ATTR_TUN_FLAGS = 15;

const IP_VS_SVC_F_PERSISTENT = 0x1;
const IP_VS_SVC_F_ONEPACKET = 0x4;
/** IP_VS_SVC_F_SCHED1..3 are bits 3..5. */
const SCHEDULER_FLAGS_SHIFT = 3;
const SCHEDULER_FLAGS_MASK = 0b111;
/** `struct ip_vs_flags.mask`: all flags are ours to say. */
const ALL_FLAGS = 0xffffffff;
const IP_VS_CONN_F_FWD_MASK = 0x7;

const AF_INET = 2;
const AF_INET6 = 10;
/** `struct ip_vs_flags`. */
const FLAGS_BYTES = 8;

/** IANA protocol numbers of services. */
const PROTOCOL_NUMBERS: ReadonlyMap<ServiceProtocol, number> = new Map([
  ['tcp', 6],
  ['udp', 17],
  ['sctp', 132],
]);
const PROTOCOL_NAMES = new Map([...PROTOCOL_NUMBERS].map(([name, number]) => [number, name]));

/** IP_VS_CONN_F_MASQ, _LOCALNODE, _TUNNEL, _DROUTE. */
const FORWARDING_NAMES: readonly Forwarding[] = ['masq', 'local', 'tun', 'dr'];

/** IP_VS_CONN_F_TUNNEL_TYPE_*. */
const TUNNEL_TYPE_NAMES: readonly TunnelType[] = ['ipip', 'gue', 'gre'];
/** IP_VS_TUNNEL_ENCAP_FLAG_*, which are bits: 3 has no name. */
const TUNNEL_FLAGS_NAMES: readonly TunnelFlags[] = ['nocsum', 'csum', 'remcsum'];

const COMMANDS: Record<Operation['kind'], number> = {
  addService: IPVS_CMD_NEW_SERVICE,
  editService: IPVS_CMD_SET_SERVICE,
  deleteService: IPVS_CMD_DEL_SERVICE,
  addDestination: IPVS_CMD_NEW_DEST,
  editDestination: IPVS_CMD_SET_DEST,
  deleteDestination: IPVS_CMD_DEL_DEST,
};

/** The request that carries out an operation: nest 1 is the service, nest 2 the destination. */
export function operationRequest(family: number, operation: Operation): GenlRequest {
  return request(family, COMMANDS[operation.kind], (attributes) => {
    const service = attributes.openNest(IPVS_CMD_ATTR_SERVICE);
    writeServiceId(attributes, operation.service);
    if (operation.kind === 'addService' || operation.kind === 'editService')
      writeSettings(attributes, operation.service);
    attributes.closeNest(service);
    if (!('destination' in operation)) return;
    const destination = attributes.openNest(IPVS_CMD_ATTR_DEST);
    writeDestination(attributes, operation.destination);
    attributes.closeNest(destination);
  });
}

/** IPVS_CMD_GET_INFO: answered with version and table size; refused with EPERM to who may not read the table either. */
export function infoRequest(family: number): GenlRequest {
  return request(family, IPVS_CMD_GET_INFO);
}

/** IPVS_CMD_GET_SERVICE, to be sent as a dump of all services. */
export function servicesRequest(family: number): GenlRequest {
  return request(family, IPVS_CMD_GET_SERVICE);
}

/** IPVS_CMD_GET_DEST, to be sent as a dump of one service's destinations. */
export function destinationsRequest(family: number, service: ServiceId): GenlRequest {
  return request(family, IPVS_CMD_GET_DEST, (attributes) =>
    attributes.nested(IPVS_CMD_ATTR_SERVICE, (nest) => writeServiceId(nest, service)),
  );
}

function request(family: number, command: number, fill?: GenlRequest['fill']): GenlRequest {
  return fill
    ? { family, command, version: IPVS_GENL_VERSION, fill }
    : { family, command, version: IPVS_GENL_VERSION };
}

/** IPVS_SVC_ATTR_AF, then the mark alone, or protocol (u16), address (16 bytes) and port (u16, network order). */
function writeServiceId(writer: AttrWriter, { protocol, address, port, fwmark }: ServiceId): void {
  writer.u16(IPVS_SVC_ATTR_AF, address.family === 4 ? AF_INET : AF_INET6);
  if (protocol === 'fwmark') writer.u32(IPVS_SVC_ATTR_FWMARK, fwmark);
  else {
    writer.u16(IPVS_SVC_ATTR_PROTOCOL, protocolNumber(protocol));
    writer.address16(IPVS_SVC_ATTR_ADDR, address);
    writer.u16Be(IPVS_SVC_ATTR_PORT, port);
  }
}

function writeSettings(writer: AttrWriter, service: ServiceHead): void {
  const { persistenceSec, persistencePrefix, persistenceEngine, onePacket, schedulerFlags } = service;
  writer.cstring(IPVS_SVC_ATTR_SCHED_NAME, service.scheduler);
  const flags =
    (persistenceSec > 0 ? IP_VS_SVC_F_PERSISTENT : 0) |
    (onePacket ? IP_VS_SVC_F_ONEPACKET : 0) |
    (schedulerFlags << SCHEDULER_FLAGS_SHIFT);
  writer.bytes(IPVS_SVC_ATTR_FLAGS, encodeFlags(flags));
  writer.u32(IPVS_SVC_ATTR_TIMEOUT, persistenceSec);
  if (service.address.family === 4)
    writer.u32Be(IPVS_SVC_ATTR_NETMASK, persistencePrefix === 0 ? 0 : (-1 << (32 - persistencePrefix)) >>> 0);
  else writer.u32(IPVS_SVC_ATTR_NETMASK, persistencePrefix);
  if (persistenceEngine !== '') writer.cstring(IPVS_SVC_ATTR_PE_NAME, persistenceEngine);
}

/** `struct ip_vs_flags`: the flags, and which of them are meant. */
function encodeFlags(flags: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(flags, ALL_FLAGS).buffer);
}

function writeDestination(writer: AttrWriter, destination: Destination): void {
  const { address, port, forwarding, weight, upperThreshold, lowerThreshold } = destination;
  writer.u16(IPVS_DEST_ATTR_ADDR_FAMILY, address.family === 4 ? AF_INET : AF_INET6);
  writer.address16(IPVS_DEST_ATTR_ADDR, address);
  writer.u16Be(IPVS_DEST_ATTR_PORT, port);
  writer.u32(IPVS_DEST_ATTR_FWD_METHOD, numberOf(FORWARDING_NAMES, forwarding, 'method-'));
  writer.u32(IPVS_DEST_ATTR_WEIGHT, weight >>> 0); // an int in the kernel
  writer.u32(IPVS_DEST_ATTR_U_THRESH, upperThreshold);
  writer.u32(IPVS_DEST_ATTR_L_THRESH, lowerThreshold);
  if (destination.tunnel !== IPIP) writeTunnel(writer, destination.tunnel);
}

function writeTunnel(writer: AttrWriter, { type, port, flags }: DestinationTunnel): void {
  writer.u8(IPVS_DEST_ATTR_TUN_TYPE, numberOf(TUNNEL_TYPE_NAMES, type, 'type-'));
  writer.u16Be(IPVS_DEST_ATTR_TUN_PORT, port);
  writer.u16(IPVS_DEST_ATTR_TUN_FLAGS, numberOf(TUNNEL_FLAGS_NAMES, flags, 'flags-'));
}

function protocolNumber(protocol: ServiceProtocol): number {
  return PROTOCOL_NUMBERS.get(protocol) ?? Number(protocol.slice('ip-'.length));
}

/** The place of a name among `names`, or the number that follows `prefix`. */
function numberOf(names: readonly string[], name: string, prefix: string): number {
  const index = names.indexOf(name);
  return index >= 0 ? index : Number(name.slice(prefix.length));
}

/** Of the object that is being read, and of what it counts. */
const index = new AttrIndex();
const statistics = new AttrIndex();

/**
 * The service of an IPVS_CMD_ATTR_SERVICE. Attributes that are not known here (statistics …) are skipped.
 *
 * @throws KernelProtocolError where one is missing or has a wrong length.
 */
export function readService(nest: Attr): ServiceHead {
  const attrs = index.fill(nest);
  const { protocol, address, port, fwmark } = readServiceId(attrs);
  const bits = attrs.firstU32(IPVS_SVC_ATTR_FLAGS, 'service flags', FLAGS_BYTES);
  const timeoutSec = attrs.u32(IPVS_SVC_ATTR_TIMEOUT, 'service timeout');
  return {
    protocol,
    address,
    port,
    fwmark,
    scheduler: attrs.cstring(IPVS_SVC_ATTR_SCHED_NAME, 'scheduler'),
    schedulerFlags: (bits >>> SCHEDULER_FLAGS_SHIFT) & SCHEDULER_FLAGS_MASK,
    persistenceSec: bits & IP_VS_SVC_F_PERSISTENT ? timeoutSec : 0,
    persistencePrefix: readPrefix(attrs, address.family),
    persistenceEngine: attrs.has(IPVS_SVC_ATTR_PE_NAME) ? attrs.cstring(IPVS_SVC_ATTR_PE_NAME, '') : '',
    onePacket: (bits & IP_VS_SVC_F_ONEPACKET) !== 0,
  };
}

/**
 * The destination of an IPVS_CMD_ATTR_DEST.
 *
 * @param serviceFamily Of its service, for kernels before 3.18.
 * @throws KernelProtocolError where an attribute is missing or has a wrong length.
 */
export function readDestination(nest: Attr, serviceFamily: Family): Destination {
  const attrs = index.fill(nest);
  const method = attrs.u32(IPVS_DEST_ATTR_FWD_METHOD, 'forwarding') & IP_VS_CONN_F_FWD_MASK;
  return {
    address: readRealAddress(attrs, serviceFamily),
    port: attrs.u16Be(IPVS_DEST_ATTR_PORT, 'real port'),
    forwarding: FORWARDING_NAMES[method] ?? `method-${method}`,
    weight: attrs.u32(IPVS_DEST_ATTR_WEIGHT, 'weight') | 0,
    lowerThreshold: attrs.u32(IPVS_DEST_ATTR_L_THRESH, 'lower threshold'),
    upperThreshold: attrs.u32(IPVS_DEST_ATTR_U_THRESH, 'upper threshold'),
    tunnel: readTunnel(attrs),
  };
}

/** The connections that an IPVS_CMD_ATTR_DEST counts. @param serviceFamily, @throws As `readDestination`. */
export function readDestinationConnections(nest: Attr, serviceFamily: Family): DestinationConnections {
  const attrs = index.fill(nest);
  return {
    address: readRealAddress(attrs, serviceFamily),
    port: attrs.u16Be(IPVS_DEST_ATTR_PORT, 'real port'),
    active: attrs.u32(IPVS_DEST_ATTR_ACTIVE_CONNS, 'active connections'),
    inactive: attrs.u32(IPVS_DEST_ATTR_INACT_CONNS, 'inactive connections'),
    persistent: attrs.u32(IPVS_DEST_ATTR_PERSIST_CONNS, 'persistent connections'),
  };
}

/** What a service of an IPVS_CMD_ATTR_SERVICE has carried, without its destinations. @throws As `readService`. */
export function readServiceTraffic(nest: Attr): Omit<ServiceTraffic, 'destinations'> {
  const attrs = index.fill(nest);
  const isWide = attrs.has(IPVS_SVC_ATTR_STATS64);
  const stats = statistics.fill(
    attrs.attr(isWide ? IPVS_SVC_ATTR_STATS64 : IPVS_SVC_ATTR_STATS, 'statistics'),
  );
  return {
    service: readServiceId(attrs),
    totals: readCounts(stats, IPVS_STATS_ATTR_CONNS, isWide),
    perSecond: readCounts(stats, IPVS_STATS_ATTR_CPS, isWide),
  };
}

/** Five counters from `first` on. The totals of bytes have 64 bits in any case. */
function readCounts(stats: AttrIndex, first: number, isWide: boolean): TrafficCounts {
  const count = (offset: number, isWideAnyway = false): number =>
    isWide || isWideAnyway ? stats.u64(first + offset, 'counter') : stats.u32(first + offset, 'counter');
  const isTotal = first === IPVS_STATS_ATTR_CONNS;
  return {
    connections: count(0),
    packetsIn: count(1),
    packetsOut: count(2),
    bytesIn: count(3, isTotal),
    bytesOut: count(4, isTotal),
  };
}

function readRealAddress(attrs: AttrIndex, serviceFamily: Family): Address {
  const family = attrs.has(IPVS_DEST_ATTR_ADDR_FAMILY)
    ? familyOf(attrs.u16(IPVS_DEST_ATTR_ADDR_FAMILY, 'family'))
    : serviceFamily;
  return attrs.address16(IPVS_DEST_ATTR_ADDR, 'real address', family);
}

function readTunnel(attrs: AttrIndex): DestinationTunnel {
  const type = attrs.has(IPVS_DEST_ATTR_TUN_TYPE) ? attrs.u8(IPVS_DEST_ATTR_TUN_TYPE, '') : 0;
  const port = attrs.has(IPVS_DEST_ATTR_TUN_PORT) ? attrs.u16Be(IPVS_DEST_ATTR_TUN_PORT, '') : 0;
  const flags = attrs.has(IPVS_DEST_ATTR_TUN_FLAGS) ? attrs.u16(IPVS_DEST_ATTR_TUN_FLAGS, '') : 0;
  if (type === 0 && port === 0 && flags === 0) return IPIP;
  return {
    type: TUNNEL_TYPE_NAMES[type] ?? `type-${type}`,
    port,
    flags: TUNNEL_FLAGS_NAMES[flags] ?? `flags-${flags}`,
  };
}

function readServiceId(attrs: AttrIndex): ServiceId {
  const family = familyOf(attrs.u16(IPVS_SVC_ATTR_AF, 'service family'));
  const fwmark = attrs.has(IPVS_SVC_ATTR_FWMARK) ? attrs.u32(IPVS_SVC_ATTR_FWMARK, '') : 0;
  if (fwmark > 0) return { protocol: 'fwmark', address: unspecifiedAddress(family), port: 0, fwmark };
  const number = attrs.u16(IPVS_SVC_ATTR_PROTOCOL, 'protocol');
  const address = attrs.address16(IPVS_SVC_ATTR_ADDR, 'service address', family);
  const port = attrs.u16Be(IPVS_SVC_ATTR_PORT, 'service port');
  return { protocol: PROTOCOL_NAMES.get(number) ?? `ip-${number}`, address, port, fwmark: 0 };
}

function readPrefix(attrs: AttrIndex, family: Family): number {
  const name = 'service netmask';
  return family === 4
    ? prefixOfMask(attrs.u32Be(IPVS_SVC_ATTR_NETMASK, name))
    : attrs.u32(IPVS_SVC_ATTR_NETMASK, name);
}

function familyOf(number: number): Family {
  if (number === AF_INET) return 4;
  if (number === AF_INET6) return 6;
  throw new KernelProtocolError(`address family ${number} is neither IPv4 nor IPv6`);
}

/** 24 for 0xffffff00; -1 where the ones are not in a row from the left. */
function prefixOfMask(mask: number): number {
  const zeros = ~mask >>> 0;
  return (zeros & (zeros + 1)) === 0 ? Math.clz32(zeros) : -1;
}
