import { isIPv4, isIPv6 } from 'node:net';

export type Family = 4 | 6;

/** An IP address, parsed once. `text` is canonical (RFC 5952 for IPv6), so equal addresses have equal texts. */
export interface Address {
  readonly family: Family;
  /** 4 or 16 bytes in network order. */
  readonly bytes: Uint8Array;
  readonly text: string;
}

/** Parses dotted-decimal IPv4 or any RFC 4291 form of IPv6 (no zone, no brackets); `undefined` for anything else. */
export function parseAddress(text: string): Address | undefined {
  if (isIPv4(text)) return addressFromBytes(4, ipv4Bytes(text));
  if (isIPv6(text) && !text.includes('%')) return addressFromBytes(6, ipv6Bytes(text));
  return undefined;
}

/**
 * Makes an address of its network-order bytes.
 *
 * @param bytes At least 4 (IPv4) or 16 (IPv6) bytes; what follows is ignored, as the kernel pads IPv4 to 16.
 */
export function addressFromBytes(family: Family, bytes: Uint8Array): Address {
  const own = Uint8Array.from(bytes.subarray(0, family === 4 ? 4 : 16));
  return { family, bytes: own, text: family === 4 ? own.join('.') : ipv6Text(own) };
}

/** The address that means "any" in a family: 0.0.0.0 or ::. */
export function unspecifiedAddress(family: Family): Address {
  return addressFromBytes(family, new Uint8Array(16));
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

function ipv4Bytes(text: string): Uint8Array {
  return Uint8Array.from(text.split('.'), Number);
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
