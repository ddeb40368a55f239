/**
 * Generic netlink messages: struct nlmsghdr (linux/netlink.h) and struct genlmsghdr (linux/genetlink.h).
 *
 * @module
 */

import { type AttrWriter, align4, bytePair, hostPair, readU16, readU32 } from './attr.js';
import { type Attr, findAttr, readAttrs } from './attr-reader.js';
import { KernelProtocolError } from './errors.js';

export const NETLINK_GENERIC = 16;

export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
/** In a reply: the table changed while it was dumped. */
export const NLM_F_DUMP_INTR = 0x10;
/** NLM_F_ROOT | NLM_F_MATCH. */
export const NLM_F_DUMP = 0x300;

export const NLMSG_NOOP = 1;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;

const NLMSG_HEADER_BYTES = 16;
const GENL_HEADER_BYTES = 4;
const HEADERS_BYTES = NLMSG_HEADER_BYTES + GENL_HEADER_BYTES;
const SEQUENCE_AT = 8;

const GENL_ID_CTRL = 0x10;
const CTRL_CMD_GETFAMILY = 3;
const CTRL_VERSION = 1;
const CTRL_ATTR_FAMILY_ID = 1;
const CTRL_ATTR_FAMILY_NAME = 2;

/** One command for a generic netlink family. */
export interface GenlRequest {
  /** The family's number, as the kernel assigned it at boot. */
  readonly family: number;
  readonly command: number;
  readonly version: number;
  /** Writes the command's attributes. */
  readonly fill?: (attributes: AttrWriter) => void;
}

/** One message of a datagram from the kernel, a view on it. */
export class NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly data: Buffer;
  readonly start: number;
  readonly end: number;

  /** The payload is `data[start..end)`. */
  constructor(data: Buffer, start: number, end: number) {
    const header = start - NLMSG_HEADER_BYTES;
    this.type = readU16(data, header + 4);
    this.flags = readU16(data, header + 6);
    this.sequence = readU32(data, header + SEQUENCE_AT);
    this.data = data;
    this.start = start;
    this.end = end;
  }

  get payload(): Buffer {
    return this.data.subarray(this.start, this.end);
  }
}

/** Appends a request, 4-byte aligned. */
export function writeRequest(
  writer: AttrWriter,
  request: GenlRequest,
  flags: number,
  sequence: number,
): void {
  const start = writer.length;
  writer.skip(HEADERS_BYTES);
  request.fill?.(writer);
  writer.word(start, writer.length - start);
  writer.word(start + 4, hostPair(request.family, NLM_F_REQUEST | flags));
  writer.word(start + SEQUENCE_AT, sequence);
  writer.word(start + NLMSG_HEADER_BYTES, bytePair(request.command, request.version));
}

/**
 * Walks the messages of one datagram.
 *
 * @throws KernelProtocolError for a message that is shorter than its header or longer than the datagram.
 */
export function* readMessages(datagram: Buffer): Generator<NetlinkMessage, void, undefined> {
  for (let at = 0; at < datagram.length; ) {
    const left = datagram.length - at;
    const length = left < NLMSG_HEADER_BYTES ? left : readU32(datagram, at);
    if (length < NLMSG_HEADER_BYTES || length > left)
      throw new KernelProtocolError(`netlink message of ${length} bytes in ${left}`);
    yield new NetlinkMessage(datagram, at + NLMSG_HEADER_BYTES, at + length);
    at += align4(length);
  }
}

/** The errno of an NLMSG_ERROR, positive; 0 is an acknowledgement. An NLMSG_DONE may carry one too, or nothing. */
export function readErrno({ type, payload }: Pick<NetlinkMessage, 'type' | 'payload'>): number {
  if (payload.length >= 4) return 0 - (readU32(payload, 0) | 0);
  if (type === NLMSG_DONE) return 0;
  throw new KernelProtocolError(`netlink error message with ${payload.length} bytes`);
}

/** The attributes of a generic netlink reply. */
export function genlAttributes({ payload }: Pick<NetlinkMessage, 'payload'>): ReturnType<typeof readAttrs> {
  requireGenlHeader(payload.length);
  return readAttrs(payload.subarray(GENL_HEADER_BYTES));
}

/** The first attribute of a type in a generic netlink reply. */
export function findGenlAttribute({ data, start, end }: NetlinkMessage, type: number): Attr | undefined {
  requireGenlHeader(end - start);
  return findAttr(data, start + GENL_HEADER_BYTES, end, type);
}

function requireGenlHeader(bytes: number): void {
  if (bytes < GENL_HEADER_BYTES) throw new KernelProtocolError(`generic netlink message with ${bytes} bytes`);
}

/** CTRL_CMD_GETFAMILY: asks for a family's number by its name. */
export function familyRequest(name: string): GenlRequest {
  return {
    family: GENL_ID_CTRL,
    command: CTRL_CMD_GETFAMILY,
    version: CTRL_VERSION,
    fill: (attributes) => attributes.cstring(CTRL_ATTR_FAMILY_NAME, name),
  };
}

/** The family's number out of the answer to `familyRequest`. */
export function readFamily(message: Pick<NetlinkMessage, 'payload'>): number {
  for (const attr of genlAttributes(message)) if (attr.type === CTRL_ATTR_FAMILY_ID) return attr.u16();
  throw new KernelProtocolError('the answer names no generic netlink family');
}
