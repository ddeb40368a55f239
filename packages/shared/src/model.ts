/**
 * The words that both daemons and their files share.
 *
 * @module
 */
import { type Address, bracketed, formatEndpoint } from './address.js';

/** How a virtual is named: by address and port of one transport, or by a firewall mark. */
export const PROTOCOLS = ['tcp', 'udp', 'fwmark'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** IPVS forwarding methods: direct routing, masquerading (NAT), tunnelling. */
export const FORWARDING_METHODS = ['dr', 'masq', 'tun'] as const;
export type ForwardingMethod = (typeof FORWARDING_METHODS)[number];

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
/** IP_VS_SCHEDNAME_MAXLEN of linux/ip_vs.h, less its NUL. */
export const SCHEDULER_NAME = /^[A-Za-z0-9_-]{1,15}$/;

/** The schedulers that come with Linux 6. */
export const SCHEDULERS: readonly string[] = 'rr wrr lc wlc lblc lblcr dh sh sed nq fo ovf mh twos'.split(
  ' ',
);

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

const PROTOCOL_NUMBERS: Record<Protocol, number> = { tcp: 0, udp: 1, fwmark: 2 };

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

/** Whether `value` is one of `values`, narrowing its type. */
export function isOneOf<T extends string>(values: readonly T[], value: string): value is T {
  return (values as readonly string[]).includes(value);
}
