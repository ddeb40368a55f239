import { realKey, virtualKey } from '@surealived/shared/model';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { at } from '../services.test-kit.js';
import { type ParsedDump, parseRealKey, parseVirtualKey } from './dump-lines.js';
import { formatNotifyDump, parseNotifyDump } from './notify-dump.js';
import { formatOfflineDump, parseOfflineDump } from './offline-dump.js';
import { formatOverrideDump, parseOverrideDump } from './override-dump.js';
import { formatStatsDump, parseStatsDump } from './stats-dump.js';

const values = <T>({ entries }: ParsedDump<T>): readonly T[] => entries.map(({ value }) => value);

describe('offline.dump', () => {
  const text =
    '192.168.0.1:80:0:0 - 10.0.0.13:80\n0.0.0.0:0:2:7 - 10.0.0.14:0\n[2001:db8::1]:443:0:0 - [::1]:443\n';

  it('is read as the original writes it, and written back the same', () => {
    const parsed = parseOfflineDump(text, 'offline.dump');
    expect(parsed.problems).toEqual([]);
    expect(values(parsed)[0]).toEqual({ virtual: '192.168.0.1:80:0:0', real: '10.0.0.13:80' });
    expect(formatOfflineDump(values(parsed))).toBe(text);
  });

  it('loses its bad lines only, and says where they are', () => {
    const damaged = `192.168.0.1:80:0:0 - 10.0.0.13:80\n192.168.0.1:80:0\n\nx\0y\n${'z'.repeat(100)}\n[::1]:1:1:0 - [::2]:1`;
    const { entries, problems } = parseOfflineDump(damaged, 'offline.dump');
    expect(entries.map(({ line, value }) => [line, value.real])).toEqual([
      [1, '10.0.0.13:80'],
      [6, '[::2]:1'],
    ]);
    expect(problems[0]).toEqual({
      file: 'offline.dump',
      line: 2,
      message: 'expected ADDR:PORT:PROTO:FWMARK - RADDR:RPORT, got "192.168.0.1:80:0"',
    });
    expect(problems.map(({ line }) => line)).toEqual([2, 4, 5]);
  });
});

describe('override.dump', () => {
  const text = [
    '192.168.0.1:80:0:0 - 10.0.0.11:80 - weight=50% rstate=ONLINE',
    '192.168.0.1:80:0:0 - 10.0.0.12:80 - weight=7  rstate=DOWN',
    '[::]:0:2:7 - [2001:db8::1]:80 - weight=100% rstate=OFFLINE',
    '',
  ].join('\n');

  it('is read as the original writes it, and written back the same', () => {
    const parsed = parseOverrideDump(text, 'override.dump');
    expect(parsed.problems).toEqual([]);
    expect(values(parsed).map(({ weight, adminState }) => [weight, adminState])).toEqual([
      [{ kind: 'percent', percent: 50 }, 'ONLINE'],
      [{ kind: 'absolute', weight: 7 }, 'DOWN'],
      [{ kind: 'percent', percent: 100 }, 'OFFLINE'],
    ]);
    expect(formatOverrideDump(values(parsed))).toBe(text);
  });

  it('keeps a state whose weight nobody set, as older versions of the original tell it', () => {
    const line = '192.168.0.1:80:0:0 - 10.0.0.11:80 - weight=-1  rstate=DOWN\n';
    const parsed = parseOverrideDump(line, 'override.dump');
    expect(formatOverrideDump(values(parsed))).toBe(line.replace('-1 ', '100%'));
  });

  it.each([
    '192.168.0.1:80:0:0 - 10.0.0.11:80 - weight=50%',
    '192.168.0.1:80:0:0 - 10.0.0.11:80 - weight=50% rstate=ONLIN',
    '192.168.0.1:80:0:0 - 10.0.0.11:80 - weight=65536  rstate=DOWN',
    '192.168.0.1:80:0:0 - 10.0.0.11:80 - weight=-2  rstate=DOWN',
    '192.168.0.1:80:4:0 - 10.0.0.11:80 - weight=1  rstate=DOWN',
    '192.168.0.1:80:0:0 - 10.0.0.11 - weight=1  rstate=DOWN',
  ])('does not take %s', (line) => {
    const { entries, problems } = parseOverrideDump(line, 'override.dump');
    expect(entries).toEqual([]);
    expect(problems).toMatchObject([{ line: 1, message: expect.stringContaining('weight=N[%]') }]);
  });
});

describe('notify.dump', () => {
  it('is read as the original writes it, and written back the same', () => {
    const text = 'vnotify 192.168.0.1:80:0:0 - state=DOWN\nvnotify 192.168.0.2:53:1:0 - state=UP\n';
    const parsed = parseNotifyDump(text, 'notify.dump');
    expect(parsed.problems).toEqual([]);
    expect(formatNotifyDump(values(parsed))).toBe(text);
  });

  it('has no entry for a virtual of which nothing was told, and refuses other states', () => {
    const text = 'vnotify 192.168.0.1:80:0:0 - state=UNKNOWN\nvnotify 192.168.0.1:80:0:0 - state=UPP\n';
    const { entries, problems } = parseNotifyDump(text, 'notify.dump');
    expect([entries, problems.map(({ line }) => line)]).toEqual([[], [2]]);
  });
});

describe('stats.dump', () => {
  const text = [
    'vstats 192.168.0.1:80:0:0 - 20 17 - 333:334:667 - 333100:334200:667300 - 1:2:3',
    'rstats 10.0.0.11:80 - 17 - 1:2:3 - 1100:2200:3300 - 17:34:51 - 18700:37400:56100 - 0:0:0',
    'rstats [::1]:80 - 18 - 1:2:3 - 1100:2200:3300 - 17:34:51 - 18700:37400:9007199254740991 - 1:2:3',
    '',
    'vstats 0.0.0.0:0:2:7 - 5 0 - 0:0:0 - 0:0:0 - 0:0:0',
    '',
    '',
  ].join('\n');

  it('is read as the original writes it, and written back the same', () => {
    const parsed = parseStatsDump(text, 'stats.dump');
    expect(parsed.problems).toEqual([]);
    expect(values(parsed)[0]).toMatchObject({
      samples: 20,
      rounds: 17,
      averageUs: { connect: 333_100, response: 334_200, total: 667_300 },
      problems: { silent: 1, unreachable: 2, refused: 3 },
    });
    expect(values(parsed)[0]?.reals[0]).toMatchObject({
      real: '10.0.0.11:80',
      tests: 17,
      sumUs: { connect: 18_700, response: 37_400, total: 56_100 },
    });
    expect(formatStatsDump(values(parsed))).toBe(text);
  });

  it('loses a bad line, and with a bad vstats line its reals, which belong to nobody', () => {
    const bad = text
      .replace('20 17 -', '20 -')
      .replace('vstats 0.0.0.0', 'rstats 10.0.0.1:1 -\nvstats 0.0.0.0');
    const { entries, problems } = parseStatsDump(bad, 'stats.dump');
    expect(entries.map(({ line, value }) => [line, value.virtual])).toEqual([[6, '0.0.0.0:0:2:7']]);
    expect(problems.map(({ line, message }) => [line, message.split(',')[0]])).toEqual([
      [1, 'expected vstats VKEY - SAMPLES TOTAL - C:R:T - C:R:T - CONN:ARP:RST'],
      [2, 'expected a vstats line before it'],
      [3, 'expected a vstats line before it'],
      [5, 'expected rstats RADDR:RPORT - TOTAL - C:R:T - C:R:T - C:R:T - C:R:T - CONN:ARP:RST'],
    ]);
  });

  it('takes the negative durations of the original for none', () => {
    const line = 'vstats 192.168.0.1:80:0:0 - 20 17 - -1:334:667 - -3:334200:667300 - 1:2:3';
    expect(values(parseStatsDump(line, 'stats.dump'))[0]?.averageMs.connect).toBe(0);
  });
});

describe('keys', () => {
  const address = fc.oneof(fc.ipV4(), fc.ipV6()).map(at);
  const port = fc.integer({ min: 0, max: 65_535 });

  it('survive the way through a file', () => {
    const id = fc.record({
      address,
      port,
      protocol: fc.constantFrom('tcp' as const, 'udp', 'fwmark', 'sctp'),
      fwmark: fc.integer({ min: 0, max: 0xffffffff }),
    });
    fc.assert(
      fc.property(id, (virtual) => {
        expect(parseVirtualKey(virtualKey(virtual))).toBe(virtualKey(virtual));
      }),
    );
    fc.assert(
      fc.property(fc.record({ address, port }), (real) => {
        expect(parseRealKey(realKey(real))).toBe(realKey(real));
      }),
    );
  });

  it('have one form, however they were written', () => {
    expect(parseVirtualKey('[2001:DB8:0::1]:080:0:0')).toBe('[2001:db8::1]:80:0:0');
    expect(parseRealKey('2001:db8::1:80')).toBeUndefined();
  });
});

it.each([parseOfflineDump, parseOverrideDump, parseNotifyDump, parseStatsDump])(
  '%o never throws, whatever is in the file',
  (parse) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const { entries } = parse(Buffer.from(bytes).toString('utf8'), 'file') as ParsedDump<unknown>;
        expect(Array.isArray(entries)).toBe(true);
      }),
    );
  },
);
