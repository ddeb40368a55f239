import { endianness } from 'node:os';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SettingsChange } from '../ipvs/settings.js';
import { arbitraryDaemons, arbitraryTimeouts, daemon } from '../ipvs/settings.test-kit.js';
import { AttrWriter } from './attr.js';
import { type Attr, readAttrs } from './attr-reader.js';
import { readMessages, writeRequest } from './genl.js';
import { daemonNest, readDaemon, readTimeouts, settingsRequest } from './ipvs-settings.js';

const hex = (text: string): string => text.replaceAll(/\s/g, '');
const TIMEOUTS = { tcpSec: 900, tcpFinSec: 120, udpSec: 300 };

function encode(change: SettingsChange): Buffer {
  const writer = new AttrWriter();
  writeRequest(writer, settingsRequest(28, change), 0, 1);
  return Buffer.from(writer.written);
}

const nestOf = (fill: (writer: AttrWriter) => unknown): Attr => {
  const writer = new AttrWriter();
  fill(writer);
  return [...readAttrs(Buffer.from(writer.written))][0] as Attr;
};

describe.runIf(endianness() === 'LE')('settingsRequest', () => {
  // By hand after linux/ip_vs.h: lengths and types of struct nlattr, IPVS_CMD_NEW_DAEMON with IPVS_DAEMON_ATTR_*.
  it('writes IPVS_CMD_NEW_DAEMON', () => {
    const wanted = daemon('master', { device: 'eth0', maxlenBytes: 1200 });
    expect(encode({ kind: 'startDaemon', daemon: wanted }).toString('hex', 16)).toBe(
      hex(`0901 0000 4000 0380
           0800 0100 0100 0000
           0900 0200 6574 6830 0000 0000
           0800 0300 0500 0000
           0600 0400 b004 0000
           0800 0500 e000 0051
           0600 0700 9022 0000
           0500 0800 0100 0000`),
    );
  });

  it('leaves the largest message to the kernel, and gives an IPv6 group its own attribute', () => {
    const wanted = daemon('backup', { group: 'ff02::1:2' });
    expect(encode({ kind: 'startDaemon', daemon: wanted }).toString('hex', 16)).toBe(
      hex(`0901 0000 4000 0380
           0800 0100 0200 0000
           0700 0200 6c6f 0000
           0800 0300 0500 0000
           1400 0600 ff02 0000 0000 0000 0000 0000 0001 0002
           0600 0700 9022 0000
           0500 0800 0100 0000`),
    );
  });

  it('writes IPVS_CMD_DEL_DAEMON with the state alone', () => {
    expect(encode({ kind: 'stopDaemon', daemon: daemon('backup') }).toString('hex', 16)).toBe(
      hex('0a01 0000 0c00 0380 0800 0100 0200 0000'),
    );
  });

  it('writes IPVS_CMD_SET_CONFIG', () => {
    expect(encode({ kind: 'setTimeouts', timeouts: TIMEOUTS, before: TIMEOUTS }).toString('hex', 16)).toBe(
      hex('0c01 0000 0800 0400 8403 0000 0800 0500 7800 0000 0800 0600 2c01 0000'),
    );
  });
});

describe('readDaemon and readTimeouts', () => {
  it('read every daemon as it was written', () => {
    fc.assert(
      fc.property(arbitraryDaemons, (all) => {
        for (const one of all) expect(readDaemon(nestOf(daemonNest(one)))).toEqual(one);
      }),
    );
  });

  it('read timeouts as they were written', () => {
    fc.assert(
      fc.property(arbitraryTimeouts(1), (timeouts) => {
        const [message] = [...readMessages(encode({ kind: 'setTimeouts', timeouts, before: timeouts }))];
        expect(message && readTimeouts(message)).toEqual(timeouts);
      }),
    );
  });

  it('take the defaults for what a kernel before 4.3 does not tell, and skip what is new', () => {
    const nest = nestOf((writer) =>
      writer.nested(3, (inner) => {
        inner.u32(1, 2).cstring(2, 'eth0').u32(3, 7).u32(99, 1);
      }),
    );
    expect(readDaemon(nest)).toEqual(daemon('backup', { device: 'eth0', syncId: 7 }));
  });

  it.each<[string, (writer: AttrWriter) => unknown, string]>([
    [
      'no state',
      (inner) => inner.cstring(2, 'eth0').u32(3, 7),
      'state of a sync daemon (attribute 1) is missing',
    ],
    [
      'an unknown state',
      (inner) => inner.u32(1, 3).cstring(2, 'eth0').u32(3, 7),
      'state 3 of a sync daemon is neither master nor backup',
    ],
    [
      'a short id',
      (inner) => inner.u32(1, 1).cstring(2, 'eth0').u16(3, 7),
      'attribute 3: expected 4 bytes, got 2',
    ],
  ])('refuse a daemon with %s', (_, fill, message) => {
    const nest = nestOf((writer) => writer.nested(3, (inner) => void fill(inner)));
    expect(() => readDaemon(nest)).toThrow(message);
  });
});
