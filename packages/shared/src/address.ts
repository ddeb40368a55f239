import { isIPv4, isIPv6 } from 'node:net';

export type Family = 4 | 6;

/** An IP address, parsed once. `text` is canonical (RFC 5952 for IPv6), so equal addresses have equal texts. */
export interface Address {
  readonly family: Family;
  /** 4 or 16 bytes in network order; a fresh array at each access. */
  readonly bytes: Uint8Array;
  readonly text: string;
}

/** Makes the bytes when asked for: most addresses are compared and printed only, and a table has thousands. */
class CanonicalAddress implements Address {
  readonly family: Family;
  readonly text: string;

  constructor(family: Family, text: string) {
    this.family = family;
    this.text = text;
  }

  get bytes(): Uint8Array {
    return this.family === 4 ? ipv4Bytes(this.text) : ipv6Bytes(this.text);
  }
}

/** Parses dotted-decimal IPv4 or any RFC 4291 form of IPv6 (no zone, no brackets); `undefined` for anything else. */
export function parseAddress(text: string): Address | undefined {
  if (isIPv4(text)) return new CanonicalAddress(4, text); // it knows no leading zeros: there is one text per address
  if (isIPv6(text) && !text.includes('%')) return new CanonicalAddress(6, ipv6Text(ipv6Bytes(text)));
  return undefined;
}

/**
 * Makes an address of its network-order bytes.
 *
 * @param bytes At least 4 (IPv4) or 16 (IPv6) bytes from `start`; what follows is ignored, as the kernel pads IPv4 to 16.
 */
export function addressFromBytes(family: Family, bytes: Uint8Array, start = 0): Address {
  const text =
    family === 4
      ? `${bytes[start]}.${bytes[start + 1]}.${bytes[start + 2]}.${bytes[start + 3]}`
      : ipv6Text(bytes.subarray(start, start + 16));
  return new CanonicalAddress(family, text);
}

/** The address that means "any" in a family: 0.0.0.0 or ::. */
export function unspecifiedAddress(family: Family): Address {
  return addressFromBytes(family, new Uint8Array(16));
}

/** 0.0.0.0 or ::. */
export function isUnspecified({ bytes }: Address): boolean {
  return bytes.every((byte) => byte === 0);
}

/** fe80::/10: it says nothing without an interface. */
export function isLinkLocal({ family, bytes: [first = 0, second = 0] }: Address): boolean {
  return family === 6 && first === 0xfe && (second & 0xc0) === 0x80;
}

export function isMulticast({ family, bytes }: Address): boolean {
  const first = bytes[0] ?? 0;
  return family === 4 ? first >= 224 && first <= 239 : first === 0xff;
}

/** `10.0.0.1:80` or `[2001:db8::1]:80`. */
export function formatEndpoint(address: Address, port: number): string {
  return `${bracketed(address)}:${port}`;
}

/** The address as it stands in colon-separated text: IPv6 in brackets. */
export function bracketed({ family, text }: Address): string {
  return family === 4 ? text : `[${text}]`;
}

/** The four bytes of an IPv4 address as one number: 0x0a000001 for 10.0.0.1. */
export function ipv4Number({ text }: Pick<Address, 'text'>): number {
  let value = 0;
  let octet = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit >= 0) octet = octet * 10 + digit;
    else {
      value = (value << 8) | octet;
      octet = 0;
    }
  }
  return ((value << 8) | octet) >>> 0;
}

/** The address with the first `prefix` bits set: 255.255.255.0 for 24. */
export function ipv4Mask(prefix: number): Address {
  const bits = prefix === 0 ? 0 : -1 << (32 - prefix);
  return addressFromBytes(4, Uint8Array.of(bits >>> 24, bits >>> 16, bits >>> 8, bits));
}

/** 24 for 255.255.255.0; `undefined` where the ones are not in a row from the left. */
export function ipv4Prefix(mask: Address): number | undefined {
  const prefix = Array.from({ length: 33 }, (_, bits) => ipv4Mask(bits).text).indexOf(mask.text);
  return prefix < 0 ? undefined : prefix;
}

function ipv4Bytes(text: string): Uint8Array {
  const value = ipv4Number({ text });
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

function ipv6Bytes(text: string): Uint8Array {
  const [head = '', tail] = text.split('::');
  const front = groupBytes(head);
  const back = groupBytes(tail ?? '');
  const bytes = new Uint8Array(16);
  bytes.set(front, 0);
  bytes.set(back, 16 - back.length);
  return bytes;
}

/** Bytes of colon-separated groups, the last of which may be an embedded IPv4 address. */
function groupBytes(groups: string): number[] {
  if (groups === '') return [];
  return groups.split(':').flatMap((group) => {
    if (group.includes('.')) return [...ipv4Bytes(group)];
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

function ipv6Text(bytes: Uint8Array): string {
  if (isIpv4Mapped(bytes)) return `::ffff:${bytes.subarray(12).join('.')}`;
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
  const { start, length } = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  if (length < 2) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}

function isIpv4Mapped(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
}

/** The first of the longest runs, as RFC 5952 section 4.2.3 wants it. */
function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}
