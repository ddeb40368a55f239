/**
 * IPVS's timeouts and sync daemons over generic netlink (linux/ip_vs.h).
 *
 * Quirks: the timeouts are attributes of the message itself, in seconds, and 0 changes nothing; the port of a daemon is
 * in host order, unlike those of services; an IPv4 group has 4 bytes, with an attribute of its own for IPv6.
 *
 * @module
 */
import { addressFromBytes } from '@surealived/shared/address';
import type { SettingsChange, SyncDaemon, SyncState, Timeouts } from '../ipvs/settings.js';
import type { Attr } from './attr-reader.js';
import { KernelProtocolError } from './errors.js';
import { type GenlRequest, genlAttributes, type NetlinkMessage } from './genl.js';
import { IPVS_GENL_VERSION } from './ipvs.js';

const IPVS_CMD_NEW_DAEMON = 9;
const IPVS_CMD_DEL_DAEMON = 10;
const IPVS_CMD_GET_DAEMON = 11;
const IPVS_CMD_SET_CONFIG = 12;
const IPVS_CMD_GET_CONFIG = 13;

export const IPVS_CMD_ATTR_DAEMON = 3;
const IPVS_CMD_ATTR_TIMEOUT_TCP = 4;
const IPVS_CMD_ATTR_TIMEOUT_TCP_FIN = 5;
const IPVS_CMD_ATTR_TIMEOUT_UDP = 6;

const IPVS_DAEMON_ATTR_STATE = 1;
const IPVS_DAEMON_ATTR_MCAST_IFN = 2;
const IPVS_DAEMON_ATTR_SYNC_ID = 3;
const IPVS_DAEMON_ATTR_SYNC_MAXLEN = 4;
const IPVS_DAEMON_ATTR_MCAST_GROUP = 5;
const IPVS_DAEMON_ATTR_MCAST_GROUP6 = 6;
const IPVS_DAEMON_ATTR_MCAST_PORT = 7;
const IPVS_DAEMON_ATTR_MCAST_TTL = 8;

/** IP_VS_STATE_MASTER, IP_VS_STATE_BACKUP. */
const STATE_NUMBERS: Readonly<Record<SyncState, number>> = { master: 1, backup: 2 };

const IPV4_BYTES = 4;
const IPV6_BYTES = 16;

/** The request that carries out a change. */
export function settingsRequest(family: number, change: SettingsChange): GenlRequest {
  switch (change.kind) {
    case 'setTimeouts':
      return request(family, IPVS_CMD_SET_CONFIG, (attributes) => {
        attributes.u32(IPVS_CMD_ATTR_TIMEOUT_TCP, change.timeouts.tcpSec);
        attributes.u32(IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, change.timeouts.tcpFinSec);
        attributes.u32(IPVS_CMD_ATTR_TIMEOUT_UDP, change.timeouts.udpSec);
      });
    case 'startDaemon':
      return request(family, IPVS_CMD_NEW_DAEMON, daemonNest(change.daemon));
    case 'stopDaemon':
      return request(family, IPVS_CMD_DEL_DAEMON, (attributes) =>
        attributes.nested(IPVS_CMD_ATTR_DAEMON, (nest) =>
          nest.u32(IPVS_DAEMON_ATTR_STATE, STATE_NUMBERS[change.daemon.state]),
        ),
      );
  }
}

/** IPVS_CMD_GET_CONFIG: answered with one message of timeouts. */
export function timeoutsRequest(family: number): GenlRequest {
  return request(family, IPVS_CMD_GET_CONFIG);
}

/** IPVS_CMD_GET_DAEMON, to be sent as a dump of those that run. */
export function daemonsRequest(family: number): GenlRequest {
  return request(family, IPVS_CMD_GET_DAEMON);
}

/** The answer to `timeoutsRequest`; 0 for a protocol that the kernel was built without. */
export function readTimeouts(message: NetlinkMessage): Timeouts {
  const seconds: number[] = [];
  for (const attr of genlAttributes(message))
    if (attr.type >= IPVS_CMD_ATTR_TIMEOUT_TCP && attr.type <= IPVS_CMD_ATTR_TIMEOUT_UDP)
      seconds[attr.type] = attr.u32();
  return {
    tcpSec: seconds[IPVS_CMD_ATTR_TIMEOUT_TCP] ?? 0,
    tcpFinSec: seconds[IPVS_CMD_ATTR_TIMEOUT_TCP_FIN] ?? 0,
    udpSec: seconds[IPVS_CMD_ATTR_TIMEOUT_UDP] ?? 0,
  };
}

/** What a kernel before Linux 4.3 uses and does not tell. */
const DEFAULT_GROUP = addressFromBytes(4, Uint8Array.of(224, 0, 0, 81));
const DEFAULT_PORT = 8848;
const DEFAULT_TTL = 1;

/**
 * The daemon of an IPVS_CMD_ATTR_DAEMON.
 *
 * @throws KernelProtocolError where an attribute is missing or has a wrong length.
 */
export function readDaemon(nest: Attr): SyncDaemon {
  const attrs = new Map([...nest.nested()].map((attr) => [attr.type, attr]));
  const group4 = attrs.get(IPVS_DAEMON_ATTR_MCAST_GROUP);
  const group6 = attrs.get(IPVS_DAEMON_ATTR_MCAST_GROUP6);
  return {
    state: stateOf(required(attrs, IPVS_DAEMON_ATTR_STATE, 'state').u32()),
    device: required(attrs, IPVS_DAEMON_ATTR_MCAST_IFN, 'interface').cstring(),
    syncId: required(attrs, IPVS_DAEMON_ATTR_SYNC_ID, 'sync id').u32(),
    group: group6
      ? addressFromBytes(6, group6.bytes(IPV6_BYTES))
      : group4
        ? addressFromBytes(4, group4.bytes(IPV4_BYTES))
        : DEFAULT_GROUP,
    port: attrs.get(IPVS_DAEMON_ATTR_MCAST_PORT)?.u16() ?? DEFAULT_PORT,
    ttl: attrs.get(IPVS_DAEMON_ATTR_MCAST_TTL)?.bytes(1)[0] ?? DEFAULT_TTL,
    maxlenBytes: attrs.get(IPVS_DAEMON_ATTR_SYNC_MAXLEN)?.u16() ?? 0,
  };
}

/** The daemon as IPVS_CMD_ATTR_DAEMON; no largest message where the kernel is to choose. */
export function daemonNest(daemon: SyncDaemon): NonNullable<GenlRequest['fill']> {
  const { state, device, syncId, group, port, ttl, maxlenBytes } = daemon;
  return (attributes) =>
    attributes.nested(IPVS_CMD_ATTR_DAEMON, (nest) => {
      nest.u32(IPVS_DAEMON_ATTR_STATE, STATE_NUMBERS[state]);
      nest.cstring(IPVS_DAEMON_ATTR_MCAST_IFN, device);
      nest.u32(IPVS_DAEMON_ATTR_SYNC_ID, syncId);
      if (maxlenBytes > 0) nest.u16(IPVS_DAEMON_ATTR_SYNC_MAXLEN, maxlenBytes);
      const isIpv4 = group.family === 4;
      nest.bytes(isIpv4 ? IPVS_DAEMON_ATTR_MCAST_GROUP : IPVS_DAEMON_ATTR_MCAST_GROUP6, group.bytes);
      nest.u16(IPVS_DAEMON_ATTR_MCAST_PORT, port);
      nest.bytes(IPVS_DAEMON_ATTR_MCAST_TTL, Uint8Array.of(ttl));
    });
}

function request(family: number, command: number, fill?: GenlRequest['fill']): GenlRequest {
  return { family, command, version: IPVS_GENL_VERSION, ...(fill && { fill }) };
}

function required(attrs: ReadonlyMap<number, Attr>, type: number, name: string): Attr {
  const attr = attrs.get(type);
  if (!attr) throw new KernelProtocolError(`${name} of a sync daemon (attribute ${type}) is missing`);
  return attr;
}

function stateOf(number: number): SyncState {
  if (number === STATE_NUMBERS.master) return 'master';
  if (number === STATE_NUMBERS.backup) return 'backup';
  throw new KernelProtocolError(`state ${number} of a sync daemon is neither master nor backup`);
}
