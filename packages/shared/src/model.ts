/**
 * The words that both daemons and their files share.
 *
 * @module
 */
import { type Address, bracketed, formatEndpoint } from './address.js';

/** How a virtual is named: by address and port of one transport, or by a firewall mark. */
export const PROTOCOLS = ['tcp', 'udp', 'fwmark', 'sctp'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** IPVS forwarding methods: direct routing, masquerading (NAT), tunnelling. */
export const FORWARDING_METHODS = ['dr', 'masq', 'tun'] as const;
export type ForwardingMethod = (typeof FORWARDING_METHODS)[number];

/** How a tunnel wraps packets: in IP, or in UDP or GRE, which carry a checksum if told so. */
export const TUNNEL_TYPES = ['ipip', 'gue', 'gre'] as const;
export type TunnelType = (typeof TUNNEL_TYPES)[number];

/** No checksum, one, or the inner one left to the other end (remote checksum offload). */
export const TUNNEL_FLAGS = ['nocsum', 'csum', 'remcsum'] as const;
export type TunnelFlags = (typeof TUNNEL_FLAGS)[number];

/** The tunnel to a real; `IPIP` where it is not reached by one. */
export interface Tunnel {
  readonly type: TunnelType;
  /** UDP port of gue, otherwise 0. */
  readonly port: number;
  readonly flags: TunnelFlags;
}

export const IPIP: Tunnel = { type: 'ipip', port: 0, flags: 'nocsum' };

/** What the operator wants of a real: tests decide; weight 0; out of IPVS. */
export const ADMIN_STATES = ['ONLINE', 'OFFLINE', 'DOWN'] as const;
export type AdminState = (typeof ADMIN_STATES)[number];

/** Longest name of a virtual or real, in bytes of UTF-8. */
export const MAX_NAME_BYTES = 127;
/** Highest weight that ipvsadm and the kernel's schedulers take. */
export const MAX_WEIGHT = 65535;
export const MAX_PORT = 65535;
/** Connection thresholds and firewall marks are 32 bits; ours stay within a signed integer, as ipvsadm's do. */
export const MAX_THRESHOLD = 0x7fffffff;
export const MAX_FWMARK = 0xffffffff;
export const MAX_PERSISTENCE_SEC = 31 * 24 * 3600;
export const MAX_DRAIN_TIMEOUT_SEC = 24 * 3600;
/** IP_VS_SCHEDNAME_MAXLEN of linux/ip_vs.h, less its NUL. */
export const SCHEDULER_NAME = /^[A-Za-z0-9_-]{1,15}$/;

/** The schedulers that come with Linux 6. */
export const SCHEDULERS: readonly string[] = 'rr wrr lc wlc lblc lblcr dh sh sed nq fo ovf mh twos'.split(
  ' ',
);

/** Flags of schedulers, each list in the order of the kernel's bits: IP_VS_SVC_F_SCHED1, then SCHED2. */
export const SCHEDULER_FLAGS: ReadonlyMap<string, readonly string[]> = new Map([
  ['sh', ['sh-fallback', 'sh-port']],
  ['mh', ['mh-fallback', 'mh-port']],
]);

/** The persistence engines that come with Linux 6. */
export const PERSISTENCE_ENGINES: readonly string[] = ['sip'];

/**
 * What makes a virtual the same virtual. With protocol `fwmark`, `address` is 0.0.0.0 or :: (it tells the family)
 * and `port` is 0; otherwise `fwmark` is 0.
 */
export interface VirtualId {
  readonly protocol: Protocol;
  readonly address: Address;
  /** 0..65535. */
  readonly port: number;
  /** 0 unless the protocol is `fwmark`. */
  readonly fwmark: number;
}

export interface RealId {
  readonly address: Address;
  /** 0..65535. */
  readonly port: number;
}

/** Of dump files alone: the original has the first three. */
const PROTOCOL_NUMBERS: Record<Protocol, number> = { tcp: 0, udp: 1, fwmark: 2, sctp: 3 };

/** `addr:port:protonumber:fwmark`, the key of a virtual in dump files (spec section 6). */
export function virtualKey({ address, port, protocol, fwmark }: VirtualId): string {
  return `${bracketed(address)}:${port}:${PROTOCOL_NUMBERS[protocol]}:${fwmark}`;
}

/** `addr:port`, unique within a virtual. */
export function realKey({ address, port }: RealId): string {
  return formatEndpoint(address, port);
}

/** The virtual as an operator would name it: `tcp 10.0.0.1:80` or `fwmark 7` (with ` IPv6`). */
export function describeVirtualId({ protocol, address, port, fwmark }: VirtualId): string {
  if (protocol === 'fwmark') return `fwmark ${fwmark}${address.family === 6 ? ' IPv6' : ''}`;
  return `${protocol} ${formatEndpoint(address, port)}`;
}

/** Bits of a whole address: the persistence prefix that tells every client apart. */
export function fullPrefix({ family }: Address): number {
  return family === 4 ? 32 : 128;
}

/**
 * The port on which a real gets its traffic, and which it has in IPVS. dr and tun leave packets as they are, so that
 * it is the virtual's; the kernel would take any, `ipvsadm` writes the virtual's too. A firewall mark has no port.
 */
export function arrivalPort(
  { protocol, port }: Pick<VirtualId, 'protocol' | 'port'>,
  real: { readonly port: number; readonly forwarding: ForwardingMethod },
): number {
  return protocol === 'fwmark' || real.forwarding === 'masq' ? real.port : port;
}

/** What does not go together in a tunnel, as `ipvsadm` sees it: the part that is wrong, and why. */
export function findTunnelFault({
  type,
  port,
  flags,
}: Tunnel): { readonly part: 'port' | 'flags'; readonly reason: string } | undefined {
  if (type === 'gue' && port === 0) return { part: 'port', reason: 'a gue tunnel needs a UDP port' };
  if (type !== 'gue' && port !== 0) return { part: 'port', reason: `only with gue, not with ${type}` };
  if (type === 'ipip' && flags !== 'nocsum')
    return { part: 'flags', reason: `only with gue or gre, got "${flags}" with ipip` };
  if (type === 'gre' && flags === 'remcsum') return { part: 'flags', reason: '"remcsum" only with gue' };
  return undefined;
}

/** Whether `value` is one of `values`, narrowing its type. */
export function isOneOf<T extends string>(values: readonly T[], value: string): value is T {
  return (values as readonly string[]).includes(value);
}
