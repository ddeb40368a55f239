import { endianness } from 'node:os';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Destination, Operation, ServiceHead } from '../ipvs/table.js';
import { arbitraryService, destination, service } from '../ipvs/table.test-kit.js';
import { RATES, TOTALS, writeStatistics } from '../kernel/fake-kernel.test-kit.js';
import { AttrWriter } from './attr.js';
import { type Attr, readAttrs } from './attr-reader.js';
import { writeRequest } from './genl.js';
import {
  destinationsRequest,
  operationRequest,
  readDestination,
  readDestinationConnections,
  readService,
  readServiceTraffic,
} from './ipvs.js';

const FAMILY = 28;
const hex = (text: string): string => text.replaceAll(/\s/g, '');

function encode(operation: Operation): Buffer {
  const writer = new AttrWriter();
  writeRequest(writer, operationRequest(FAMILY, operation), 0, 1);
  return Buffer.from(writer.written);
}

/** The nests of a request, by their type. */
function nests(message: Buffer): Attr[] {
  const attrs: Attr[] = [];
  for (const attr of readAttrs(message.subarray(20))) attrs[attr.type] = attr;
  return attrs;
}

const decodeService = (added: ServiceHead): ServiceHead =>
  readService(nests(encode({ kind: 'addService', service: added }))[1] as Attr);

const decodeDestination = (to: ServiceHead, added: Destination): Destination =>
  readDestination(nests(encode({ kind: 'addDestination', service: to, destination: added }))[2] as Attr, 4);

/** The nest of a service with each attribute as `change` makes it, or without it. */
function altered(change: (type: number, value: Buffer) => Buffer | undefined): Attr {
  const whole = nests(encode({ kind: 'addService', service: service('tcp 10.0.0.5:80') }))[1] as Attr;
  return nest((writer) => {
    for (const { type, value } of whole.nested()) {
      const bytes = change(type, value);
      if (bytes) writer.bytes(type, bytes);
    }
  });
}

function nest(fill: (writer: AttrWriter) => void): Attr {
  return [...readAttrs(new AttrWriter().nested(1, fill).written)][0] as Attr;
}

describe.runIf(endianness() === 'LE')('operationRequest', () => {
  // The bytes of "ipvsadm -A -t 10.0.0.5:80 -s wrr -p 300" (ipvsadm 1.31), by strace.
  it('writes IPVS_CMD_NEW_SERVICE as ipvsadm does', () => {
    const added = service('tcp 10.0.0.5:80', { persistenceSec: 300 });
    expect(encode({ kind: 'addService', service: added }).toString('hex', 16)).toBe(
      hex(`0101 0000 5400 0180
           0600 0100 0200 0000
           0600 0200 0600 0000
           1400 0300 0a00 0005 0000 0000 0000 0000 0000 0000
           0600 0400 0050 0000
           0800 0600 7772 7200
           0c00 0700 0100 0000 ffff ffff
           0800 0800 2c01 0000
           0800 0900 ffff ffff`),
    );
  });

  // As "ipvsadm -a -t 10.0.0.5:80 -r 10.0.0.11:80 -g -w 10 -x 100 -y 50", less the service's settings and the tunnel
  // attributes, which the kernel does not ask for.
  it('writes IPVS_CMD_NEW_DEST', () => {
    const limits = { upperThreshold: 100, lowerThreshold: 50 };
    const added = destination('10.0.0.11:80', 10, limits);
    expect(
      encode({ kind: 'addDestination', service: service('tcp 10.0.0.5:80'), destination: added }).toString(
        'hex',
      ),
    ).toBe(
      hex(`8c00 0000 1c00 0100 0100 0000 0000 0000
           0501 0000 3000 0180
           0600 0100 0200 0000
           0600 0200 0600 0000
           1400 0300 0a00 0005 0000 0000 0000 0000 0000 0000
           0600 0400 0050 0000
           4800 0280
           0600 0b00 0200 0000
           1400 0100 0a00 000b 0000 0000 0000 0000 0000 0000
           0600 0200 0050 0000
           0800 0300 0300 0000
           0800 0400 0a00 0000
           0800 0500 6400 0000
           0800 0600 3200 0000`),
    );
  });

  // The end of "ipvsadm -a -t 10.0.0.5:80 -r 10.0.0.11:80 -i --tun-type gue --tun-port 6080 --tun-csum", by linux/ip_vs.h:
  // type (u8) 1, port in network order, flags (u16) 1.
  it('writes a tunnel where it is not IPIP', () => {
    const tunnel = { type: 'gue', port: 6080, flags: 'csum' } as const;
    const added = destination('10.0.0.11:80', 10, { forwarding: 'tun', tunnel });
    const message = encode({
      kind: 'addDestination',
      service: service('tcp 10.0.0.5:80'),
      destination: added,
    });
    expect(message.toString('hex').slice(-48)).toBe(
      hex(`0500 0d00 0100 0000
           0600 0e00 17c0 0000
           0600 0f00 0100 0000`),
    );
  });

  // By hand from linux/ip_vs.h: AF_INET6 is 10, the mask of IPv6 is a prefix length in host order.
  it('writes a firewall mark with its family and nothing else of an address', () => {
    const marked = service('fwmark 7 IPv6', { scheduler: 'sh', schedulerFlags: 3, onePacket: true });
    expect(encode({ kind: 'editService', service: marked, before: marked }).toString('hex', 16)).toBe(
      hex(`0201 0000 3800 0180
           0600 0100 0a00 0000
           0800 0500 0700 0000
           0700 0600 7368 0000
           0c00 0700 1c00 0000 ffff ffff
           0800 0800 0000 0000
           0800 0900 8000 0000`),
    );
  });

  it.each<[Operation['kind'], number]>([
    ['addService', 1],
    ['editService', 2],
    ['deleteService', 3],
    ['addDestination', 5],
    ['editDestination', 6],
    ['deleteDestination', 7],
  ])('sends %s as command %i', (kind, command) => {
    const real = destination('10.0.0.11:80', 1);
    const head = service('udp 10.0.0.1:53');
    const operation = { kind, service: head, before: head, destination: real } as unknown as Operation;
    expect(encode(operation)[16]).toBe(command);
  });

  it('names a service by its identity alone where that is enough', () => {
    const types = [
      ...(nests(encode({ kind: 'deleteService', service: service('tcp 10.0.0.1:80') }))[1]?.nested() ?? []),
    ];
    expect(types.map(({ type }) => type)).toEqual([1, 2, 3, 4]);
  });
});

describe('readService and readDestination', () => {
  it('read what was written, for any service', () => {
    fc.assert(
      fc.property(arbitraryService, (any) => {
        const { destinations, ...head } = any;
        expect(decodeService(any)).toEqual(head);
        for (const real of destinations) expect(decodeDestination(any, real)).toEqual(real);
      }),
    );
  });

  it.each([1, 2, 3, 4, 6, 7, 8, 9])('refuse a service without attribute %i', (missing) => {
    const nest = altered((type, value) => (type === missing ? undefined : value));
    expect(() => readService(nest)).toThrow(`(attribute ${missing}) is missing`);
  });

  it.each([1, 2, 3, 4, 7, 8, 9])('refuse a service whose attribute %i is a byte too long', (long) => {
    const nest = altered((type, value) => (type === long ? Buffer.concat([value, Buffer.alloc(1)]) : value));
    expect(() => readService(nest)).toThrow(`attribute ${long}: expected`);
  });

  it('refuse an address family that is neither IPv4 nor IPv6', () => {
    const nest = altered((type, value) => (type === 1 ? Buffer.from([1, 0]) : value));
    expect(() => readService(nest)).toThrow('address family 1 is neither IPv4 nor IPv6');
  });

  it('skip attributes that are newer than this program', () => {
    const whole = altered((_type, value) => value);
    const extended = nest((writer) => {
      writer.bytes(20, Buffer.alloc(5)).bytes(0x3fff, Buffer.alloc(1));
      for (const { type, value } of whole.nested()) writer.bytes(type, value);
    });
    expect(readService(extended)).toEqual(readService(whole));
  });

  it('keep what has no name here as a number', () => {
    const odd = service('tcp 10.0.0.5:80', { protocol: 'ip-50' });
    expect(decodeService(odd).protocol).toBe('ip-50');
    const tunnel = { type: 'type-3', port: 1, flags: 'flags-3' } as const;
    const real = destination('10.0.0.11:80', 1, { forwarding: 'method-4', tunnel });
    expect(decodeDestination(odd, real)).toMatchObject({ forwarding: 'method-4', tunnel });
  });

  it('give a destination the family of its service on kernels that do not say it', () => {
    const added = destination('[fd00::11]:80', 1);
    const message = encode({
      kind: 'addDestination',
      service: service('tcp [fd00::1]:80'),
      destination: added,
    });
    const old = nest((writer) => {
      for (const { type, value } of nests(message)[2]?.nested() ?? [])
        if (type !== 11) writer.bytes(type, value);
    });
    expect(readDestination(old, 6)).toEqual(added);
  });

  it('tell a mask with holes from every prefix', () => {
    const holes = altered((type, value) => (type === 9 ? Buffer.from([255, 0, 255, 0]) : value));
    expect(readService(holes).persistencePrefix).toBe(-1);
  });
});

describe('readDestinationConnections', () => {
  const real = destination('[fd00::11]:80', 1);
  const counted = (...counts: readonly [type: number, count: number][]) =>
    nest((writer) => {
      const added = encode({
        kind: 'addDestination',
        service: service('tcp [fd00::1]:80'),
        destination: real,
      });
      for (const { type, value } of nests(added)[2]?.nested() ?? []) writer.bytes(type, value);
      for (const [type, count] of counts) writer.u32(type, count);
    });

  it('reads the three counts', () => {
    const { address, port } = real;
    const connections = { address, port, active: 0xffffffff, inactive: 2, persistent: 0 };
    expect(readDestinationConnections(counted([7, 0xffffffff], [8, 2], [9, 0]), 6)).toEqual(connections);
  });

  it('refuses a destination without one of them', () => {
    expect(() => readDestinationConnections(counted([7, 1], [9, 0]), 6)).toThrow(
      'inactive connections (attribute 8) is missing',
    );
  });
});

describe('readServiceTraffic', () => {
  const web = service('tcp 10.0.0.5:80');
  const { protocol, address, port, fwmark } = web;
  const counted = (...widths: readonly boolean[]) => {
    const whole = nests(encode({ kind: 'addService', service: web }))[1] as Attr;
    return nest((writer) => {
      for (const { type, value } of whole.nested()) writer.bytes(type, value);
      for (const isWide of widths) writeStatistics(writer, TOTALS, isWide ? RATES : NARROW_RATES, isWide);
    });
  };
  const NARROW_RATES = { ...RATES, bytesIn: 0xffffffff };
  const traffic = { service: { protocol, address, port, fwmark }, totals: TOTALS };

  it('reads totals and rates of 64 bits, also beside those of 32', () => {
    expect(readServiceTraffic(counted(false, true))).toEqual({ ...traffic, perSecond: RATES });
  });

  it('takes those of 32 bits where the kernel has no others', () => {
    expect(readServiceTraffic(counted(false))).toEqual({ ...traffic, perSecond: NARROW_RATES });
  });

  it('refuses a service without statistics', () => {
    expect(() => readServiceTraffic(counted())).toThrow('statistics (attribute 10) is missing');
  });
});

describe('destinationsRequest', () => {
  it('names the service whose destinations are wanted', () => {
    const writer = new AttrWriter();
    writeRequest(writer, destinationsRequest(FAMILY, service('udp 10.0.0.1:53')), 0x300, 1);
    const [, nest] = nests(Buffer.from(writer.written));
    expect([...(nest?.nested() ?? [])].map(({ type }) => type)).toEqual([1, 2, 3, 4]);
  });
});
