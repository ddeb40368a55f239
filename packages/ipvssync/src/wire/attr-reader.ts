/**
 * Reads netlink attributes, whose layout is in `attr.ts`.
 *
 * @module
 */
import { type Address, addressFromBytes, type Family } from '@surealived/shared/address';
import { ATTR_HEADER_BYTES, align4, LITTLE, readU16, readU32 } from './attr.js';
import { KernelProtocolError } from './errors.js';

/** Without NLA_F_NESTED and NLA_F_NET_BYTEORDER. */
const NLA_TYPE_MASK = 0x3fff;
/** Types above it are newer than this program. */
const MAX_INDEXED_TYPE = 31;

/** Where the bytes of a 16-bit integer are. */
const [LOW, HIGH] = LITTLE ? ([0, 1] as const) : ([1, 0] as const);

/** One attribute as received, a view on the message. Typed reads check the exact length. */
export class Attr {
  readonly type: number;
  readonly data: Buffer;
  readonly start: number;
  readonly end: number;

  /** The value is `data[start..end)`. */
  constructor(type: number, data: Buffer, start: number, end: number) {
    this.type = type;
    this.data = data;
    this.start = start;
    this.end = end;
  }

  get value(): Buffer {
    return this.data.subarray(this.start, this.end);
  }

  /** One that stays when what was received is gone. */
  copy(): Attr {
    const value = Buffer.from(this.value);
    return new Attr(this.type, value, 0, value.length);
  }

  u8(): number {
    return this.data.readUInt8(this.#exactly(1));
  }

  u16(): number {
    return readU16(this.data, this.#exactly(2));
  }

  u16Be(): number {
    return this.data.readUInt16BE(this.#exactly(2));
  }

  u32(): number {
    return readU32(this.data, this.#exactly(4));
  }

  u32Be(): number {
    return this.data.readUInt32BE(this.#exactly(4));
  }

  /** Text up to the first NUL, or to the end. */
  cstring(): string {
    const end = this.data.indexOf(0, this.start);
    return this.data.toString('utf8', this.start, end < 0 || end > this.end ? this.end : end);
  }

  /** The value, which must have `count` bytes. */
  bytes(count: number): Buffer {
    this.#exactly(count);
    return this.value;
  }

  nested(): Generator<Attr, void, undefined> {
    return readAttrs(this.value);
  }

  /** Where the value begins, which must have `count` bytes. */
  #exactly(count: number): number {
    return this.end - this.start === count
      ? this.start
      : refuseLength(this.type, count, this.end - this.start);
  }
}

/**
 * The attributes of a nest by their type, for nests of which there are thousands: it is filled again for each, and makes
 * no object for an attribute. Unknown types are skipped, and of equal ones the last counts.
 *
 * Reads name what is missing with `name`, and check the exact length.
 */
export class AttrIndex {
  readonly #starts = new Int32Array(MAX_INDEXED_TYPE + 1);
  readonly #ends = new Int32Array(MAX_INDEXED_TYPE + 1);
  #data: Buffer = Buffer.alloc(0);

  /** @throws KernelProtocolError as `readAttrs`. */
  fill({ data, start, end }: Attr): this {
    const [starts, ends] = [this.#starts, this.#ends];
    this.#data = data;
    starts.fill(-1);
    // as readAttrs, but without a call for each attribute: there are a hundred thousand of them in a large table
    for (let at = start; at < end; ) {
      const length = (data[at + LOW] as number) | ((data[at + HIGH] as number) << 8);
      if (length < ATTR_HEADER_BYTES || length > end - at) attrLength(data, at, end);
      const type = ((data[at + 2 + LOW] as number) | ((data[at + 2 + HIGH] as number) << 8)) & NLA_TYPE_MASK;
      if (type <= MAX_INDEXED_TYPE) {
        starts[type] = at + ATTR_HEADER_BYTES;
        ends[type] = at + length;
      }
      at += (length + 3) & ~3;
    }
    return this;
  }

  has(type: number): boolean {
    return (this.#starts[type] as number) >= 0;
  }

  u8(type: number, name: string): number {
    return this.#data[this.#exactly(type, name, 1)] as number;
  }

  u16(type: number, name: string): number {
    return readU16(this.#data, this.#exactly(type, name, 2));
  }

  u16Be(type: number, name: string): number {
    const at = this.#exactly(type, name, 2);
    return ((this.#data[at] as number) << 8) | (this.#data[at + 1] as number);
  }

  u32(type: number, name: string): number {
    return readU32(this.#data, this.#exactly(type, name, 4));
  }

  u32Be(type: number, name: string): number {
    return this.#data.readUInt32BE(this.#exactly(type, name, 4));
  }

  /** Above 2^53 it is rounded. */
  u64(type: number, name: string): number {
    const at = this.#exactly(type, name, 8);
    return Number(LITTLE ? this.#data.readBigUInt64LE(at) : this.#data.readBigUInt64BE(at));
  }

  /** The attribute itself, to be read otherwise. */
  attr(type: number, name: string): Attr {
    return new Attr(type, this.#data, this.#start(type, name), this.#ends[type] as number);
  }

  /** As of `Attr`. */
  cstring(type: number, name: string): string {
    return this.attr(type, name).cstring();
  }

  /** The address in the 16 bytes of `union nf_inet_addr`. */
  address16(type: number, name: string, family: Family): Address {
    return addressFromBytes(family, this.#data, this.#exactly(type, name, 16));
  }

  /** The first 4 of `count` bytes, in host order. */
  firstU32(type: number, name: string, count: number): number {
    return readU32(this.#data, this.#exactly(type, name, count));
  }

  #start(type: number, name: string): number {
    const start = this.#starts[type] as number;
    if (start < 0) throw new KernelProtocolError(`${name} (attribute ${type}) is missing`);
    return start;
  }

  #exactly(type: number, name: string, count: number): number {
    const start = this.#starts[type] as number;
    const length = (this.#ends[type] as number) - start;
    if (start >= 0 && length === count) return start;
    this.#start(type, name);
    return refuseLength(type, count, length);
  }
}

/**
 * Walks a run of attributes lazily. Unknown types are the caller's to skip; a bad length is fatal.
 *
 * @throws KernelProtocolError for an attribute that is shorter than its header or longer than the data.
 */
export function* readAttrs(data: Buffer): Generator<Attr, void, undefined> {
  for (let at = 0; at < data.length; ) {
    const length = attrLength(data, at, data.length);
    yield new Attr(readU16(data, at + 2) & NLA_TYPE_MASK, data, at + ATTR_HEADER_BYTES, at + length);
    at += align4(length);
  }
}

/** The first attribute of a type in the run `data[start..end)`. @throws KernelProtocolError as `readAttrs`. */
export function findAttr(data: Buffer, start: number, end: number, wanted: number): Attr | undefined {
  for (let at = start; at < end; ) {
    const length = attrLength(data, at, end);
    const type = readU16(data, at + 2) & NLA_TYPE_MASK;
    if (type === wanted) return new Attr(type, data, at + ATTR_HEADER_BYTES, at + length);
    at += align4(length);
  }
  return undefined;
}

/** The length of the attribute at `at`, header and all, which ends at `end` at the latest. */
function attrLength(data: Buffer, at: number, end: number): number {
  const left = end - at;
  if (left < ATTR_HEADER_BYTES)
    throw new KernelProtocolError(`${left} bytes are left where an attribute should begin`);
  const length = readU16(data, at);
  if (length >= ATTR_HEADER_BYTES && length <= left) return length;
  const type = readU16(data, at + 2) & NLA_TYPE_MASK;
  throw new KernelProtocolError(`attribute ${type}: length ${length} of ${left} bytes`);
}

function refuseLength(type: number, expected: number, got: number): never {
  throw new KernelProtocolError(`attribute ${type}: expected ${expected} bytes, got ${got}`);
}
