import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { readDiffLine, readSnapshot } from '@surealived/shared/snapshot/read';
import { describe, expect, it, onTestFinished } from 'vitest';
import { limitFileSize, temporaryDirectory } from '../../../shared/src/files.test-kit.js';
import { at, realConfig, recordingLog, virtualConfig } from '../services.test-kit.js';
import { createVirtual, diffEntries, type Real, snapshotVirtual } from '../state.js';
import { FileHandover } from './file-handover.js';

const EPOCH = 1_795_169_196;

function handoverIn(directory = temporaryDirectory(), reals = 2) {
  const paths = {
    lock_sync_file: join(directory, 'lock'),
    full_sync_file: join(directory, 'full'),
    full_reload_file: join(directory, 'reload'),
    diff_sync_dir: join(directory, 'diffs'),
  };
  const configs = Array.from({ length: reals }, (_, i) => realConfig(`w${i}`, { port: 80 + i }));
  const virtual = createVirtual(virtualConfig(configs));
  const recorded = recordingLog();
  /** What happens right after the next snapshot was made, before it is written. */
  const during: { snapshot: (() => void) | undefined } = { snapshot: undefined };
  const time = { nowMs: EPOCH * 1000 };
  const handover = new FileHandover({
    paths,
    log: recorded.log,
    source: () => {
      const virtuals = [snapshotVirtual(virtual)];
      const { snapshot } = during;
      during.snapshot = undefined;
      snapshot?.();
      return virtuals;
    },
    wallNow: () => new Date(time.nowMs),
  });
  onTestFinished(() => handover.stop());
  /** Sets the weight of a real and passes the change on. */
  const change = (index: number, weight: number): void => {
    const real = virtual.reals[index] as Real;
    real.override = { kind: 'absolute', weight };
    handover.change(diffEntries(virtual, real));
  };
  return { handover, virtual, change, during, paths, directory, time, ...recorded };
}

type Paths = ReturnType<typeof handoverIn>['paths'];

const full = ({ full_sync_file }: Paths) => readSnapshot(readFileSync(full_sync_file, 'utf8'), 'full');
const diffsOf = ({ diff_sync_dir }: Paths): readonly string[] => readdirSync(diff_sync_dir).sort();
const diffText = ({ diff_sync_dir }: Paths, epoch: number): string =>
  readFileSync(join(diff_sync_dir, `diff_sync.${epoch}`), 'utf8');

/** What a diff file says, in short. */
function diff(paths: Paths, epoch: number): readonly string[] {
  return diffText(paths, epoch)
    .split('\n')
    .flatMap((text, index) => {
      const line = readDiffLine(text, 'diff', index + 1);
      if (!line) return [];
      return line.kind === 'next' ? [`DIFF ${line.file.slice(-10)}`] : [shortly(line.entry)];
    });
}

function shortly({ command, real }: { command: string; real: { name: string; weight: number } }): string {
  return `${command} ${real.name} ${real.weight}`;
}

/** Another process that has the hand-over lock until it is told to let go. */
async function lockElsewhere(path: string): Promise<() => void> {
  const child = spawn('flock', [path, 'sh', '-c', 'echo locked; read line'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return () => void child.stdin.end('go\n');
}

describe('FileHandover', () => {
  it('starts with a full snapshot, its empty diff and the reload flag', async () => {
    const { handover, paths } = handoverIn();
    await handover.start();
    expect(full(paths)).toMatchObject({
      diffFile: join(paths.diff_sync_dir, `diff_sync.${EPOCH}`),
      virtuals: [{ name: 'web', reals: [{ weight: 10 }, { weight: 10 }] }],
    });
    expect(diffText(paths, EPOCH)).toBe('');
    expect(existsSync(paths.full_reload_file)).toBe(true);
  });

  it('numbers snapshots by the time, and goes on rising when the clock was set back, also in the next process', async () => {
    const generations: (number | undefined)[] = [];
    const first = handoverIn();
    await first.handover.start();
    generations.push(full(first.paths).generation);
    for (const sinceMs of [60_000, -3_600_000, -86_400_000, 90_000]) {
      first.time.nowMs = EPOCH * 1000 + sinceMs;
      await first.handover.refresh();
      generations.push(full(first.paths).generation);
    }
    await first.handover.stop();
    const second = handoverIn(first.directory);
    second.time.nowMs = EPOCH;
    await second.handover.start();
    generations.push(full(first.paths).generation);
    const steps = generations.map((generation) => Number(generation) - EPOCH * 1000);
    expect(steps).toEqual([0, 60_000, 60_001, 60_002, 90_000, 90_001]);
  });

  it.each([
    ['there is none', () => undefined],
    ['it is torn', (text: string) => text.slice(0, text.indexOf('real '))],
    ['another wrote it', (text: string) => text.replace(/ format=.*/, '')],
  ])(
    'has the reader take any generation where that of the last snapshot is not known: %s',
    async (_why, damage) => {
      const first = handoverIn();
      await first.handover.start();
      await first.handover.stop();
      const { full_sync_file, full_reload_file } = first.paths;
      const text = damage(readFileSync(full_sync_file, 'utf8'));
      if (text === undefined) unlinkSync(full_sync_file);
      else writeFileSync(full_sync_file, text);
      const second = handoverIn(first.directory);
      await second.handover.start();
      expect(readFileSync(full_reload_file, 'utf8')).toBe('any-generation\n');
      await second.handover.stop();
      const third = handoverIn(first.directory);
      await third.handover.start();
      expect(readFileSync(full_reload_file, 'utf8')).toBe('');
    },
  );

  it('tells with each change when it was made, also where it waits for the lock', async () => {
    const { handover, change, time, paths } = handoverIn();
    await handover.start();
    const letGo = await lockElsewhere(paths.lock_sync_file);
    change(0, 1);
    time.nowMs += 5000;
    change(1, 2);
    letGo();
    await handover.stop();
    const times = [...diffText(paths, EPOCH).matchAll(/ at=(\d+) crc32=[0-9a-f]{8}$/gm)];
    expect(times.map(([, at]) => Number(at) - EPOCH * 1000)).toEqual([0, 0, 5000, 5000]);
  });

  it('writes the snapshot where a symbolic link leads, also where there is none yet', async () => {
    const { handover, paths, directory } = handoverIn();
    mkdirSync(join(directory, 'storage'));
    symlinkSync('storage/full', paths.full_sync_file);
    await handover.start();
    await handover.refresh();
    expect(readlinkSync(paths.full_sync_file)).toBe('storage/full');
    expect(full(paths)).toMatchObject({ virtuals: [{ name: 'web' }] });
    expect(readdirSync(join(directory, 'storage'))).toEqual(['full']);
  });

  it('replaces a reload flag that is there already: it may be of another user, whose files are not ours to open', async () => {
    const { handover, paths, directory } = handoverIn();
    writeFileSync(paths.full_reload_file, '');
    linkSync(paths.full_reload_file, join(directory, 'left'));
    await handover.start();
    expect(statSync(paths.full_reload_file).ino).not.toBe(statSync(join(directory, 'left')).ino);
  });

  it('appends a change before change() returns: add and change of a present real, delete of another', async () => {
    const { handover, change, virtual, paths } = handoverIn();
    await handover.start();
    change(0, 7);
    expect(diff(paths, EPOCH)).toEqual(['addreal w0 7', 'chgreal w0 7']);
    const real = virtual.reals[1] as Real;
    real.adminState = 'DOWN';
    handover.change(diffEntries(virtual, real));
    expect(diff(paths, EPOCH).slice(2)).toEqual(['delreal w1 0']);
  });

  it('takes as many changes at once as a reload may make', async () => {
    const { handover, virtual, paths } = handoverIn();
    await handover.start();
    const entries = diffEntries(virtual, virtual.reals[0] as Real);
    handover.change(Array.from({ length: 100_000 }, () => entries).flat());
    expect(diffText(paths, EPOCH).split('\n')).toHaveLength(200_001);
  });

  it('chains the old diff to the new with every refresh, and sets no reload flag', async () => {
    const { handover, change, paths } = handoverIn();
    await handover.start();
    unlinkSync(paths.full_reload_file);
    change(0, 7);
    await handover.refresh();
    change(1, 8);
    await handover.refresh();
    expect(diff(paths, EPOCH).at(-1)).toBe(`DIFF ${EPOCH + 1}`);
    expect(diff(paths, EPOCH + 1)).toEqual(['addreal w1 8', 'chgreal w1 8', `DIFF ${EPOCH + 2}`]);
    expect(diff(paths, EPOCH + 2)).toEqual([]);
    expect(full(paths).virtuals[0]?.reals.map(({ weight }) => weight)).toEqual([7, 8]);
    expect(existsSync(paths.full_reload_file)).toBe(false);
  });

  it('never takes a diff file that is there already, as one of an earlier process in the same second', async () => {
    const first = handoverIn();
    await first.handover.start();
    first.change(0, 7);
    await first.handover.stop();
    const second = handoverIn(first.directory);
    await second.handover.start();
    expect(diff(first.paths, EPOCH)).toEqual(['addreal w0 7', 'chgreal w0 7']);
    expect(full(first.paths).diffFile).toMatch(new RegExp(`${EPOCH + 1}$`));
  });

  it('waits while a reader has the lock, then appends all changes in their order', async () => {
    const { handover, change, paths } = handoverIn();
    await handover.start();
    const letGo = await lockElsewhere(paths.lock_sync_file);
    change(0, 1);
    change(1, 2);
    change(0, 3);
    expect(diff(paths, EPOCH)).toEqual([]);
    letGo();
    await handover.stop();
    const expected = ['w0 1', 'w1 2', 'w0 3'].flatMap((name) => [`addreal ${name}`, `chgreal ${name}`]);
    expect(diff(paths, EPOCH)).toEqual(expected);
  });

  it('puts a change that the snapshot under way misses into both diffs', async () => {
    const { handover, change, during, paths } = handoverIn();
    await handover.start();
    const letGo = await lockElsewhere(paths.lock_sync_file);
    const refreshed = handover.refresh();
    change(0, 7); // before the snapshot is made
    during.snapshot = () => change(1, 8); // after
    letGo();
    await refreshed;
    expect(diff(paths, EPOCH)).toEqual([
      'addreal w0 7',
      'chgreal w0 7',
      'addreal w1 8',
      'chgreal w1 8',
      `DIFF ${EPOCH + 1}`,
    ]);
    expect(full(paths).virtuals[0]?.reals.map(({ weight }) => weight)).toEqual([7, 10]);
    expect(diff(paths, EPOCH + 1)).toEqual(['addreal w1 8', 'chgreal w1 8']);
  });

  it('drops a snapshot that is on its way when everything is to be written anew: the lines that follow are not for it', async () => {
    const { handover, change, during, paths } = handoverIn();
    await handover.start();
    unlinkSync(paths.full_reload_file);
    let rewritten: Promise<void> | undefined;
    const before: unknown[] = [];
    during.snapshot = () => {
      rewritten = handover.rewrite();
      change(0, 7);
      during.snapshot = () => before.push(full(paths).diffFile, existsSync(paths.full_reload_file));
    };
    await handover.refresh();
    change(1, 8);
    await rewritten;
    expect(before).toEqual([join(paths.diff_sync_dir, `diff_sync.${EPOCH}`), false]);
    expect(weightsOf(paths)).toEqual(['w0 7', 'w1 8']);
    expect(diff(paths, EPOCH)).toEqual([]);
    expect(diffsOf(paths)).toEqual([EPOCH, EPOCH + 2].map((epoch) => `diff_sync.${epoch}`));
    expect(existsSync(paths.full_reload_file)).toBe(true);
  });

  it('hands a change during the start over as soon as the start is done', async () => {
    const { handover, change, during, paths } = handoverIn();
    during.snapshot = () => change(0, 7);
    await handover.start();
    expect(diff(paths, EPOCH)).toEqual(['addreal w0 7', 'chgreal w0 7']);
  });

  it('keeps changes of any moment in one order, and snapshot and diff together are always the state', async () => {
    const { handover, change, virtual, paths } = handoverIn(undefined, 5);
    const refreshes: Promise<void>[] = [handover.start()];
    for (let round = 0; round < 60; round++) {
      change(round % 5, round);
      if (round % 7 === 0) refreshes.push(handover.refresh());
      await new Promise(setImmediate);
    }
    await Promise.all(refreshes);
    await handover.stop();
    const expected = virtual.reals.map(({ override, config }) => [
      config.name,
      override?.kind === 'absolute' && override.weight,
    ]);
    expect(weightsOf(paths).sort()).toEqual(expected.map(([name, weight]) => `${name} ${weight}`));
  });

  it('leaves nothing half-written when the disk is full, and hands everything over anew when it is not', async () => {
    const { handover, change, paths, entries } = handoverIn(undefined, 20); // whose snapshot needs more room than is left
    await handover.start();
    unlinkSync(paths.full_reload_file);
    change(0, 1);
    const [snapshot, lines] = [readFileSync(paths.full_sync_file, 'utf8'), diffText(paths, EPOCH)];
    const lift = limitFileSize(lines.length + 30); // in the middle of the next line
    change(0, 2);
    change(1, 3);
    await handover.refresh();
    expect(diffText(paths, EPOCH)).toBe(lines);
    expect(readFileSync(paths.full_sync_file, 'utf8')).toBe(snapshot);
    expect(diffsOf(paths)).toEqual([`diff_sync.${EPOCH}`]);
    expect(existsSync(paths.full_reload_file)).toBe(false);
    const trouble = ['file cannot be written, trying again', paths.full_sync_file];
    expect(entries.map(({ msg, file }) => [msg, file])).toEqual([trouble]);
    lift();
    await handover.refresh();
    expect(entries.at(-1)).toMatchObject({ level: 'info', msg: 'file is written again' });
    expect(weightsOf(paths).slice(0, 3)).toEqual(['w0 2', 'w1 3', 'w2 10']);
    expect(existsSync(paths.full_reload_file)).toBe(true);
  });

  it('tries again by itself', async () => {
    const { handover, change, paths, directory, stream } = handoverIn();
    await handover.start();
    unlinkSync(paths.full_reload_file);
    rmSync(paths.diff_sync_dir, { recursive: true });
    const failed = once(stream, 'entry');
    const flagged = appearance(directory, 'reload');
    change(0, 5);
    await failed;
    await flagged;
    expect(weightsOf(paths)).toEqual(['w0 5', 'w1 10']);
  });

  it('does not begin beside another surealived, and does when that is gone', async () => {
    const first = handoverIn();
    await first.handover.start();
    const second = handoverIn(first.directory);
    await expect(second.handover.start()).rejects.toThrow('another surealived writes these hand-over files');
    await first.handover.stop();
    await second.handover.start();
    await second.handover.stop();
  });

  it('says why it cannot start', async () => {
    const directory = temporaryDirectory();
    const { handover, paths } = handoverIn(directory);
    mkdirSync(paths.full_sync_file);
    await expect(handover.start()).rejects.toMatchObject({ code: 'EISDIR' });
    rmSync(paths.full_sync_file, { recursive: true });
    const lift = limitFileSize(0);
    await expect(handover.start()).rejects.toMatchObject({ code: 'EFBIG' });
    lift();
    expect(readdirSync(directory).sort()).toEqual(['diffs', 'full.owner', 'lock']);
    expect(diffsOf(paths)).toEqual([]);
  });
});

/** The table that a reader who starts now arrives at. */
function weightsOf(paths: Paths): string[] {
  const { virtuals, diffFile = '' } = full(paths);
  const weights = new Map(virtuals.flatMap(({ reals }) => reals.map(({ name, weight }) => [name, weight])));
  for (let file: string | undefined = diffFile; file; ) {
    const text: string = readFileSync(file, 'utf8');
    file = undefined;
    // a last line without its end is one that is still being written
    for (const content of text.split('\n').slice(0, -1)) {
      const line = readDiffLine(content, 'diff', 0);
      if (line?.kind === 'next') file = line.file;
      else if (line?.entry.command === 'delreal') weights.delete(line.entry.real.name);
      else if (line) weights.set(line.entry.real.name, line.entry.real.weight);
    }
  }
  return [...weights].map(([name, weight]) => `${name} ${weight}`);
}

/** Resolves once a file of that name is made. */
function appearance(directory: string, name: string): Promise<void> {
  return new Promise((resolve) => {
    const watcher = watch(directory, (_event, file) => {
      if (file === name) resolve();
    });
    onTestFinished(() => watcher.close());
  });
}

/** Changes and refreshes as fast as it can, saying after each change what a reader must see; dies at a random moment. */
const WRITER = `
  const { FileHandover } = await import('surealived/handover/file-handover');
  const { createLogger } = await import('@surealived/shared/log');
  const { parseAddress } = await import('@surealived/shared/address');
  const { writeSync } = await import('node:fs');
  const address = parseAddress('10.0.0.1');
  const real = { name: 'w', address, port: 80, weight: 0, lowerThreshold: 0, upperThreshold: 0, forwarding: 'dr',
    tunnel: { type: 'ipip', port: 0, flags: 'nocsum' } };
  const head = { name: 'web', protocol: 'tcp', address, port: 80, fwmark: 0, forwarding: 'dr', scheduler: 'rr' };
  const settings = { persistenceSec: 0, persistencePrefix: 32, persistenceEngine: '', schedulerFlags: [], onePacket: false, drainTimeoutSec: 0 };
  let weight = Number(process.argv[2]);
  const handover = new FileHandover({
    paths: JSON.parse(process.argv[1]),
    source: () => [{ ...head, ...settings, reals: [{ ...real, weight }] }],
    log: createLogger('writer', { level: 'error' }),
    wallNow: () => new Date(),
  });
  await handover.start();
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), Math.random() * 30);
  for (;;) {
    weight++;
    handover.change(['addreal', 'chgreal'].map((command) => ({ command, virtual: head, real: { ...real, weight } })));
    writeSync(1, weight + '\\n');
    if (weight % 20 === 0) void handover.refresh();
    if (weight % 5 === 0) await new Promise(setImmediate);
  }
`;

it('leaves a snapshot and diffs that lead to the state, whenever it is killed', async () => {
  const { paths } = handoverIn();
  let last = 0;
  for (let round = 0; round < 6; round++) {
    const writer = spawn(
      process.execPath,
      ['--input-type=module', '-e', WRITER, JSON.stringify(paths), String(last)],
      { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let said = '';
    writer.stdout.on('data', (text) => {
      said += text;
    });
    expect((await once(writer, 'close'))[1]).toBe('SIGKILL');
    const former = last;
    last = Number(said.trimEnd().split('\n').at(-1));
    const [, weight] = weightsOf(paths)[0]?.split(' ') ?? [];
    // changes during a refresh wait for its end, so the last ones may be lost with the process
    expect(Number(weight)).toBeGreaterThanOrEqual(former);
    expect(Number(weight)).toBeLessThanOrEqual(last + 1);
  }
});

it('keeps IPv6 in the files as it is', async () => {
  const { handover, virtual, paths } = handoverIn();
  const real: Real = {
    ...(virtual.reals[0] as Real),
    config: realConfig('six', { address: at('2001:db8::1') }),
  };
  await handover.start();
  handover.change(diffEntries(virtual, real));
  expect(diffText(paths, EPOCH)).toContain(' raddr=2001:db8::1 rport=80 ');
});
