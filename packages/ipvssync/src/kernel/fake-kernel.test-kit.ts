/**
 * A kernel that knows IPVS, at the level of messages: it reads requests as bytes and answers with bytes.
 *
 * @module
 */
import { constants } from 'node:os';
import { SystemCallError } from '@surealived/shared/errors';
import {
  type Destination,
  type Operation,
  type ServiceHead,
  serviceKey,
  type TrafficCounts,
} from '../ipvs/table.js';
import { TableImage } from '../ipvs/table-image.js';
import { findRefusal } from '../memory/kernel-rules.js';
import { AttrWriter, writeU16, writeU32 } from '../wire/attr.js';
import { type Attr, readAttrs } from '../wire/attr-reader.js';
import { type NetlinkMessage, NLMSG_DONE, NLMSG_ERROR, readMessages } from '../wire/genl.js';
import { operationRequest, readDestination, readService } from '../wire/ipvs.js';
import type { Transport } from './transport.js';

/** Answers one datagram with any number of datagrams. */
export type Kernel = (requests: readonly NetlinkMessage[]) => Buffer[];

/** What travelled, and the transport that carries it to a kernel which is a plain function. */
export interface FakeTransport extends Transport {
  readonly sent: NetlinkMessage[][];
  readonly isClosed: boolean;
}

/** A transport to `kernel`. Nothing to receive is EAGAIN; a SystemCallError in place of answers is thrown on receive. */
export function connect(
  kernel: (requests: readonly NetlinkMessage[]) => (Buffer | SystemCallError)[],
): FakeTransport {
  const queue: (Buffer | SystemCallError)[] = [];
  const incoming = Buffer.alloc(1 << 16);
  const transport = {
    sent: [] as NetlinkMessage[][],
    isClosed: false,
    send(datagram: Buffer) {
      const requests = [...readMessages(Buffer.from(datagram))];
      transport.sent.push(requests);
      queue.push(...kernel(requests));
    },
    receive() {
      const next = queue.shift() ?? new SystemCallError('recv', 11, 'EAGAIN');
      if (next instanceof Error) throw next;
      incoming.fill(0xee); // what was received before is gone
      next.copy(incoming);
      return incoming.subarray(0, next.length);
    },
    close() {
      transport.isClosed = true;
    },
  };
  return transport;
}

/** A message of the kernel: header and payload. */
export function message(type: number, flags: number, sequence: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc(16 + payload.length);
  writeU32(bytes, bytes.length, 0);
  writeU16(bytes, type, 4);
  writeU16(bytes, flags, 6);
  writeU32(bytes, sequence, 8);
  bytes.set(payload, 16);
  return bytes;
}

/** NLMSG_ERROR; errno 0 is an acknowledgement. */
export function answer(request: NetlinkMessage, errno: number): Buffer {
  const payload = Buffer.alloc(20);
  writeU32(payload, -errno >>> 0, 0);
  return message(NLMSG_ERROR, 0, request.sequence, payload);
}

export function done(request: NetlinkMessage): Buffer {
  return message(NLMSG_DONE, 2, request.sequence, Buffer.alloc(4));
}

/** A generic netlink object, with 4 bytes of header. */
export function object(request: NetlinkMessage, flags: number, fill: (writer: AttrWriter) => void): Buffer {
  const writer = new AttrWriter().skip(4);
  fill(writer);
  return message(request.type, flags, request.sequence, writer.written);
}

const FAMILY = 28;
/** What the kernel counts for each service. */
export const TOTALS = {
  connections: 5,
  packetsIn: 6,
  packetsOut: 7,
  bytesIn: 2 ** 40,
  bytesOut: 8,
} as const satisfies TrafficCounts;
export const RATES = {
  connections: 1,
  packetsIn: 2,
  packetsOut: 3,
  bytesIn: 2 ** 33,
  bytesOut: 4,
} as const satisfies TrafficCounts;

/** IPVS_SVC_ATTR_STATS64, or in older kernels IPVS_SVC_ATTR_STATS, where only totals of bytes are `wide`. */
export function writeStatistics(
  writer: AttrWriter,
  totals: TrafficCounts,
  rates: TrafficCounts,
  isWide = true,
): void {
  const u64 = (value: number): Uint8Array => new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);
  writer.nested(isWide ? 12 : 10, (stats) => {
    const { connections, packetsIn, packetsOut, bytesIn, bytesOut } = totals;
    const {
      connections: cps,
      packetsIn: inPps,
      packetsOut: outPps,
      bytesIn: inBps,
      bytesOut: outBps,
    } = rates;
    const counters = [
      connections,
      packetsIn,
      packetsOut,
      bytesIn,
      bytesOut,
      cps,
      inPps,
      outPps,
      inBps,
      outBps,
    ];
    for (const [index, value] of counters.entries()) {
      if (isWide || index === 3 || index === 4) stats.bytes(index + 1, u64(value));
      else stats.u32(index + 1, value);
    }
  });
}
const OPERATIONS: readonly (Operation['kind'] | undefined)[] = [
  ...([undefined, 'addService', 'editService', 'deleteService', undefined] as const),
  ...(['addDestination', 'editDestination', 'deleteDestination'] as const),
];

/** A kernel with an IPVS table, by the rules of the memory table. */
export function ipvsKernel(image = new TableImage()): Kernel {
  return (requests) => requests.flatMap((request) => serve(image, request));
}

function serve(image: TableImage, request: NetlinkMessage): Buffer[] {
  if (request.type === 16) return [object(request, 0, (writer) => writer.u16(1, FAMILY)), answer(request, 0)];
  const command = request.payload[0] ?? 0;
  const nests: Attr[] = [];
  for (const attr of readAttrs(request.payload.subarray(4))) nests[attr.type] = attr;
  if (command === 15) return [object(request, 0, (writer) => writer.u32(1, 0x10201)), answer(request, 0)];
  if (command === 4)
    return dump(
      request,
      image.services().map((service) => nestOf('addService', service)),
    );
  if (command === 8) {
    const service = image.service(serviceKey(headOf(nests[1] as Attr)));
    const reals = service?.destinations ?? [];
    return dump(request, service ? reals.map((real) => nestOf('addDestination', service, real)) : []);
  }
  return change(image, request, OPERATIONS[command], nests);
}

function change(
  image: TableImage,
  request: NetlinkMessage,
  kind: Operation['kind'] | undefined,
  nests: Attr[],
): Buffer[] {
  const service = headOf(nests[1] as Attr);
  const destination = nests[2] && readDestination(nests[2], service.address.family);
  const operation = { kind, service, destination, before: destination ?? service } as Operation;
  const errno = findRefusal(image, operation);
  if (errno === undefined) image.apply(operation);
  const number = errno === undefined ? 0 : constants.errno[errno as keyof typeof constants.errno];
  return number !== 0 || request.flags & 4 ? [answer(request, number)] : [];
}

/** A few objects to a datagram, so that dumps have several. */
function dump(request: NetlinkMessage, objects: ((writer: AttrWriter) => void)[]): Buffer[] {
  const messages = objects.map((fill) => object(request, 2, fill));
  const datagrams: Buffer[] = [];
  for (let i = 0; i < messages.length; i += 3) datagrams.push(Buffer.concat(messages.slice(i, i + 3)));
  return [...datagrams, done(request)];
}

/** Writes the nest that an operation has as that of a dumped object. */
function nestOf(kind: 'addService' | 'addDestination', service: ServiceHead, destination?: Destination) {
  return (writer: AttrWriter): void => {
    const whole = new AttrWriter();
    operationRequest(FAMILY, { kind, service, ...(destination && { destination }) } as Operation).fill?.(
      whole,
    );
    for (const { type, value } of readAttrs(whole.written))
      if (type === (destination ? 2 : 1))
        writer.nested(type, (inner) => {
          copyAttrs(inner, value);
          if (destination)
            inner.u32(7, 0).u32(8, 0).u32(9, 0); // no connections
          else writeStatistics(inner, TOTALS, RATES);
        });
  };
}

function copyAttrs(writer: AttrWriter, attrs: Buffer): void {
  for (const { type, value } of readAttrs(attrs)) writer.bytes(type, value);
}

/** The service of a request, with made-up settings where it names it by its identity alone. */
function headOf(nest: Attr): ServiceHead {
  const types = new Set([...nest.nested()].map(({ type }) => type));
  const filled = new AttrWriter().nested(1, (writer) => {
    copyAttrs(writer, nest.value);
    if (!types.has(6)) writer.cstring(6, 'rr').bytes(7, Buffer.alloc(8)).u32(8, 0).u32Be(9, 0xffffffff);
  });
  return readService([...readAttrs(filled.written)][0] as Attr);
}
