import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { holdFileLock } from '@surealived/shared/file-lock';
import { createLogger } from '@surealived/shared/log';
import { readDiffLine, readSnapshot } from '@surealived/shared/snapshot/read';
import { formatDiffEnd, formatDiffLine, formatSnapshot } from '@surealived/shared/snapshot/write';
import { FileHandover } from 'surealived/handover/file-handover';
import { expect } from 'vitest';
import { RunningTester, readFixture, TemporaryDirectory, withoutNewKeys } from './kit.js';
import { prove, shared } from './prove.js';

const DIFF = 'diff_sync.1795169196';
/** What the meta line of ipvsfull.cfg says, in local time. */
const WRITTEN_AT = new Date(2026, 10, 20, 10, 6, 36);

prove('5 Hand-over: formats', {
  'the full snapshot is read and written back'() {
    const text = readFixture('ipvsfull.cfg');
    const { virtuals, diffFile } = readSnapshot(text, 'ipvsfull.cfg');
    expect(diffFile).toBe(`/var/lib/surealived/diffs/${DIFF}`);
    expect(virtuals[0]?.reals[1]).toMatchObject({
      name: 'w2',
      address: { text: '10.0.0.12' },
      port: 80,
      weight: 20,
      lowerThreshold: 50,
      upperThreshold: 100,
      forwarding: 'dr',
    });
    expect(formatSnapshot(virtuals, String(diffFile), WRITTEN_AT)).toBe(text);
  },
  'a diff file is read and written back'() {
    const text = readFixture(DIFF);
    const lines = text.split('\n').map((line, index) => readDiffLine(line, DIFF, index + 1));
    const written = lines.map((line) => {
      if (!line) return '';
      return line.kind === 'change' ? formatDiffLine(line.entry) : formatDiffEnd(line.file);
    });
    expect(written.join('')).toBe(text);
    expect(lines.filter((line) => line?.kind === 'next')).toHaveLength(1);
  },
  'keys may come in any order, unknown keys are ignored'() {
    const text = readFixture('ipvsfull.cfg');
    const turned = text.replace(/^(meta|virtual|real) (.*)$/gm, (_, kind: string, keys: string) => {
      return `${kind} ${[...keys.split(' '), 'new=1'].reverse().join(' ')}`;
    });
    expect(turned).not.toBe(text);
    expect(readSnapshot(turned, 'turned')).toEqual(readSnapshot(text, 'ipvsfull.cfg'));
    const [line = ''] = readFixture(DIFF).split('\n');
    const turnedLine = [...line.split(' '), 'new=1'].reverse().join(' ');
    expect(readDiffLine(turnedLine, DIFF, 1)).toEqual(readDiffLine(line, DIFF, 1));
  },
});

const W = 'vproto=tcp vaddr=192.168.0.1 vport=80';
/** What the hand-written diff file tells, less its end. */
const OPERATIONS = `rset ${W} raddr=10.0.0.11 rport=80 rstate=DOWN
rset ${W} raddr=10.0.0.12 rport=80 rweight=50%
rset ${W} raddr=10.0.0.13 rport=80 rstate=OFFLINE
rset vproto=fwmark vfwmark=9 raddr=10.0.0.41 rport=0 rweight=8
rset vproto=tcp vaddr=2001:db8::1 vport=443 raddr=2001:db8::11 rport=443 rstate=DOWN
`;

/** A snapshot with the moment and the place of the hand-written one; what is no time or no such place stays. */
function normalise(snapshot: string): string {
  return withoutNewKeys(snapshot)
    .replace(/mdate=\d{4}-\d\d-\d\d mtime=\d\d:\d\d:\d\d\n/, 'mdate=2026-11-20 mtime=10:06:36\n')
    .replace(/file=\S+\/diffs\/diff_sync\.\d{10}\n/, `file=/var/lib/surealived/diffs/${DIFF}\n`);
}

const start = shared(() => RunningTester.start(readFixture('web.xml')));

prove('5 Hand-over: surealived writes', {
  async 'the full snapshot of a services file, at start, and the reload flag'() {
    const { directory } = await start();
    const text = readFileSync(directory.snapshot, 'utf8');
    expect(normalise(text)).toBe(readFixture('ipvsfull.cfg'));
    expect(text).toContain(`\nDIFF file=${join(directory.diffs, readdirSync(directory.diffs)[0] ?? '')}\n`);
    expect(existsSync(directory.reloadFlag)).toBe(true);
  },
  async 'each change as lines of the diff file: addreal and chgreal, or delreal'() {
    const tester = await start();
    await tester.send(OPERATIONS);
    const [name = ''] = readdirSync(tester.directory.diffs);
    const expected = readFixture(DIFF).replace(/^DIFF .*\n/m, '');
    expect(withoutNewKeys(tester.read(join('diffs', name)))).toBe(expected);
  },
  async 'a removed real is not in the next full snapshot; the old diff ends with DIFF file=NEXT'() {
    using directory = new TemporaryDirectory();
    const file = (name: string) => join(directory.path, name);
    const snapshot = readSnapshot(readFixture('ipvsfull.cfg'), 'ipvsfull.cfg');
    let { virtuals } = snapshot;
    const handover = new FileHandover({
      paths: {
        lock_sync_file: file('lock'),
        full_sync_file: file('full'),
        full_reload_file: file('reload'),
        diff_sync_dir: file('diffs'),
      },
      source: () => virtuals,
      log: createLogger('surealived', { level: 'error', format: 'json', sink: { write: () => true } }),
      wallNow: () => WRITTEN_AT,
    });
    await handover.start();
    const [line = ''] = readFixture(DIFF).split('\n');
    const change = readDiffLine(line, DIFF, 1);
    if (change?.kind === 'change') handover.change([change.entry]);
    virtuals = virtuals.map((virtual) => ({ ...virtual, reals: virtual.reals.slice(1) }));
    await handover.refresh();
    await handover.stop();
    const [first = '', second = ''] = readdirSync(file('diffs')).sort();
    const next = join(file('diffs'), second);
    const ended = readFileSync(join(file('diffs'), first), 'utf8');
    expect(withoutNewKeys(ended)).toBe(`${line}\nDIFF file=${next}\n`);
    const text = readFileSync(file('full'), 'utf8');
    expect(text).toContain(`\nDIFF file=${next}\n`);
    expect(text).not.toContain('rname=w1');
  },
  async 'under flock on lock_sync_file'() {
    const tester = await start();
    const [name = ''] = readdirSync(tester.directory.diffs);
    const before = tester.read(join('diffs', name));
    const lock = holdFileLock(tester.directory.lock);
    await tester.send(`rset ${W} raddr=10.0.0.11 rport=80 rstate=ONLINE\n`);
    expect(tester.read(join('diffs', name))).toBe(before);
    lock?.release();
    const after = await tester.until(join('diffs', name), (text) =>
      withoutNewKeys(text).endsWith('rname=w1 raddr=10.0.0.11 rport=80 rweight=10\n'),
    );
    expect(after.startsWith(before)).toBe(true);
  },
});
