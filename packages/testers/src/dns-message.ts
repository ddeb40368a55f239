/**
 * DNS messages (RFC 1035, section 4) as far as a tester needs them: one question out, one answer in.
 *
 * Reading never throws and is bounded by the length of the message: compression pointers lead backwards only, and a name
 * has at most 255 bytes. The text of names and of unknown data is that of RFC 1035, section 5.1, and RFC 3597: bytes
 * that are no printable ASCII, dots inside a label and backslashes are escaped.
 *
 * @module
 */
import { addressFromBytes } from '@surealived/shared/address';

/** Numbers of the types that can be asked for (RFC 1035, RFC 3596). */
export const DNS_TYPES = {
  A: 1,
  AAAA: 28,
  NS: 2,
  MX: 15,
  TXT: 16,
  CNAME: 5,
  PTR: 12,
  SOA: 6,
  ANY: 255,
} as const;
export type DnsType = keyof typeof DNS_TYPES;

export interface DnsQuestion {
  /** Without the final dot; the root is empty. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
}

/** A record of the answer section. */
export interface DnsRecord {
  readonly type: number;
  /**
   * An address (RFC 5952 for IPv6), a name without the final dot, `10 mail.example.org` for MX, the joined strings of TXT
   * read as UTF-8, `mname rname serial refresh retry expire minimum` for SOA, `\# length hex` for everything else.
   */
  readonly data: string;
}

/** The beginning of a message: all that tells whether it is for us. */
export interface DnsHeader {
  /** 0..65535. */
  readonly id: number;
  readonly isResponse: boolean;
  /** 0 for a standard query. */
  readonly opcode: number;
  /** More was to be said than fits into a datagram (TC). */
  readonly isTruncated: boolean;
  /** 0..15. */
  readonly rcode: number;
  /** Absent in some refusals, which repeat the header only. */
  readonly question: DnsQuestion | undefined;
  /** How many answers are announced, 0..65535; there may be fewer. */
  readonly answerCount: number;
  /** Where they begin. */
  readonly answersAt: number;
}

/** The answers of a message as far as they can be read. */
export interface DnsAnswers {
  /** Those before the fault, where there is one. */
  readonly records: readonly DnsRecord[];
  /** What ended the reading before the last of them. */
  readonly fault: string | undefined;
}

export const CLASS_IN = 1;
const HEADER_BYTES = 12;
const MAX_NAME_BYTES = 255;
/** Pointers that one name may follow: no name has more labels. */
const MAX_POINTERS = 127;
const FLAG_RESPONSE = 0x8000;
const FLAG_TRUNCATED = 0x0200;
const FLAG_RECURSION_DESIRED = 0x0100;
const TYPE_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(DNS_TYPES).map(([name, type]) => [type, name]),
);
/** RFC 6895, section 2.3. */
const RCODE_NAMES: readonly string[] = [
  'NOERROR',
  'FORMERR',
  'SERVFAIL',
  'NXDOMAIN',
  'NOTIMP',
  'REFUSED',
  'YXDOMAIN',
  'YXRRSET',
  'NXRRSET',
  'NOTAUTH',
  'NOTZONE',
];

/** `NXDOMAIN` for 3. */
export function rcodeName(rcode: number): string {
  return RCODE_NAMES[rcode] ?? `RCODE${rcode}`;
}

/** `AAAA` for 28, `TYPE65` for what has no name here (RFC 3597). */
export function typeName(type: number): string {
  return TYPE_NAMES.get(type) ?? `TYPE${type}`;
}

/**
 * A standard query that asks for recursion.
 *
 * @param id 0..65535.
 * @param question Its name has labels of 1 to 63 bytes, 253 bytes in all, without escapes; a final dot is allowed.
 * @throws RangeError for any other name.
 */
export function encodeQuery(id: number, question: DnsQuestion): Buffer {
  const qname = encodeName(question.name);
  const message = Buffer.alloc(HEADER_BYTES + qname.length + 4);
  message.writeUInt16BE(id, 0);
  message.writeUInt16BE(FLAG_RECURSION_DESIRED, 2);
  message.writeUInt16BE(1, 4); // one question
  message.set(qname, HEADER_BYTES);
  message.writeUInt16BE(question.type, HEADER_BYTES + qname.length);
  message.writeUInt16BE(question.class, HEADER_BYTES + qname.length + 2);
  return message;
}

/** The same message with another id, 0..65535. */
export function withId(message: Buffer, id: number): Buffer {
  const copy = Buffer.from(message);
  copy.writeUInt16BE(id, 0);
  return copy;
}

function encodeName(name: string): Buffer {
  const labels = stripFinalDot(name)
    .split('.')
    .map((label) => Buffer.from(label));
  if (name === '' || name === '.') return Buffer.alloc(1);
  const parts = labels.flatMap((label) => [Buffer.from([label.length]), label]);
  const bytes = Buffer.concat([...parts, Buffer.alloc(1)]);
  if (labels.every(({ length }) => length >= 1 && length <= 63) && bytes.length <= MAX_NAME_BYTES)
    return bytes;
  throw new RangeError(`not a name that DNS can carry: ${JSON.stringify(name)}`);
}

/** Names are equal without it. */
export function stripFinalDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name;
}

/**
 * Reads header and question.
 *
 * @returns `undefined` when there is no whole header, more than one question (RFC 9619), or one that cannot be read.
 */
export function decodeHeader(message: Buffer): DnsHeader | undefined {
  if (message.length < HEADER_BYTES) return undefined;
  const flags = message.readUInt16BE(2);
  const questions = message.readUInt16BE(4);
  const reader = new Reader(message, HEADER_BYTES);
  const question = questions === 1 ? readQuestion(reader) : undefined;
  if (questions > 1 || reader.fault !== undefined) return undefined;
  return {
    id: message.readUInt16BE(0),
    isResponse: (flags & FLAG_RESPONSE) !== 0,
    opcode: (flags >> 11) & 0xf,
    isTruncated: (flags & FLAG_TRUNCATED) !== 0,
    rcode: flags & 0xf,
    question,
    answerCount: message.readUInt16BE(6),
    answersAt: reader.at,
  };
}

/** Reads the answers; what follows them is not looked at. */
export function decodeAnswers(message: Buffer, { answerCount, answersAt }: DnsHeader): DnsAnswers {
  const reader = new Reader(message, answersAt);
  const records = reader.repeat(answerCount, readRecord);
  return { records, fault: reader.fault };
}

/** A cursor over a message. The first thing that cannot be read is kept as `fault`; from then on all reads are empty. */
class Reader {
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;
  fault: string | undefined;

  /** @param end Nothing is read from here on; names may point to anywhere before their own place. */
  constructor(bytes: Buffer, at: number, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
  }

  get at(): number {
    return this.#at;
  }

  get rest(): number {
    return this.fault === undefined ? this.#end - this.#at : 0;
  }

  /** Reads a number of things, or those before the fault. */
  repeat<T>(count: number, readOne: (reader: Reader) => T): readonly T[] {
    const all: T[] = [];
    while (all.length < count) {
      const one = readOne(this);
      if (this.fault !== undefined) break;
      all.push(one);
    }
    return all;
  }

  u8(): number {
    return this.skip(1) ? this.#bytes.readUInt8(this.#at - 1) : 0;
  }

  u16(): number {
    return this.skip(2) ? this.#bytes.readUInt16BE(this.#at - 2) : 0;
  }

  u32(): number {
    return this.skip(4) ? this.#bytes.readUInt32BE(this.#at - 4) : 0;
  }

  bytes(count: number): Buffer {
    return this.skip(count) ? this.#bytes.subarray(this.#at - count, this.#at) : Buffer.alloc(0);
  }

  /** Each byte a character. */
  latin1(count: number): string {
    return this.skip(count) ? this.#bytes.toString('latin1', this.#at - count, this.#at) : '';
  }

  /** A reader of the next bytes, which this one skips. */
  part(count: number): Reader {
    const part = new Reader(this.#bytes, this.#at, this.#at + count);
    if (!this.skip(count)) part.fault = this.fault;
    return part;
  }

  /** @returns Whether there are so many. */
  skip(count: number): boolean {
    if (this.fault === undefined && this.#at + count > this.#end) this.#fail('the message ends too early');
    if (this.fault !== undefined) return false;
    this.#at += count;
    return true;
  }

  /** A domain name, which may be compressed (RFC 1035, section 4.1.4). */
  name(): string {
    const labels: string[] = [];
    let reader: Reader = this;
    let nameBytes = 1;
    for (let pointers = 0; ; ) {
      const start = reader.#at;
      const length = reader.u8();
      if (length === 0 || reader.fault !== undefined) break;
      if (length < 64) {
        nameBytes += 1 + length;
        if (nameBytes > MAX_NAME_BYTES) reader.#fail('a name is too long');
        labels.push(escapeLabel(reader.latin1(length)));
      } else {
        const target = ((length & 0x3f) << 8) | reader.u8();
        const isSound = length >= 192 && target < start && ++pointers <= MAX_POINTERS;
        if (!isSound) reader.#fail('a name is compressed in a circle or in an unknown way');
        else if (reader.fault === undefined) reader = new Reader(this.#bytes, target, start);
      }
    }
    this.fault ??= reader.fault;
    return labels.join('.');
  }

  #fail(fault: string): void {
    this.fault ??= fault;
  }
}

function readQuestion(reader: Reader): DnsQuestion {
  return { name: reader.name(), type: reader.u16(), class: reader.u16() };
}

function readRecord(reader: Reader): DnsRecord {
  reader.name();
  const type = reader.u16();
  reader.skip(6); // class and time to live
  const length = reader.u16();
  const part = reader.part(length);
  const data = readData(type, part);
  // data that is shorter or longer than its type wants
  if (reader.fault === undefined && part.fault === undefined && part.rest > 0)
    part.fault = 'a record is too long';
  reader.fault ??= part.fault;
  return { type, data };
}

function readData(type: number, data: Reader): string {
  switch (type) {
    case DNS_TYPES.A:
      return addressFromBytes(4, data.bytes(4)).text;
    case DNS_TYPES.AAAA:
      return addressFromBytes(6, data.bytes(16)).text;
    case DNS_TYPES.NS:
    case DNS_TYPES.CNAME:
    case DNS_TYPES.PTR:
      return data.name();
    case DNS_TYPES.MX:
      return `${data.u16()} ${data.name()}`;
    case DNS_TYPES.TXT:
      return readStrings(data);
    case DNS_TYPES.SOA:
      return [data.name(), data.name(), ...data.repeat(5, (reader) => reader.u32())].join(' ');
    default:
      return describeUnknown(data.bytes(data.rest));
  }
}

function readStrings(data: Reader): string {
  const strings: Buffer[] = [];
  do strings.push(data.bytes(data.u8()));
  while (data.rest > 0);
  return Buffer.concat(strings).toString();
}

function describeUnknown(bytes: Buffer): string {
  return `\\# ${bytes.length} ${bytes.toString('hex')}`.trimEnd();
}

function escapeLabel(label: string): string {
  return label.replace(/[^!-~]|[.\\]/g, (letter) =>
    letter === '.' || letter === '\\'
      ? `\\${letter}`
      : `\\${letter.charCodeAt(0).toString().padStart(3, '0')}`,
  );
}
