import { mkdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DiffReader } from './diff-reader.js';
import { diff, HandoverFiles, sealed } from './handover.test-kit.js';

const LINES = [
  diff('chgreal', '10.0.0.11:80', 1),
  diff('delreal', '10.0.0.12:80', 0),
  diff('addreal', '10.0.0.13:80', 3),
];

function open(): { files: HandoverFiles; reader: DiffReader; read: () => readonly string[] } {
  const files = new HandoverFiles();
  files.appendDiff('a');
  const reader = new DiffReader(files.diffPath('a'), files.paths.diff_sync_dir);
  return { files, reader, read: () => reader.read().entries.map(({ real }) => real.address.text) };
}

describe('DiffReader', () => {
  it('reads each line once', () => {
    const { files, read } = open();
    files.appendDiff('a', ...LINES.slice(0, 2));
    expect(read()).toEqual(['10.0.0.11', '10.0.0.12']);
    expect(read()).toEqual([]);
    files.appendDiff('a', ...LINES.slice(2));
    expect(read()).toEqual(['10.0.0.13']);
  });

  it('gives the same for every way to cut the file in two appends', () => {
    const text = LINES.join('');
    for (let cut = 0; cut <= text.length; cut++) {
      const { files, reader } = open();
      files.appendDiff('a', text.slice(0, cut));
      const first = reader.read();
      files.appendDiff('a', text.slice(cut));
      const second = reader.read();
      const addresses = [...first.entries, ...second.entries].map(({ real }) => real.address.text);
      expect(addresses).toEqual(['10.0.0.11', '10.0.0.12', '10.0.0.13']);
      expect([...first.problems, ...second.problems]).toEqual([]);
    }
  });

  it('refuses a line that cannot be read, names it, and goes on behind it', () => {
    const { files, reader } = open();
    files.appendDiff('a', LINES[0] ?? '', 'cmd=chgreal nonsense\n', LINES[2] ?? '');
    const { entries, problems } = reader.read();
    expect(entries).toHaveLength(2);
    expect(problems.join('\n')).toContain(`${files.diffPath('a')}:2: expected key=value, got "nonsense"`);
  });

  it('follows to the next file, and to the one after that', () => {
    const { files, reader, read } = open();
    files.appendDiff('a', LINES[0] ?? '', files.next('b'), 'nothing behind it counts\n');
    files.appendDiff('b', LINES[1] ?? '', files.next('c'));
    files.appendDiff('c', LINES[2] ?? '');
    expect(read()).toEqual(['10.0.0.11', '10.0.0.12', '10.0.0.13']);
    expect(reader.file).toBe(files.diffPath('c'));
    expect(reader.passed).toEqual([files.diffPath('a'), files.diffPath('b')]);
  });

  it('waits for a file that is missing, and says so once', () => {
    const { files, reader, read } = open();
    files.appendDiff('a', files.next('b'));
    expect(reader.read().problems).toEqual([`${files.diffPath('b')}: missing`]);
    expect(reader.read()).toEqual({ entries: [], problems: [], isBroken: false });
    expect(reader.isOpened).toBe(false);
    files.appendDiff('b', LINES[0] ?? '');
    expect(read()).toEqual(['10.0.0.11']);
  });

  it('does not go in circles', () => {
    const { files, reader } = open();
    files.appendDiff('a', files.next('b'));
    files.appendDiff('b', files.next('a'), LINES[0] ?? '');
    const { entries, problems } = reader.read();
    expect(problems).toEqual([`${files.diffPath('b')}:1: sends back to ${files.diffPath('a')}`]);
    expect(entries).toHaveLength(1);
  });

  it('takes a name without directory as one of the diff directory', () => {
    const files = new HandoverFiles();
    files.appendDiff('a', 'DIFF file=b\n');
    files.appendDiff('b');
    const reader = new DiffReader('a', files.paths.diff_sync_dir);
    reader.read();
    expect(reader.file).toBe(files.diffPath('b'));
  });

  it.each<[string, (path: string) => void]>([
    ['cut', (path) => truncateSync(path, 10)],
    [
      'replaced',
      (path) => {
        writeFileSync(`${path}.new`, LINES.join(''));
        renameSync(`${path}.new`, path);
      },
    ],
  ])('tells when the file was %s while it was followed', (_what, damage) => {
    const { files, reader } = open();
    files.appendDiff('a', ...LINES);
    reader.read();
    damage(files.diffPath('a'));
    expect(reader.read().isBroken).toBe(true);
  });

  it('waits for a file that was removed while it was followed, and takes what is there instead for another', () => {
    const { files, reader } = open();
    files.appendDiff('a', ...LINES);
    reader.read();
    rmSync(files.diffPath('a'));
    const missing = [`${files.diffPath('a')}: missing`];
    expect(reader.read()).toEqual({ entries: [], problems: missing, isBroken: false });
    expect(reader.read()).toEqual({ entries: [], problems: [], isBroken: false });
    files.appendDiff('other', ...LINES); // has the inode that was free, perhaps
    files.appendDiff('a', LINES[0] ?? '');
    expect(reader.read().isBroken).toBe(true);
  });

  it('takes of a writer that seals its lines none without a checksum', () => {
    const files = new HandoverFiles();
    const [first = '', second = '', third = ''] = LINES.map((line) => sealed(line, 1_795_169_196_123));
    files.appendDiff('diff_sync.8', first, second.replace(' rweight=0', ' rweight=\n'), third);
    const reader = new DiffReader('diff_sync.8', files.paths.diff_sync_dir, true);
    const { entries, problems } = reader.read();
    expect(entries.map(({ real }) => real.address.text)).toEqual(['10.0.0.11', '10.0.0.13']);
    expect(problems).toHaveLength(2);
  });

  it('follows such a writer to a file with a later name only', () => {
    const files = new HandoverFiles();
    const reader = new DiffReader('diff_sync.8', files.paths.diff_sync_dir, true);
    files.appendDiff('diff_sync.10');
    for (const damaged of ['diff_sync.1', 'diff_sync.', 'diff_sync.10x', '../diff_sync.10'])
      files.appendDiff('diff_sync.8', files.next(damaged));
    expect(reader.read().problems).toEqual([
      expect.stringMatching(/diff_sync\.8:1: expected the name of a later diff file, got .*diff_sync\.1$/),
      expect.stringContaining('diff_sync.8:2: '),
      expect.stringContaining('diff_sync.8:3: '),
      expect.stringContaining('diff_sync.8:4: '),
    ]);
    files.appendDiff('diff_sync.8', files.next('diff_sync.10'));
    expect(reader.read().problems).toEqual([]);
    expect(reader.file).toBe(files.diffPath('diff_sync.10'));
  });

  it('reads a file of many chunks to its end', () => {
    const { files, read } = open();
    const many = 20_000;
    files.appendDiff('a', (LINES[0] ?? '').repeat(many));
    expect(read()).toHaveLength(many);
  });

  it('skips a line that never ends', () => {
    const { files, reader } = open();
    files.appendDiff('a', 'x'.repeat(3 << 20), '\n', LINES[0] ?? '');
    const { entries, problems } = reader.read();
    expect(entries).toHaveLength(1);
    expect(problems[0]).toContain('a line of more than 1048576 bytes');
  });

  it('throws what the file system says of anything that is no file', () => {
    const { files } = open();
    mkdirSync(files.diffPath('d'));
    writeFileSync(files.diffPath('d/x'), '');
    const reader = new DiffReader('d', files.paths.diff_sync_dir);
    expect(() => reader.read()).toThrow(/EISDIR/);
  });
});
