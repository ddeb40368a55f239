/**
 * Writes netlink attributes (linux/netlink.h, struct nlattr): u16 length with header, u16 type, value, padding to 4 bytes.
 *
 * Integers are in host order unless the method says `Be`.
 *
 * @module
 */
import { endianness } from 'node:os';
import { type Address, ipv4Number } from '@surealived/shared/address';

export const LITTLE = endianness() === 'LE';
export const ATTR_HEADER_BYTES = 4;
const NLA_F_NESTED = 0x8000;
const MAX_ATTR_BYTES = 0xffff;
const FIRST_CAPACITY_BYTES = 4096;

/** `size` with the padding that makes it a multiple of 4 (NLA_ALIGN, NLMSG_ALIGN). */
export function align4(size: number): number {
  return (size + 3) & ~3;
}

/** The bytes are there: whoever asks has checked it. */
export function readU16(bytes: Buffer, at: number): number {
  const low = LITTLE ? at : at + 1;
  const high = LITTLE ? at + 1 : at;
  return (bytes[low] as number) | ((bytes[high] as number) << 8);
}

export function readU32(bytes: Buffer, at: number): number {
  return LITTLE ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
}

export function writeU16(bytes: Buffer, value: number, at: number): void {
  if (LITTLE) bytes.writeUInt16LE(value, at);
  else bytes.writeUInt16BE(value, at);
}

export function writeU32(bytes: Buffer, value: number, at: number): void {
  if (LITTLE) bytes.writeUInt32LE(value, at);
  else bytes.writeUInt32BE(value, at);
}

/**
 * Builds runs of attributes, and what stands between them, in one buffer that can be used again.
 *
 * Attributes begin at multiples of 4, so that headers and integers are written as whole words: a table has a hundred
 * thousand of them. Values out of range throw a RangeError: the caller has checked them.
 */
export class AttrWriter {
  #buffer = Buffer.from(new ArrayBuffer(FIRST_CAPACITY_BYTES));
  #words = wordsOf(this.#buffer);
  #length = 0;

  /** Where the next byte goes. */
  get length(): number {
    return this.#length;
  }

  /** The bytes so far: a view that holds until the next write or `reset`. */
  get written(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Begins anew, in the same buffer. */
  reset(): void {
    this.#words.fill(0, 0, this.#length >> 2);
    this.#length = 0;
  }

  /** Appends zeroed bytes, for a header to be filled in later. `size` is a multiple of 4. */
  skip(size: number): this {
    this.#extend(size);
    return this;
  }

  /** Overwrites 4 bytes at `at`, a multiple of 4, with an integer in host order. */
  word(at: number, value: number): void {
    this.#words[at >> 2] = value;
  }

  bytes(type: number, value: Uint8Array): this {
    const at = this.#open(type, value.length);
    this.#buffer.set(value, at);
    return this;
  }

  /** An IP address in the 16 bytes of `union nf_inet_addr`; IPv4 leaves the last 12 zero. */
  address16(type: number, address: Address): this {
    const at = this.#open(type, 16);
    if (address.family === 4) this.#words[at >> 2] = bigEndian32(ipv4Number(address));
    else this.#buffer.set(address.bytes, at);
    return this;
  }

  u8(type: number, value: number): this {
    return this.#integer(type, 1, bytePair(value, 0), value, 0xff);
  }

  u16(type: number, value: number): this {
    return this.#integer(type, 2, hostPair(value, 0), value, 0xffff);
  }

  u16Be(type: number, value: number): this {
    return this.#integer(type, 2, bytePair(value >> 8, value & 0xff), value, 0xffff);
  }

  u32(type: number, value: number): this {
    return this.#integer(type, 4, value, value, 0xffffffff);
  }

  u32Be(type: number, value: number): this {
    return this.#integer(type, 4, bigEndian32(value), value, 0xffffffff);
  }

  /** NUL-terminated text. */
  cstring(type: number, value: string): this {
    const at = this.#open(type, Buffer.byteLength(value) + 1);
    this.#buffer.write(value, at);
    return this;
  }

  nested(type: number, fill: (inner: this) => void): this {
    const start = this.openNest(type);
    fill(this);
    return this.closeNest(start);
  }

  /** Begins a nest; returns what `closeNest` is to be given. */
  openNest(type: number): number {
    return this.#open(type | NLA_F_NESTED, 0) - ATTR_HEADER_BYTES;
  }

  closeNest(start: number): this {
    const length = this.#length - start;
    if (length > MAX_ATTR_BYTES) throw new RangeError(`nested attribute: ${length} bytes`);
    writeU16(this.#buffer, length, start);
    return this;
  }

  /** Appends an attribute of up to 4 bytes: `word` is what stands in memory, `value` what is checked. */
  #integer(type: number, size: number, word: number, value: number, max: number): this {
    if (!(value >= 0 && value <= max))
      throw new RangeError(`attribute ${type}: ${value} is not in 0..${max}`);
    const at = this.#extend(ATTR_HEADER_BYTES + 4) >> 2;
    this.#words[at] = hostPair(ATTR_HEADER_BYTES + size, type);
    this.#words[at + 1] = word;
    return this;
  }

  /** Appends a header and zeroed room for the value; returns where the value goes. It may replace the buffer. */
  #open(type: number, valueBytes: number): number {
    const length = ATTR_HEADER_BYTES + valueBytes;
    if (length > MAX_ATTR_BYTES) throw new RangeError(`attribute ${type}: ${length} bytes`);
    const start = this.#extend(align4(length));
    this.#words[start >> 2] = hostPair(length, type);
    return start + ATTR_HEADER_BYTES;
  }

  #extend(size: number): number {
    const start = this.#length;
    this.#length += size;
    if (this.#length > this.#buffer.length) this.#grow();
    return start;
  }

  #grow(): void {
    const larger = Buffer.from(new ArrayBuffer(Math.max(this.#buffer.length * 2, align4(this.#length))));
    this.#buffer.copy(larger);
    this.#buffer = larger;
    this.#words = wordsOf(larger);
  }
}

function wordsOf({ buffer, byteLength }: Buffer): Uint32Array {
  return new Uint32Array(buffer, 0, byteLength >> 2);
}

/** The word that begins in memory with two bytes. */
export function bytePair(first: number, second: number): number {
  return LITTLE ? first | (second << 8) : (first << 24) | (second << 16);
}

/** The word that stands in memory as two 16-bit integers in host order. */
export function hostPair(first: number, second: number): number {
  return LITTLE ? first | (second << 16) : (first << 16) | second;
}

/** The word that stands in memory as `value` in network order. */
function bigEndian32(value: number): number {
  if (!LITTLE) return value;
  return (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
}
