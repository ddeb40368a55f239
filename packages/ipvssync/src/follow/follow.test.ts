import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemClock } from '@surealived/shared/clock';
import { HandoverMissingError } from '@surealived/shared/errors';
import { holdFileLock, tryWithFileLock } from '@surealived/shared/file-lock';
import { createLogger } from '@surealived/shared/log';
import { ANY_GENERATION } from '@surealived/shared/snapshot/format';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DNS, diff, HandoverFiles, real, sealed, WEB } from '../handover/handover.test-kit.js';
import type { OperationResult } from '../ipvs/operation-result.js';
import type { WantedSettings } from '../ipvs/settings.js';
import { daemon } from '../ipvs/settings.test-kit.js';
import type { DestinationConnections, Operation, Service, ServiceId } from '../ipvs/table.js';
import { destinationKey } from '../ipvs/table.js';
import { service } from '../ipvs/table.test-kit.js';
import { SettingsKeeper } from '../keeper/settings-keeper.js';
import { MemoryTable } from '../memory/memory-table.js';
import { type FollowOptions, follow } from './follow.js';
import type { FollowStatus } from './follow-status.js';
import { Requests } from './requests.js';

/** Long enough never to come: what a test sees with it, it owes to inotify. */
const NEVER_MS = 3_600_000;
const SOON_MS = 5;

class TestTable extends MemoryTable {
  /** What the next `apply` throws instead of working. */
  failure: Error | undefined;
  /** Of each destination. */
  connections = 0;
  onApply: () => void = () => undefined;
  onApplied: () => void = () => undefined;

  override async readConnections(service: ServiceId): Promise<readonly DestinationConnections[]> {
    const all = await super.readConnections(service);
    return all.map((one) => ({ ...one, active: this.connections }));
  }

  override async apply(operations: readonly Operation[]): Promise<readonly OperationResult[]> {
    const { failure } = this;
    this.failure = undefined;
    if (failure) throw failure;
    this.onApply();
    const results = await super.apply(operations);
    this.onApplied();
    return results;
  }
}

/** A follower at work, and what can be seen of it: its table and its log. */
class Following {
  readonly files = new HandoverFiles();
  readonly lines: string[] = [];
  readonly table: TestTable;
  readonly requests = new Requests();
  wanted: WantedSettings = { timeouts: { tcpSec: 0, tcpFinSec: 0, udpSec: 0 }, daemons: undefined };
  readonly #stop = new AbortController();
  #waiting: (() => void)[] = [];
  #running: Promise<void> | undefined;

  constructor(services: readonly Service[] = []) {
    this.table = new TestTable(services);
    this.table.onApplied = () => this.#news();
    onTestFinished(() => this.stop());
  }

  /** Starts, and waits until the table is as the snapshot says. */
  async start(
    pollMs = NEVER_MS,
    options: Partial<FollowOptions> & { deleteUnmanaged?: boolean } = {},
  ): Promise<void> {
    const { deleteUnmanaged = false, ...rest } = options;
    const sink = { write: (line: string) => this.#logged(line) };
    const log = createLogger('test', { level: 'debug', format: 'text', sink });
    const store = this.table.settings;
    this.#running = follow({
      paths: this.files.paths,
      table: this.table,
      policy: () => ({ deleteUnmanaged }),
      settings: new SettingsKeeper({ store, want: () => this.wanted, log, clock: systemClock }),
      keepDiffs: false,
      log,
      clock: systemClock,
      signal: this.#stop.signal,
      pollMs,
      requests: this.requests,
      ...rest,
    });
    await Promise.race([this.#running, this.until(() => this.logged('snapshot read'))]);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Waits for an end that nobody asked for. */
  async ended(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running;
  }

  /** Waits, asking again whenever the table was written or something was logged. */
  async until(isSo: () => boolean | Promise<boolean>): Promise<void> {
    for (;;) {
      const news = new Promise<void>((resolve) => this.#waiting.push(resolve)); // before asking: none is missed
      if (await isSo()) return;
      await news;
    }
  }

  /** Waits until the destinations of all services are these, as `10.0.0.11:80=5`. */
  async untilTable(expected: string): Promise<void> {
    await this.until(async () => (await this.destinations()) === expected);
  }

  async destinations(): Promise<string> {
    const services = await this.table.read();
    const all = services.flatMap(({ destinations }) => destinations);
    return all.map((real) => `${destinationKey(real).replace(' ', ':')}=${real.weight}`).join(' ');
  }

  logged(text: string): boolean {
    return this.lines.some((line) => line.includes(text));
  }

  #logged(line: string): void {
    this.lines.push(line);
    this.#news();
  }

  #news(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}

/** A follower that has made the table of one virtual with one real. */
async function following(pollMs = NEVER_MS): Promise<Following> {
  const one = new Following();
  one.files.writeFull('a', WEB, real('10.0.0.11:80', 1));
  one.files.appendDiff('a');
  one.files.setReloadFlag();
  await one.start(pollMs);
  await one.untilTable('10.0.0.11:80=1');
  return one;
}

describe('follow, at its start', () => {
  it('makes the table, removes the reload flag and logs what it did', async () => {
    const one = await following();
    await one.until(() => one.logged('table synchronised operations=2 failed=0 durationMs='));
    expect(
      one.logged('operation done operation="+ tcp 10.0.0.1:80 real 10.0.0.11:80 forwarding dr weight 1"'),
    ).toBe(true);
    expect(existsSync(one.files.paths.full_reload_file)).toBe(false);
  });

  it('makes the settings too, and repairs them when everything is read anew', async () => {
    const one = new Following();
    one.wanted = { timeouts: { tcpSec: 0, tcpFinSec: 0, udpSec: 7 }, daemons: [daemon('backup')] };
    one.files.writeFull('a', WEB);
    one.files.appendDiff('a');
    await one.start();
    await one.until(() => one.logged('setting changed change="+ sync daemon backup on lo'));
    await one.table.settings.apply({ kind: 'stopDaemon', daemon: daemon('backup') });
    one.files.setReloadFlag();
    await one.until(async () => (await one.table.settings.read()).daemons.length > 0);
    expect((await one.table.settings.read()).timeouts.udpSec).toBe(7);
  });

  it('waits for a snapshot that it can follow, where it may, and tells each reason once', async () => {
    const one = new Following([service('tcp 10.0.0.9:80')]);
    const { full_sync_file } = one.files.paths;
    const told: (string | undefined)[] = [];
    const onWaiting = async (look: () => FollowStatus): Promise<void> => void told.push(look().trouble);
    const started = one.start(SOON_MS, { onWaiting, deleteUnmanaged: true });
    await one.until(() => one.logged('missing; surealived must run first'));
    one.files.writeFull('a');
    await one.until(() => one.logged('no virtual at all'));
    expect(await one.table.read()).toHaveLength(1);
    one.files.writeFull('b', WEB, real('10.0.0.11:80', 1));
    await started;
    await one.untilTable('10.0.0.11:80=1');
    expect(told.at(-1)).toBe(`${full_sync_file}: no virtual at all; --allow-empty takes it`);
    expect(new Set(told).size).toBe(told.length);
  });

  it('ends while it waits, without having touched the table', async () => {
    const one = new Following([service('tcp 10.0.0.9:80')]);
    void one.start(NEVER_MS, { onWaiting: async () => undefined, deleteUnmanaged: true });
    await one.until(() => one.logged('no snapshot that can be followed, the table stays'));
    await one.stop();
    expect(await one.table.read()).toHaveLength(1);
  });

  it('leaves unknown services alone, or deletes them with -u', async () => {
    for (const deleteUnmanaged of [false, true]) {
      const one = new Following([service('tcp 10.0.0.9:80')]);
      one.files.writeFull('a', WEB);
      one.files.appendDiff('a');
      await one.start(NEVER_MS, { deleteUnmanaged });
      await one.until(() => one.logged('table synchronised'));
      expect((await one.table.read()).map(({ port }) => port)).toEqual(deleteUnmanaged ? [80] : [80, 80]);
      await one.stop();
    }
  });

  it.each(['full_sync_file', 'lock_sync_file'] as const)('refuses to begin without %s', async (key) => {
    const one = new Following();
    one.files.writeFull('a', WEB);
    rmSync(one.files.paths[key]);
    const files = one.files.paths;
    const options = {
      table: one.table,
      policy: () => ({ deleteUnmanaged: false }),
      keepDiffs: false,
      clock: systemClock,
    };
    const log = createLogger('test', { level: 'error', sink: { write: () => undefined } });
    const running = follow({ ...options, paths: files, log, signal: new AbortController().signal });
    await expect(running).rejects.toMatchObject({ code: 'SA_HANDOVER_MISSING' });
  });

  it('stops where it is told to, and leaves the table', async () => {
    const one = await following();
    await one.stop();
    expect(await one.destinations()).toBe('10.0.0.11:80=1');
  });
});

describe('follow, by inotify alone', () => {
  it('takes each diff line to the table', async () => {
    const one = await following();
    one.files.appendDiff('a', diff('chgreal', '10.0.0.11:80', 7));
    await one.untilTable('10.0.0.11:80=7');
    one.files.appendDiff('a', diff('addreal', '10.0.0.12:80', 2), diff('chgreal', '10.0.0.12:80', 3));
    await one.untilTable('10.0.0.11:80=7 10.0.0.12:80=3');
    one.files.appendDiff('a', diff('delreal', '10.0.0.11:80', 0));
    await one.untilTable('10.0.0.12:80=3');
  });

  it('waits for the second half of a line', async () => {
    const one = await following();
    const line = diff('chgreal', '10.0.0.11:80', 7);
    one.files.appendDiff('a', line.slice(0, -3));
    one.files.appendDiff('a', line.slice(-3), diff('addreal', '10.0.0.12:80', 1));
    await one.untilTable('10.0.0.11:80=7 10.0.0.12:80=1');
    expect(one.logged('diff refused')).toBe(false);
  });

  it('refuses a line that cannot be read, and goes on behind it', async () => {
    const one = await following();
    one.files.appendDiff('a', 'cmd=chgreal vname=\n', diff('chgreal', '10.0.0.11:80', 7));
    await one.untilTable('10.0.0.11:80=7');
    expect(one.logged(`diff refused reason="${one.files.diffPath('a')}:1: `)).toBe(true);
  });

  it('reads the next full snapshot where a line was refused, since that knows what it said', async () => {
    const one = await following();
    one.files.appendDiff('a', 'cmd=chgreal vname=\n', diff('addreal', '10.0.0.12:80', 1));
    await one.untilTable('10.0.0.11:80=1 10.0.0.12:80=1');
    one.files.appendDiff('b');
    one.files.writeFull('b', WEB, real('10.0.0.11:80', 7), real('10.0.0.12:80', 1));
    one.files.appendDiff('a', one.files.next('b'));
    await one.untilTable('10.0.0.11:80=7 10.0.0.12:80=1');
  });

  it('follows to the next diff file', async () => {
    const one = await following();
    one.files.appendDiff('b', diff('chgreal', '10.0.0.11:80', 8));
    one.files.writeFull('b', WEB, real('10.0.0.11:80', 1));
    one.files.appendDiff('a', one.files.next('b'));
    await one.untilTable('10.0.0.11:80=8');
    one.files.appendDiff('b', diff('chgreal', '10.0.0.11:80', 9));
    await one.untilTable('10.0.0.11:80=9');
  });

  it('reads everything anew at the reload flag', async () => {
    const one = await following();
    one.files.appendDiff('x', diff('chgreal', '10.0.0.21:53', 5, DNS));
    one.files.writeFull('x', DNS, real('10.0.0.21:53', 1));
    one.files.setReloadFlag();
    await one.untilTable('10.0.0.11:80=1 10.0.0.21:53=5');
    await one.until(() => !existsSync(one.files.paths.full_reload_file));
  });

  it('reads everything anew when a diff names a virtual that it does not know', async () => {
    const one = await following();
    one.files.writeFull('a', WEB, real('10.0.0.11:80', 4), DNS);
    one.files.appendDiff('a', diff('addreal', '10.0.0.21:53', 5, DNS));
    await one.untilTable('10.0.0.11:80=4 10.0.0.21:53=5');
    expect(one.logged('a diff line names udp 10.0.0.2:53, which is not in the snapshot')).toBe(true);
  });

  it('reads everything anew when the diff file is cut', async () => {
    const one = await following();
    one.files.appendDiff('a', diff('chgreal', '10.0.0.11:80', 7));
    await one.untilTable('10.0.0.11:80=7');
    writeFileSync(one.files.diffPath('a'), '');
    await one.untilTable('10.0.0.11:80=1');
  });

  it('never acts on a snapshot that is not sound, and takes the next that is', async () => {
    const one = await following();
    writeFileSync(one.files.paths.full_sync_file, 'meta version=1.0\nvirtual vname=web\n');
    one.files.setReloadFlag();
    await one.until(() => one.logged('hand-over files refused, the table stays'));
    expect(await one.destinations()).toBe('10.0.0.11:80=1');
    one.files.appendDiff('a', diff('chgreal', '10.0.0.11:80', 6));
    await one.untilTable('10.0.0.11:80=6');
    const whole = one.files.paths.full_sync_file;
    one.files.writeFull('b', WEB, real('10.0.0.12:80', 2));
    renameSync(whole, `${whole}.new`);
    renameSync(`${whole}.new`, whole);
    await one.untilTable('10.0.0.12:80=2');
  });

  it.each([
    ['a flag says that it is meant', (one: Following) => one.files.setReloadFlag(ANY_GENERATION)],
    ['somebody asks for it', (one: Following) => one.requests.reload()],
  ])('refuses an older snapshot, also at a reload flag, until %s', async (_who, insist) => {
    const one = await following();
    one.files.writeSealed(7, 'a', WEB, real('10.0.0.11:80', 7));
    one.files.setReloadFlag();
    await one.untilTable('10.0.0.11:80=7');
    one.files.writeSealed(6, 'a', WEB, real('10.0.0.11:80', 6));
    one.files.setReloadFlag();
    await one.until(() => one.logged('expected generation 7 or higher, found 6'));
    one.files.appendDiff('a', sealed(diff('addreal', '10.0.0.12:80', 2), 1));
    await one.untilTable('10.0.0.11:80=7 10.0.0.12:80=2');
    insist(one);
    await one.untilTable('10.0.0.11:80=6 10.0.0.12:80=2');
  });

  it('goes by no clock: files are taken whose times lie in the past or in the future', async () => {
    const one = await following();
    const { full_sync_file, full_reload_file } = one.files.paths;
    for (const [weight, year] of [
      [2, 1990],
      [3, 2100],
      [4, 1980],
    ] as const) {
      const time = new Date(year, 0);
      one.files.writeSealed(weight, 'a', WEB, real('10.0.0.11:80', weight));
      utimesSync(full_sync_file, time, time);
      writeFileSync(`${full_reload_file}.new`, '');
      utimesSync(`${full_reload_file}.new`, time, time);
      renameSync(`${full_reload_file}.new`, full_reload_file);
      await one.untilTable(`10.0.0.11:80=${weight}`);
      one.files.appendDiff('a', sealed(diff('addreal', '10.0.0.12:80', weight), time.getTime()));
      utimesSync(one.files.diffPath('a'), time, time);
      await one.untilTable(`10.0.0.11:80=${weight} 10.0.0.12:80=${weight}`);
      writeFileSync(one.files.diffPath('a'), '');
    }
  });

  it('tells how long ago the verdict was that is in the table now', async () => {
    const one = await following();
    one.files.appendDiff('a', sealed(diff('chgreal', '10.0.0.11:80', 7), Date.now() - 60_000));
    await one.until(() => one.lines.some((line) => /table synchronised .* latencyMs=6\d{4}\b/.test(line)));
    one.files.appendDiff('a', diff('chgreal', '10.0.0.11:80', 8));
    await one.untilTable('10.0.0.11:80=8');
    await one.until(() => one.lines.at(-1)?.includes('table synchronised') === true);
    expect(one.lines.at(-1)).not.toContain('latencyMs');
  });

  it('keeps the table while diff file and directory are gone, and takes the next that the tester writes', async () => {
    const one = await following();
    one.files.appendDiff('a', diff('chgreal', '10.0.0.11:80', 7));
    await one.untilTable('10.0.0.11:80=7');
    rmSync(one.files.diffPath('a'));
    await one.until(() => one.logged(`diff refused reason="${one.files.diffPath('a')}: missing"`));
    expect(await one.destinations()).toBe('10.0.0.11:80=7');
    one.files.writeFull('b', WEB, real('10.0.0.11:80', 8));
    one.files.appendDiff('b');
    one.files.setReloadFlag();
    await one.untilTable('10.0.0.11:80=8');
  });

  it('has let go of the lock before it writes the table', async () => {
    const one = await following();
    const free: boolean[] = [];
    one.table.onApply = () =>
      void free.push(tryWithFileLock(one.files.paths.lock_sync_file, () => true) !== undefined);
    one.files.writeFull('a', WEB, real('10.0.0.11:80', 2));
    one.files.setReloadFlag();
    await one.untilTable('10.0.0.11:80=2');
    expect(free).toEqual([true]);
  });

  it('goes on to look after the table while somebody sits on the lock, and reads when it is free', async () => {
    const one = await following(SOON_MS);
    const lock = holdFileLock(one.files.paths.lock_sync_file);
    one.files.writeFull('a', WEB, real('10.0.0.11:80', 2));
    one.files.setReloadFlag();
    await one.until(() => one.logged('locked by another process'));
    await one.table.apply([{ kind: 'deleteService', service: service('tcp 10.0.0.1:80') }]);
    one.requests.resync();
    await one.untilTable('10.0.0.11:80=1');
    lock?.release();
    await one.untilTable('10.0.0.11:80=2');
  });

  it('reads all of a large table back between two tries for a lock that somebody sits on', async () => {
    const one = new Following();
    let nowMs = 0;
    one.table.readParts = async function* () {
      for (let part = 0; part < 50; part++) {
        nowMs += 10; // longer than a turn
        yield [];
      }
      yield await this.read();
    };
    one.files.writeFull('a', WEB, real('10.0.0.11:80', 1));
    await one.start(SOON_MS, { clock: { ...systemClock, nowMs: () => nowMs } });
    await one.untilTable('10.0.0.11:80=1');
    const lock = holdFileLock(one.files.paths.lock_sync_file);
    one.files.setReloadFlag();
    await one.until(() => one.logged('locked by another process'));
    await one.table.apply([{ kind: 'deleteService', service: service('tcp 10.0.0.1:80') }]);
    one.requests.resync();
    await one.untilTable('10.0.0.11:80=1');
    lock?.release();
  });

  it('follows where it may not remove what it has read, and says so once', async () => {
    const one = await following();
    one.files.protect();
    for (const [weight, name, next] of [
      [2, 'a', 'b'],
      [3, 'b', 'c'],
      [4, 'c', 'd'],
    ] as const) {
      one.files.asWriter(() => {
        one.files.writeFull(next, WEB, real('10.0.0.11:80', weight));
        one.files.appendDiff(next);
        one.files.appendDiff(name, one.files.next(next));
        one.files.setReloadFlag();
      });
      await one.untilTable(`10.0.0.11:80=${weight}`);
    }
    one.files.asWriter(() => one.files.appendDiff('d', diff('chgreal', '10.0.0.11:80', 5)));
    await one.untilTable('10.0.0.11:80=5');
    one.files.asWriter(() => one.files.writeFull('d', WEB));
    one.requests.reload();
    await one.until(() => one.lines.filter((line) => line.includes('snapshot read')).length === 5);
    const troubles = one.lines.filter((line) => / (WARN|ERROR) /i.test(line));
    expect(troubles).toHaveLength(1);
    expect(troubles[0]).toContain(
      `read file cannot be removed, following goes on file=${one.files.paths.full_reload_file} reason="EACCES`,
    );
  });

  it('tells a refused snapshot once', async () => {
    const one = await following();
    writeFileSync(one.files.paths.full_sync_file, 'rubbish\n');
    one.files.setReloadFlag();
    await one.until(() => one.logged('table stays'));
    one.files.appendDiff('a', diff('chgreal', '10.0.0.11:80', 6));
    await one.untilTable('10.0.0.11:80=6');
    expect(one.lines.filter((line) => line.includes('table stays'))).toHaveLength(1);
  });
});

describe('follow, with its poll', () => {
  it('finds a diff directory that is made later', async () => {
    const one = new Following();
    rmSync(one.files.paths.diff_sync_dir, { recursive: true });
    one.files.writeFull('a', WEB, real('10.0.0.11:80', 1));
    await one.start(SOON_MS);
    await one.untilTable('10.0.0.11:80=1');
    mkdirSync(one.files.paths.diff_sync_dir);
    one.files.appendDiff('a', diff('chgreal', '10.0.0.11:80', 3));
    await one.untilTable('10.0.0.11:80=3');
  });

  it('finds a snapshot that goes on elsewhere, though nobody said so', async () => {
    const one = await following(SOON_MS);
    one.files.appendDiff('x', diff('chgreal', '10.0.0.12:80', 5));
    one.files.writeFull('x', WEB, real('10.0.0.12:80', 1));
    await one.untilTable('10.0.0.12:80=5');
  });

  it('removes the diff files behind the snapshot, or keeps them with -k', async () => {
    for (const keepDiffs of [false, true]) {
      const one = new Following();
      one.files.writeFull('a', WEB, real('10.0.0.11:80', 1));
      one.files.appendDiff('a');
      await one.start(SOON_MS, { keepDiffs });
      one.files.appendDiff('b', diff('chgreal', '10.0.0.11:80', 2));
      one.files.writeFull('b', WEB, real('10.0.0.11:80', 1));
      one.files.appendDiff('a', one.files.next('b'));
      if (!keepDiffs) await one.until(() => one.logged('diff removed'));
      else await one.untilTable('10.0.0.11:80=2');
      one.files.appendDiff('b', diff('chgreal', '10.0.0.11:80', 3));
      await one.untilTable('10.0.0.11:80=3');
      expect(existsSync(one.files.diffPath('a'))).toBe(keepDiffs);
      expect(existsSync(one.files.diffPath('b'))).toBe(true);
      await one.stop();
    }
  });

  it('keeps the table while the whole state directory is gone, and follows the one that comes', async () => {
    const one = await following(SOON_MS);
    const { paths } = one.files;
    one.files.appendDiff('a', diff('chgreal', '10.0.0.11:80', 7));
    await one.untilTable('10.0.0.11:80=7');
    const directory = dirname(paths.full_sync_file);
    renameSync(directory, `${directory}.away`);
    onTestFinished(() => rmSync(`${directory}.away`, { recursive: true, force: true }));
    await one.until(() => one.logged('missing'));
    expect(await one.destinations()).toBe('10.0.0.11:80=7');
    mkdirSync(paths.diff_sync_dir, { recursive: true });
    writeFileSync(paths.lock_sync_file, '');
    one.files.writeFull('z', WEB, real('10.0.0.11:80', 1));
    one.files.appendDiff('z', diff('chgreal', '10.0.0.11:80', 9));
    await one.untilTable('10.0.0.11:80=9');
    one.files.appendDiff('z', diff('chgreal', '10.0.0.11:80', 10));
    await one.untilTable('10.0.0.11:80=10');
  });

  it('reads anew as asked as soon as it can', async () => {
    const one = await following(SOON_MS);
    const file = one.files.paths.full_sync_file;
    renameSync(file, `${file}.away`);
    one.requests.reload();
    await one.until(() => one.logged('surealived must run first'));
    await new Promise(setImmediate); // it waits for its next look, and lets everybody else live
    writeFileSync(`${file}.away`, readFileSync(`${file}.away`, 'utf8').replace('rweight=1', 'rweight=4'));
    renameSync(`${file}.away`, file);
    await one.untilTable('10.0.0.11:80=4');
  });

  it('follows the diffs while a reload that is asked for waits for the snapshot, and reads the configuration once', async () => {
    const one = new Following();
    one.files.writeFull('a', WEB, real('10.0.0.11:80', 1));
    one.files.appendDiff('a');
    let reloads = 0;
    await one.start(SOON_MS, { onReload: () => reloads++ });
    const file = one.files.paths.full_sync_file;
    renameSync(file, `${file}.away`);
    one.requests.reload();
    await one.until(() => one.logged('surealived must run first'));
    for (const weight of [7, 8, 9]) {
      one.files.appendDiff('a', diff('chgreal', '10.0.0.11:80', weight));
      await one.untilTable(`10.0.0.11:80=${weight}`);
    }
    expect(reloads).toBe(1);
    one.files.appendDiff('b');
    one.files.writeFull('b', WEB, real('10.0.0.11:80', 4));
    await one.untilTable('10.0.0.11:80=4');
    expect(reloads).toBe(1);
  });

  it('tells once what keeps coming back at each poll, also where looks in between find nothing wrong', async () => {
    const one = await following(SOON_MS);
    rmSync(one.files.paths.lock_sync_file);
    one.files.writeFull('x', WEB, real('10.0.0.11:80', 1));
    await one.until(() => one.logged('table stays'));
    for (let weight = 2; weight < 40; weight++) {
      one.files.appendDiff('a', diff('chgreal', '10.0.0.11:80', weight));
      await one.untilTable(`10.0.0.11:80=${weight}`);
    }
    expect(one.lines.filter((line) => line.includes('table stays'))).toHaveLength(1);
  });

  it('goes on while surealived is gone, with the snapshot deleted', async () => {
    const one = await following(SOON_MS);
    rmSync(one.files.paths.full_sync_file);
    one.files.setReloadFlag();
    await one.until(() => one.logged('surealived must run first'));
    expect(await one.destinations()).toBe('10.0.0.11:80=1');
    one.files.writeFull('a', WEB, real('10.0.0.11:80', 9));
    await one.untilTable('10.0.0.11:80=9');
  });
});

describe('follow, when somebody else changed the table', () => {
  const clear = async ({ table }: Following): Promise<void> => {
    const services = await table.read();
    await table.apply(services.map((service) => ({ kind: 'deleteService', service })));
  };

  it('repairs it at a request, and tells what had been done', async () => {
    const one = await following();
    const [web] = await one.table.read();
    const changed = service('tcp 10.0.0.1:80', {}, ['10.0.0.11:80', 9]);
    const [destination] = changed.destinations;
    if (!web || !destination) throw new Error('the table is not as made');
    await one.table.apply([{ kind: 'editDestination', service: web, destination, before: destination }]);
    one.requests.resync();
    await one.untilTable('10.0.0.11:80=1');
    const change = '~ tcp 10.0.0.1:80 real 10.0.0.11:80 weight 1 -> 9';
    await one.until(() => one.logged(`drift: somebody else changed the table change="${change}"`));
  });

  it('repairs it in time, and lets foreign services live', async () => {
    const one = new Following();
    one.files.writeFull('a', WEB, real('10.0.0.11:80', 1));
    one.files.appendDiff('a');
    await one.start(NEVER_MS, { resyncIntervalMs: () => SOON_MS });
    await one.untilTable('10.0.0.11:80=1');
    await clear(one);
    await one.table.apply([{ kind: 'addService', service: service('tcp 10.0.0.9:80') }]);
    await one.untilTable('10.0.0.11:80=1');
    await one.until(() => one.logged('change="- tcp 10.0.0.1:80"'));
    expect(await one.table.read()).toHaveLength(2);
    expect(one.logged('change="+ tcp 10.0.0.9:80')).toBe(false);
  });

  it('makes the settings of a configuration that is read anew, though the files are refused', async () => {
    const one = new Following();
    one.files.writeFull('a', WEB, real('10.0.0.11:80', 1));
    one.files.appendDiff('a');
    const onReload = () => {
      one.wanted = { timeouts: { tcpSec: 0, tcpFinSec: 0, udpSec: 7 }, daemons: undefined };
    };
    await one.start(NEVER_MS, { onReload });
    await one.untilTable('10.0.0.11:80=1');
    rmSync(one.files.paths.full_sync_file);
    one.requests.reload();
    await one.until(() => one.logged('setting changed change="~ timeouts udp 300s -> 7s"'));
    expect(one.logged('surealived must run first')).toBe(true);
  });

  it('takes over another interval with the configuration, though the files are refused', async () => {
    const one = new Following();
    one.files.writeFull('a', WEB, real('10.0.0.11:80', 1));
    one.files.appendDiff('a');
    let intervalMs = 0;
    const onReload = () => {
      intervalMs = SOON_MS;
    };
    await one.start(NEVER_MS, { resyncIntervalMs: () => intervalMs, onReload });
    await one.untilTable('10.0.0.11:80=1');
    writeFileSync(one.files.paths.full_sync_file, 'rubbish\n');
    one.requests.reload();
    await one.until(() => one.logged('table stays'));
    await clear(one);
    await one.untilTable('10.0.0.11:80=1');
  });

  it('repairs it when everything is read anew, while the tester is gone too', async () => {
    const one = await following();
    await clear(one);
    one.requests.reload();
    await one.untilTable('10.0.0.11:80=1');
    rmSync(one.files.paths.full_sync_file);
    one.files.setReloadFlag();
    await one.until(() => one.logged('surealived must run first'));
    await clear(one);
    one.requests.resync();
    await one.untilTable('10.0.0.11:80=1');
  });
});

describe('follow, guarded', () => {
  const foreign = [service('tcp 10.0.0.8:80'), service('tcp 10.0.0.9:80', {}, ['10.0.0.91:80', 1])];
  async function guarded(options: Partial<FollowOptions>): Promise<Following> {
    const one = new Following(foreign);
    one.files.writeFull('a', WEB, real('10.0.0.11:80', 1));
    one.files.appendDiff('a');
    await one.start(NEVER_MS, options);
    await one.until(() => one.logged('table synchronised'));
    return one;
  }

  it('names what it leaves alone once, and again when that changes', async () => {
    const one = await guarded({});
    const line = 'not in the snapshot, left alone without -u';
    await one.until(() => one.logged(`${line} virtuals="tcp 10.0.0.8:80, tcp 10.0.0.9:80"`));
    one.requests.resync();
    await one.until(() => one.logged('table is read back'));
    await one.table.apply(foreign.slice(0, 1).map((service) => ({ kind: 'deleteService', service })));
    one.requests.resync();
    await one.until(() => one.logged(`${line} virtuals="tcp 10.0.0.9:80"`));
    expect(one.lines.filter((text) => text.includes(line))).toHaveLength(2);
  });

  it('does not touch what is protected, and says so', async () => {
    const protect = new Set(['tcp 10.0.0.9:80', 'tcp 10.0.0.1:80']);
    const one = new Following(foreign);
    one.files.writeFull('a', WEB, real('10.0.0.11:80', 1), DNS);
    one.files.appendDiff('a');
    await one.start(NEVER_MS, { policy: () => ({ deleteUnmanaged: true, protect }) });
    await one.until(() => one.logged('protected virtuals="tcp 10.0.0.9:80"'));
    expect(one.logged('protected and left alone, though in the snapshot virtuals="tcp 10.0.0.1:80"')).toBe(
      true,
    );
    one.files.appendDiff('a', diff('chgreal', '10.0.0.11:80', 7), diff('addreal', '10.0.0.21:53', 5, DNS));
    await one.untilTable('10.0.0.91:80=1 10.0.0.21:53=5');
    expect(await one.table.read()).toHaveLength(2);
  });

  it('drains what leaves a virtual that wants it, and says when it begins and ends', async () => {
    const one = new Following();
    one.files.writeFull(
      'a',
      WEB.replace('\n', ' vdrain=60\n'),
      real('10.0.0.11:80', 1),
      real('10.0.0.12:80', 2),
    );
    one.files.appendDiff('a');
    one.table.connections = 3;
    await one.start();
    one.files.appendDiff('a', diff('delreal', '10.0.0.12:80', 0), diff('delreal', '10.0.0.11:80', 0));
    await one.untilTable('10.0.0.11:80=0 10.0.0.12:80=0');
    await one.until(() => one.logged('real draining virtual="tcp 10.0.0.1:80" real=10.0.0.12:80'));
    one.files.appendDiff('a', diff('addreal', '10.0.0.11:80', 0), diff('chgreal', '10.0.0.11:80', 7));
    await one.untilTable('10.0.0.11:80=7 10.0.0.12:80=0');
    one.table.connections = 0;
    await one.untilTable('10.0.0.11:80=7');
    expect(one.lines.find((line) => line.includes('real drained'))).toMatch(
      /virtual="tcp 10.0.0.1:80" real=10.0.0.12:80 drainedSec=\d connections=0/,
    );
  });

  it('tries the whole table again where connections cannot be read', async () => {
    const one = new Following();
    one.files.writeFull(
      'a',
      WEB.replace('\n', ' vdrain=60\n'),
      real('10.0.0.11:80', 1),
      real('10.0.0.12:80', 2),
    );
    one.files.appendDiff('a');
    await one.start();
    one.table.readConnections = async () => {
      throw new HandoverMissingError('not now');
    };
    one.files.appendDiff('a', diff('delreal', '10.0.0.12:80', 0));
    await one.until(() => one.logged('virtual failing virtual=all reason="not now"'));
    expect(await one.destinations()).toBe('10.0.0.11:80=1 10.0.0.12:80=0');
  });

  it('holds too many deletions back and does all the rest, until it is told to make them', async () => {
    const one = await guarded({ policy: () => ({ deleteUnmanaged: true, maxDeletes: 2 }) });
    await one.until(() => one.logged('too many deletions held back, SIGHUP makes them count=3 maxDeletes=2'));
    expect(one.logged('deletions="tcp 10.0.0.8:80, tcp 10.0.0.9:80"')).toBe(true);
    expect(await one.table.read()).toHaveLength(3);
    one.requests.reload();
    await one.untilTable('10.0.0.11:80=1');
    expect(await one.table.read()).toHaveLength(1);
  });

  it('holds deletions of diff lines back too, and a first SIGHUP makes none that it did not tell of', async () => {
    const one = await guarded({ policy: () => ({ deleteUnmanaged: false, maxDeletes: 0 }) });
    one.files.appendDiff('a', diff('delreal', '10.0.0.11:80', 0), diff('addreal', '10.0.0.12:80', 1));
    await one.until(() => one.logged('held back, SIGHUP makes them count=1'));
    await one.untilTable('10.0.0.91:80=1 10.0.0.11:80=1 10.0.0.12:80=1');
    one.requests.reload();
    await one.untilTable('10.0.0.91:80=1 10.0.0.12:80=1');
    one.files.writeFull('b', WEB);
    one.requests.reload();
    await one.until(() => one.logged('deletions="tcp 10.0.0.1:80 real 10.0.0.12:80"'));
    expect(await one.destinations()).toBe('10.0.0.91:80=1 10.0.0.12:80=1');
  });

  it('makes at SIGHUP what it told of, and nothing that came since', async () => {
    const one = await guarded({ policy: () => ({ deleteUnmanaged: true, maxDeletes: 2 }) });
    await one.until(() => one.logged('held back, SIGHUP makes them count=3'));
    const more = ['1', '2', '3'].map((last) => service(`udp 10.0.0.${last}:53`));
    await one.table.apply(more.map((service) => ({ kind: 'addService', service })));
    one.requests.reload();
    const rest = 'deletions="udp 10.0.0.1:53, udp 10.0.0.2:53, udp 10.0.0.3:53"';
    await one.until(() => one.logged(`held back, SIGHUP makes them count=3 maxDeletes=2 ${rest}`));
    expect(await one.table.read()).toHaveLength(4);
    one.requests.reload();
    await one.until(async () => (await one.table.read()).length === 1);
  });

  it('refuses a snapshot without any virtual, or takes it where it may', async () => {
    for (const allowEmpty of [false, true]) {
      const one = await guarded({ allowEmpty, policy: () => ({ deleteUnmanaged: true }) });
      one.files.writeFull('b');
      one.requests.reload();
      if (allowEmpty) await one.untilTable('');
      else await one.until(() => one.logged('no virtual at all; --allow-empty takes it'));
      expect(await one.table.read()).toHaveLength(allowEmpty ? 0 : 1);
      await one.stop();
    }
  });
});

describe('follow, in trouble with the table', () => {
  it('tells a virtual that fails, and does all others', async () => {
    const one = new Following();
    const odd = WEB.replace('vsched=wrr', 'vsched=nosuch').replace('10.0.0.1', '10.0.0.3');
    one.files.writeFull('a', odd, real('10.0.0.31:80', 1), WEB, real('10.0.0.11:80', 1));
    one.files.appendDiff('a');
    await one.start();
    await one.untilTable('10.0.0.11:80=1');
    const reason = 'add tcp 10.0.0.3:80: ENOENT (scheduler \\"nosuch\\" is not in the kernel)';
    await one.until(() => one.logged(`virtual failing virtual="tcp 10.0.0.3:80" reason="${reason}"`));
    await one.until(() => one.logged('table not as desired operations=2 failed=2'));
  });

  it('repairs all that somebody else did when it runs into a part of it', async () => {
    const one = new Following();
    one.files.writeFull('a', WEB, real('10.0.0.11:80', 1), DNS, real('10.0.0.21:53', 1));
    one.files.appendDiff('a');
    await one.start();
    await one.untilTable('10.0.0.11:80=1 10.0.0.21:53=1');
    const services = await one.table.read();
    await one.table.apply(services.map((service) => ({ kind: 'deleteService', service })));
    one.files.appendDiff('a', diff('chgreal', '10.0.0.11:80', 3));
    await one.untilTable('10.0.0.11:80=3 10.0.0.21:53=1');
  });

  it('does not end when the table gives no answer', async () => {
    const one = await following();
    const { KernelProtocolError } = await import('../wire/errors.js');
    one.table.failure = new KernelProtocolError('no answer');
    one.files.appendDiff('a', diff('chgreal', '10.0.0.11:80', 3));
    await one.until(() => one.logged('reason="no answer"'));
    one.files.setReloadFlag();
    await one.untilTable('10.0.0.11:80=3');
    await one.until(() => one.logged('virtual recovered virtual=all'));
  });

  it('ends with a bug', async () => {
    const one = await following();
    one.table.failure = new TypeError('a bug');
    one.files.appendDiff('a', diff('chgreal', '10.0.0.11:80', 3));
    await expect(one.ended()).rejects.toThrow('a bug');
  });
});
