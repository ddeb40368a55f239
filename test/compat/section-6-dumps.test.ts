import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseVirtualKey } from 'surealived/dumps/dump-lines';
import { formatNotifyDump, parseNotifyDump } from 'surealived/dumps/notify-dump';
import { formatOfflineDump, parseOfflineDump } from 'surealived/dumps/offline-dump';
import { formatOverrideDump, parseOverrideDump } from 'surealived/dumps/override-dump';
import { formatStatsDump, parseStatsDump } from 'surealived/dumps/stats-dump';
import { expect } from 'vitest';
import type { LogLine } from '../daemons/daemon-process.js';
import { RunningTester, readFixture } from './kit.js';
import { prove } from './prove.js';

interface Parsed<T> {
  readonly entries: readonly { readonly value: T }[];
  readonly problems: readonly unknown[];
}

/** Reads a hand-written dump and expects it to be written back as it is. @returns What it says. */
function roundTrip<T>(
  file: string,
  parse: (text: string, file: string) => Parsed<T>,
  format: (values: readonly T[]) => string,
): readonly T[] {
  const text = readFixture(file);
  const { entries, problems } = parse(text, file);
  const values = entries.map(({ value }) => value);
  expect(problems).toEqual([]);
  expect(format(values)).toBe(text);
  return values;
}

/** A tester that has not tested anything, with these dumps of before. */
function startWith(dumps: Readonly<Record<string, string>>): Promise<RunningTester> {
  return RunningTester.start(readFixture('web.xml'), {
    settings: { startup_delay_ms: 3_600_000 },
    prepare({ path }) {
      for (const [name, text] of Object.entries(dumps)) writeFileSync(join(path, name), text);
    },
  });
}

const W1 = 'vproto=tcp vaddr=192.168.0.1 vport=80 raddr=10.0.0.11 rport=80';

prove('6 Dump files', {
  'offline.dump is read and written back'() {
    const reals = roundTrip('offline.dump', parseOfflineDump, formatOfflineDump);
    expect(reals[0]).toEqual({ virtual: '192.168.0.1:80:0:0', real: '10.0.0.13:80' });
  },
  'override.dump is read and written back, with a space where the % would be'() {
    const overrides = roundTrip('override.dump', parseOverrideDump, formatOverrideDump);
    expect(overrides.slice(0, 2)).toMatchObject([
      { weight: { kind: 'percent', percent: 50 }, adminState: 'ONLINE' },
      { weight: { kind: 'absolute', weight: 7 }, adminState: 'DOWN' },
    ]);
    expect(readFixture('override.dump')).toContain('weight=7  rstate=DOWN');
  },
  'notify.dump is read and written back'() {
    const told = roundTrip('notify.dump', parseNotifyDump, formatNotifyDump);
    expect(told[0]).toEqual({ virtual: '192.168.0.1:80:0:0', state: 'DOWN' });
  },
  'stats.dump is read and written back'() {
    const [web] = roundTrip('stats.dump', parseStatsDump, formatStatsDump);
    expect(web).toMatchObject({
      virtual: '192.168.0.1:80:0:0',
      samples: 20,
      rounds: 17,
      averageMs: { connect: 333, response: 1, total: 334 },
      averageUs: { connect: 333_333, response: 1000, total: 334_333 },
      problems: { silent: 1, unreachable: 2, refused: 3 },
    });
    expect(web?.reals[0]).toEqual({
      line: 2,
      real: '10.0.0.11:80',
      tests: 17,
      averageMs: { connect: 1, response: 2, total: 3 },
      averageUs: { connect: 1001, response: 2002, total: 3003 },
      sumMs: { connect: 17, response: 34, total: 51 },
      sumUs: { connect: 17_017, response: 34_034, total: 51_051 },
      problems: { silent: 0, unreachable: 0, refused: 0 },
    });
  },
  'VKEY has tcp as 0, udp as 1, fwmark as 2'() {
    for (const key of ['192.168.0.1:80:0:0', '192.168.0.1:80:1:0', '0.0.0.0:0:2:7', '[::]:0:2:7'])
      expect(parseVirtualKey(key)).toBe(key);
    expect(parseVirtualKey('192.168.0.1:80:4:0')).toBeUndefined();
  },
  async 'surealived takes up override.dump and stats.dump, and writes them back'() {
    const override = readFixture('override.dump');
    const stats = readFixture('stats-web.dump');
    await using tester = await startWith({ 'override.dump': override, 'stats.dump': stats });
    const listed = await tester.send('rlist vproto=tcp vaddr=192.168.0.1 vport=80\n');
    expect(listed).toContain(
      'r:0 rname=w1 raddr=10.0.0.11 rport=80 currwgt=5 confwgt=10 ronline=TRUE rstate=ONLINE',
    );
    expect(listed).toContain(
      'r:1 rname=w2 raddr=10.0.0.12 rport=80 currwgt=0 confwgt=20 ronline=TRUE rstate=DOWN',
    );
    writeFileSync(join(tester.directory.path, 'override.dump'), '');
    await tester.send(`rset ${W1} rweight=50%\n`);
    expect(tester.read('override.dump')).toBe(override);
    writeFileSync(join(tester.directory.path, 'stats.dump'), '');
    await tester.process.stop();
    expect(tester.read('stats.dump')).toBe(stats);
  },
  async 'surealived writes offline.dump'() {
    const reals = ['127.0.0.1', '127.0.0.2'].map(
      (addr, i) => `<real name="r${i}" addr="${addr}" port="80" weight="1"/>`,
    );
    await using tester = await RunningTester.start(`<surealived>
      <virtual name="mark" proto="fwmark" fwmark="7" sched="rr" rt="dr">
        <tester proto="tcp" testport="1"/>${reals.join('')}
      </virtual>
    </surealived>`);
    await tester.until(
      'offline.dump',
      (text) => text === '0.0.0.0:0:2:7 - 127.0.0.1:80\n0.0.0.0:0:2:7 - 127.0.0.2:80\n',
    );
  },
  async 'entries of reals that no longer exist are dropped with a warning'() {
    const gone = '192.168.0.1:80:0:0 - 10.0.0.99:80';
    const warned: (LogLine | undefined)[] = [];
    await using tester = await startWith({
      'offline.dump': `${gone}\n`,
      'override.dump': `${gone} - weight=7  rstate=DOWN\n`,
      'notify.dump': 'vnotify 192.168.0.99:80:0:0 - state=UP\n',
    });
    const files = ['override.dump', 'offline.dump', 'notify.dump'];
    for (const name of files) {
      const isAbout = ({ line }: LogLine) => String(line).includes(`${name}:1: there is no `);
      warned.push(await tester.process.waitFor('line of a dump left out', isAbout));
    }
    expect(warned).toMatchObject(files.map(() => ({ level: 'warn' })));
    await tester.send(`rset ${W1} rweight=7\n`);
    expect(tester.read('override.dump')).toBe(
      '192.168.0.1:80:0:0 - 10.0.0.11:80 - weight=7  rstate=ONLINE\n',
    );
  },
});
