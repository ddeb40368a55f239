import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ANY_GENERATION } from '@surealived/shared/snapshot/format';
import { describe, expect, it } from 'vitest';
import { Handover } from './handover.js';
import { DNS, diff, HandoverFiles, META, real, sealed, WEB } from './handover.test-kit.js';

const KEEP_FLAG = { removeReloadFlag: false };

/** The reals of all virtuals, as `address=weight`. */
function reals(handover: Handover): string {
  return [...handover.virtuals.values()]
    .flatMap((virtual) => virtual.reals.map(({ address, weight }) => `${address.text}=${weight}`))
    .join(' ');
}

async function loaded(...lines: readonly string[]): Promise<{ files: HandoverFiles; handover: Handover }> {
  const files = new HandoverFiles();
  files.writeFull('a', ...lines);
  files.appendDiff('a');
  const handover = new Handover(files.paths);
  expect(await handover.load(KEEP_FLAG)).toEqual([]);
  return { files, handover };
}

describe('load', () => {
  it('reads the snapshot and the whole chain of diffs', async () => {
    const files = new HandoverFiles();
    files.writeFull('a', WEB, real('10.0.0.11:80', 1), DNS, real('10.0.0.21:53', 1));
    files.appendDiff('a', diff('chgreal', '10.0.0.11:80', 2), files.next('b'));
    files.appendDiff('b', diff('addreal', '10.0.0.22:53', 3, DNS));
    const handover = new Handover(files.paths);
    expect(await handover.load(KEEP_FLAG)).toEqual([]);
    expect(reals(handover)).toBe('10.0.0.11=2 10.0.0.21=1 10.0.0.22=3');
  });

  it('reads names that are not UTF-8, as another writer may cut them', async () => {
    const { files, handover } = await loaded();
    const name = WEB.replace('vname=web', 'vname=w\xc4');
    writeFileSync(
      files.paths.full_sync_file,
      Buffer.from(`${META}${name}${real('10.0.0.11:80', 1)}`, 'latin1'),
    );
    expect(await handover.load(KEEP_FLAG)).toEqual([]);
    expect(reals(handover)).toBe('10.0.0.11=1');
  });

  it('removes the reload flag only where it is told to', async () => {
    const { files, handover } = await loaded(WEB);
    files.setReloadFlag();
    await handover.load(KEEP_FLAG);
    expect(existsSync(files.paths.full_reload_file)).toBe(true);
    await handover.load({ removeReloadFlag: true });
    expect(existsSync(files.paths.full_reload_file)).toBe(false);
  });

  it('tells of a diff file that is missing, and of a line about an unknown virtual', async () => {
    const files = new HandoverFiles();
    files.writeFull('a', WEB);
    const handover = new Handover(files.paths);
    expect(await handover.load(KEEP_FLAG)).toEqual([`${files.diffPath('a')}: missing`]);
    files.appendDiff('a', diff('addreal', '10.0.0.21:53', 1, DNS));
    expect(await handover.load(KEEP_FLAG)).toEqual([
      'a diff line names udp 10.0.0.2:53, which is not in the snapshot',
    ]);
  });

  it.each(['full_sync_file', 'lock_sync_file'] as const)('says that %s is missing, and why', async (key) => {
    const { files, handover } = await loaded(WEB);
    rmSync(files.paths[key]);
    const error = {
      code: 'SA_HANDOVER_MISSING',
      message: `${files.paths[key]}: missing; surealived must run first`,
    };
    await expect(handover.load(KEEP_FLAG)).rejects.toMatchObject(error);
  });

  it('keeps what it had when the snapshot is not sound', async () => {
    const { files, handover } = await loaded(WEB, real('10.0.0.11:80', 1));
    files.appendDiff('a', diff('chgreal', '10.0.0.11:80', 2));
    writeFileSync(files.paths.full_sync_file, 'meta version=1.0\nvirtual nonsense\nreal\n');
    await expect(handover.load(KEEP_FLAG)).rejects.toMatchObject({ code: 'SA_SNAPSHOT_INVALID' });
    expect(reals(handover)).toBe('10.0.0.11=1');
    expect(handover.advance().touched.size).toBe(1);
    expect(reals(handover)).toBe('10.0.0.11=2');
  });
});

describe('load, by generation', () => {
  async function at(generation: number): Promise<{ files: HandoverFiles; handover: Handover }> {
    const both = await loaded();
    both.files.writeSealed(generation, 'a', WEB, real('10.0.0.11:80', 1));
    await both.handover.load(KEEP_FLAG);
    expect(both.handover.generation).toBe(generation);
    return both;
  }

  it('takes a snapshot of the same or a later generation', async () => {
    const { files, handover } = await at(7);
    files.writeSealed(7, 'a', WEB, real('10.0.0.11:80', 2));
    await handover.load(KEEP_FLAG);
    files.writeSealed(9, 'a', WEB, real('10.0.0.11:80', 3));
    await handover.load(KEEP_FLAG);
    expect(reals(handover)).toBe('10.0.0.11=3');
  });

  it('refuses an older one, and one that is torn, and keeps what it had', async () => {
    const { files, handover } = await at(7);
    files.writeSealed(6, 'a', WEB, real('10.0.0.11:80', 2));
    files.setReloadFlag();
    await expect(handover.load({ removeReloadFlag: true })).rejects.toMatchObject({
      code: 'SA_SNAPSHOT_INVALID',
      message:
        `${files.paths.full_sync_file}:1: older than what is in force: ` +
        'expected generation 7 or higher, found 6; SIGHUP takes it all the same',
    });
    files.writeSealed(8, 'a', WEB, real('10.0.0.11:80', 2));
    const text = readFileSync(files.paths.full_sync_file, 'utf8');
    writeFileSync(files.paths.full_sync_file, text.slice(0, text.indexOf('real ')));
    await expect(handover.load(KEEP_FLAG)).rejects.toThrow(
      `${files.paths.full_sync_file}:1: torn: expected 1 virtuals, 1 reals, `,
    );
    expect([reals(handover), handover.generation]).toEqual(['10.0.0.11=1', 7]);
    expect(existsSync(files.paths.full_reload_file)).toBe(true);
  });

  it('goes with the snapshots whose diffs it follows, as far as they are whole', async () => {
    const files = new HandoverFiles();
    const handover = new Handover(files.paths);
    files.writeSealed(7, 'diff_sync.1', WEB, real('10.0.0.11:80', 1));
    files.appendDiff('diff_sync.1', files.next('diff_sync.2'));
    files.appendDiff('diff_sync.2');
    await handover.load(KEEP_FLAG);
    files.writeSealed(9, 'diff_sync.2', WEB, real('10.0.0.11:80', 1));
    handover.releaseConsumed(false);
    expect(handover.generation).toBe(9);
    files.writeSealed(11, 'diff_sync.2', WEB, real('10.0.0.11:80', 2));
    const text = readFileSync(files.paths.full_sync_file, 'utf8');
    writeFileSync(files.paths.full_sync_file, text.replace('generation=11', 'generation=71'));
    handover.releaseConsumed(false);
    expect(handover.generation).toBe(9);
    files.writeSealed(8, 'diff_sync.2', WEB, real('10.0.0.11:80', 2));
    handover.releaseConsumed(false);
    await expect(handover.load(KEEP_FLAG)).rejects.toThrow('expected generation 9 or higher, found 8');
  });

  it('takes an older one where the reload flag says that it is meant', async () => {
    const { files, handover } = await at(7);
    files.writeSealed(6, 'a', WEB, real('10.0.0.11:80', 2));
    files.setReloadFlag(ANY_GENERATION);
    await handover.load({ removeReloadFlag: true });
    expect([reals(handover), handover.generation]).toEqual(['10.0.0.11=2', 6]);
  });

  it('takes one without generation, as the original writes it, and any after that', async () => {
    const { files, handover } = await at(7);
    files.writeFull('a', WEB, real('10.0.0.11:80', 2));
    await handover.load(KEEP_FLAG);
    expect([reals(handover), handover.generation]).toEqual(['10.0.0.11=2', undefined]);
    files.writeSealed(1, 'a', WEB, real('10.0.0.11:80', 3));
    await handover.load(KEEP_FLAG);
    expect(reals(handover)).toBe('10.0.0.11=3');
  });
});

describe('load, with the lock elsewhere', () => {
  it('waits for another process, and goes on as soon as that is dead', async () => {
    const { files, handover } = await loaded(WEB);
    files.writeFull('a', DNS);
    const holder = spawn('flock', [files.paths.lock_sync_file, 'sh', '-c', 'echo locked; read line'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true, // a group of its own, that dies as a whole
    });
    await once(holder.stdout, 'data');
    let isLoaded = false;
    const loading = handover.load(KEEP_FLAG).then(() => {
      isLoaded = true;
    });
    for (let i = 0; i < 10; i++) await new Promise(setImmediate);
    expect(isLoaded).toBe(false);
    process.kill(-Number(holder.pid), 'SIGKILL');
    await loading;
    expect([...handover.virtuals.values()]).toMatchObject([{ name: 'dns' }]);
  });
});

describe('advance', () => {
  it('tells when a verdict was reached, once for each', async () => {
    const { files, handover } = await loaded(WEB);
    const lines = ['addreal', 'chgreal', 'delreal'].map((command) => diff(command, '10.0.0.11:80', 2));
    files.appendDiff('a', ...lines.map((line, index) => sealed(line, 1000 + index)), lines[1] ?? '');
    expect(handover.advance().decidedAtMs).toEqual([1001, 1002]);
  });

  it('names the virtuals that a diff touched', async () => {
    const { files, handover } = await loaded(WEB, real('10.0.0.11:80', 1), DNS, real('10.0.0.21:53', 1));
    files.appendDiff('a', diff('chgreal', '10.0.0.21:53', 5, DNS));
    const news = handover.advance();
    const touched = new Set(['10.0.0.2:53:1:0']);
    expect(news).toEqual({ touched, decidedAtMs: [], problems: [], needsReload: false });
    expect(reals(handover)).toBe('10.0.0.11=1 10.0.0.21=5');
    expect(handover.advance().touched.size).toBe(0);
  });

  it('asks for everything anew when a line names a virtual that is not known', async () => {
    const { files, handover } = await loaded(WEB);
    files.appendDiff('a', diff('addreal', '10.0.0.21:53', 1, DNS));
    expect(handover.advance()).toMatchObject({ needsReload: true });
  });
});

describe('isBehindSnapshot', () => {
  it('tells a snapshot that goes on elsewhere from one whose diff we have or had', async () => {
    const { files, handover } = await loaded(WEB);
    expect(handover.isBehindSnapshot).toBe(false);
    files.appendDiff('b');
    files.appendDiff('a', files.next('b'));
    handover.advance();
    expect(handover.isBehindSnapshot).toBe(false);
    files.writeFull('x', WEB);
    expect(handover.isBehindSnapshot).toBe(true);
  });
});

describe('releaseConsumed', () => {
  /** Whether each of the diff files a, b, c is there. */
  const left = (files: HandoverFiles): string =>
    ['a', 'b', 'c'].filter((name) => existsSync(files.diffPath(name))).join('');

  async function chain(): Promise<{ files: HandoverFiles; handover: Handover }> {
    const both = await loaded(WEB);
    both.files.appendDiff('a', both.files.next('b'));
    both.files.appendDiff('b', both.files.next('c'));
    both.files.appendDiff('c');
    both.handover.advance();
    return both;
  }

  it('never removes the file that the snapshot names, nor one behind it', async () => {
    const { files, handover } = await chain();
    handover.releaseConsumed(true);
    expect(left(files)).toBe('abc');
    files.writeFull('b', WEB);
    handover.releaseConsumed(true);
    expect(left(files)).toBe('bc');
    files.writeFull('c', WEB);
    handover.releaseConsumed(true);
    expect(left(files)).toBe('c');
  });

  it('waits until the next file is there', async () => {
    const { files, handover } = await loaded(WEB);
    files.appendDiff('a', files.next('b'));
    handover.advance();
    files.writeFull('b', WEB);
    handover.releaseConsumed(true);
    expect(left(files)).toBe('a');
    files.appendDiff('b');
    handover.advance();
    handover.releaseConsumed(true);
    expect(left(files)).toBe('b');
  });

  it('removes the files of a chain that was given up', async () => {
    const { files, handover } = await chain();
    files.writeFull('x', WEB);
    files.appendDiff('x');
    await handover.load(KEEP_FLAG);
    handover.releaseConsumed(true);
    expect(left(files)).toBe('');
    expect(existsSync(files.diffPath('x'))).toBe(true);
  });

  it('lets go of what it may not remove, and says so once per directory', async () => {
    const { files } = await chain();
    const told: string[] = [];
    const handover = new Handover(files.paths, (file, reason) => told.push(`${file}: ${reason.slice(0, 6)}`));
    files.setReloadFlag();
    files.protect();
    for (const name of ['a', 'b', 'c']) {
      files.asWriter(() => files.writeFull(name, WEB));
      await handover.load({ removeReloadFlag: true });
      handover.advance();
      expect(handover.releaseConsumed(true)).toEqual([]);
    }
    expect(told).toEqual([`${files.paths.full_reload_file}: EACCES`, `${files.diffPath('a')}: EACCES`]);
    files.asWriter(() => files.writeFull('c', WEB));
    expect(left(files)).toBe('abc');
  });

  it('keeps all where it is told to', async () => {
    const { files, handover } = await chain();
    files.writeFull('c', WEB);
    handover.releaseConsumed(false);
    expect(left(files)).toBe('abc');
  });

  it('leaves what it may not remove, and goes on', async () => {
    const { files, handover } = await chain();
    rmSync(files.diffPath('a'));
    mkdirSync(files.diffPath('a')); // is no more to be removed than the file of a directory without rights
    files.writeFull('c', WEB);
    expect(handover.releaseConsumed(true)).toEqual([files.diffPath('b')]);
    expect(left(files)).toBe('ac');
    expect(handover.releaseConsumed(true)).toEqual([]);
  });

  it('removes nothing outside of the diff directory, whatever the lines say', async () => {
    const files = new HandoverFiles();
    const outside = join(dirname(files.paths.diff_sync_dir), 'precious');
    const deeper = files.diffPath('deeper/precious');
    mkdirSync(dirname(deeper));
    for (const file of [outside, deeper]) writeFileSync(file, '');
    writeFileSync(files.diffPath('a'), 'DIFF file=../precious\n');
    writeFileSync(outside, 'DIFF file=deeper/precious\n');
    writeFileSync(deeper, 'DIFF file=b\n');
    files.appendDiff('b');
    files.writeFull('a', WEB);
    const handover = new Handover(files.paths);
    await handover.load(KEEP_FLAG);
    files.writeFull('b', WEB);
    handover.releaseConsumed(true);
    expect([outside, deeper, files.diffPath('a')].map((file) => existsSync(file))).toEqual([
      true,
      true,
      false,
    ]);
  });
});
