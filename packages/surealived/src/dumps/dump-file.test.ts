import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { limitFileSize, temporaryDirectory } from '../../../shared/src/files.test-kit.js';
import { recordingLog } from '../services.test-kit.js';
import { WriteTroubles } from '../write-troubles.js';
import { DumpFile, keepUnreadable, readDump } from './dump-file.js';
import { parseOfflineDump } from './offline-dump.js';

function dumpIn(directory = temporaryDirectory(), restMs = 0) {
  const recorded = recordingLog();
  const troubles = new WriteTroubles({ log: recorded.log, wallNow: () => new Date(1_795_169_196_000) });
  const path = join(directory, 'state.dump');
  const state = { text: '', writes: 0 };
  const file = new DumpFile({
    path,
    troubles,
    restMs,
    content: () => {
      state.writes++;
      return state.text;
    },
  });
  file.start();
  onTestFinished(() => file.stop());
  const set = (text: string): void => {
    state.text = text;
    file.change();
  };
  return { file, path, set, state, troubles, ...recorded };
}

describe('DumpFile', () => {
  it('makes one write of the changes of one turn', async () => {
    const { file, path, set, state } = dumpIn();
    for (const text of ['a', 'b', 'c']) set(text);
    expect(await file.settled()).toBe(true);
    expect([readFileSync(path, 'utf8'), state.writes]).toEqual(['c', 1]);
  });

  it('settles when the state of the asking is on the disk, also while another write is under way', async () => {
    const { file, path, set } = dumpIn();
    set('a');
    await Promise.resolve();
    await Promise.resolve(); // the write of a has begun
    for (let i = 0; i < 20; i++) set(`b${i}`);
    expect(await file.settled()).toBe(true);
    expect(readFileSync(path, 'utf8')).toBe('b19');
    expect(await file.settled()).toBe(true);
  });

  it('rests between writes that are not urgent, and ends with the latest state', async () => {
    const { file, path, set, state } = dumpIn(undefined, 60_000);
    set('a');
    await file.settled();
    for (const text of ['b', 'c', 'd']) set(text);
    expect(state.writes).toBe(1);
    await file.stop();
    expect([readFileSync(path, 'utf8'), state.writes]).toEqual(['d', 2]);
    set('e');
    expect(await file.settled()).toBe(true);
    expect(state.writes).toBe(2);
  });

  it('keeps the old file whole when the disk is full, says so once, and catches up by itself', async () => {
    const { file, path, set, troubles, entries, stream } = dumpIn();
    set('old');
    await file.settled();
    const lift = limitFileSize(100);
    set('x'.repeat(200));
    expect(await file.settled()).toBe(false);
    expect(await file.settled()).toBe(false);
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(existsSync(`${path}.new`)).toBe(false);
    expect(troubles.list).toEqual([
      { file: path, since: new Date(1_795_169_196_000), cause: expect.stringContaining('EFBIG'), lost: 0 },
    ]);
    expect(entries).toMatchObject([
      { level: 'error', msg: 'file cannot be written, trying again', file: path },
    ]);
    lift();
    await once(stream, 'entry');
    expect(readFileSync(path, 'utf8')).toBe('x'.repeat(200));
    expect(entries[1]).toMatchObject({ level: 'info', msg: 'file is written again', file: path });
    expect(troubles.list).toEqual([]);
  });

  it('waits for a directory that is not there yet', async () => {
    const directory = temporaryDirectory();
    const { file, path, set } = dumpIn(join(directory, 'state'));
    set('a');
    expect(await file.settled()).toBe(false);
    mkdirSync(join(directory, 'state'));
    const watcher = watch(join(directory, 'state'));
    onTestFinished(() => watcher.close());
    expect(await file.settled()).toBe(true);
    expect(readFileSync(path, 'utf8')).toBe('a');
  });
});

describe('DumpFile that is not started', () => {
  it('writes nothing, and what has changed when it is', async () => {
    const path = join(temporaryDirectory(), 'state.dump');
    const { log } = recordingLog();
    const troubles = new WriteTroubles({ log, wallNow: () => new Date() });
    const [other, file] = [0, 1].map(() => new DumpFile({ path, troubles, restMs: 0, content: () => 'a' }));
    other?.change();
    const unsettled = other?.settled();
    await other?.stop();
    expect([await unsettled, existsSync(path)]).toEqual([false, false]);
    file?.change();
    const settled = file?.settled();
    file?.start();
    expect(await settled).toBe(true);
    await file?.stop();
  });
});

describe('readDump', () => {
  it('takes a missing file for an empty one, without a word', () => {
    const { log, entries } = recordingLog();
    expect(readDump(join(temporaryDirectory(), 'none'), parseOfflineDump, log)).toEqual([]);
    expect(entries).toEqual([]);
  });

  it('goes on without one that cannot be read', () => {
    const { log, entries } = recordingLog();
    expect(readDump(temporaryDirectory(), parseOfflineDump, log)).toBeUndefined();
    expect(entries).toMatchObject([{ level: 'warn', msg: 'dump cannot be read, going on without it' }]);
  });

  it('reads around what is not text, and tells of twenty bad lines at most', () => {
    const { log, entries } = recordingLog();
    const path = join(temporaryDirectory(), 'offline.dump');
    const good = Buffer.from('192.168.0.1:80:0:0 - 10.0.0.13:80\n');
    writeFileSync(
      path,
      Buffer.concat([good, Buffer.from([0xff, 0xfe, 0x0a]), Buffer.from('x\n'.repeat(99)), good]),
    );
    expect(readDump(path, parseOfflineDump, log)?.map(({ line }) => line)).toEqual([1, 102]);
    expect(entries).toHaveLength(21);
    expect(entries[20]).toMatchObject({ msg: 'further lines of a dump left out', file: path, lines: 80 });
  });
});

describe('keepUnreadable', () => {
  it('gives a dump another name, in the place of one of before', () => {
    const { log, entries } = recordingLog();
    const path = join(temporaryDirectory(), 'offline.dump');
    writeFileSync(path, 'new');
    writeFileSync(`${path}.bad`, 'old');
    keepUnreadable(path, log);
    expect([existsSync(path), readFileSync(`${path}.bad`, 'utf8')]).toEqual([false, 'new']);
    expect(entries).toMatchObject([{ level: 'warn', file: path, kept: `${path}.bad` }]);
  });

  it('says why it cannot', () => {
    const { log, entries } = recordingLog();
    const path = join(temporaryDirectory(), 'offline.dump');
    writeFileSync(path, '');
    mkdirSync(`${path}.bad`);
    keepUnreadable(path, log);
    expect(entries).toMatchObject([
      { msg: 'dump that cannot be read cannot be kept', cause: expect.stringContaining('EISDIR') },
    ]);
  });

  it('leaves alone what no write replaces, such as a directory given by mistake', () => {
    const { log, entries } = recordingLog();
    const path = temporaryDirectory();
    keepUnreadable(path, log);
    expect([existsSync(path), entries]).toEqual([true, []]);
  });
});
