import {
  existsSync,
  lstatSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { down, up } from '@surealived/testers/tester';
import noTest from '@surealived/testers/testers/no-test';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from '../../shared/src/files.test-kit.js';
import type { NotifyConfig, VirtualConfig } from './config/model.js';
import { Director } from './director.js';
import type { Outcome } from './engine/outcome.js';
import { Notifier } from './notify/notifier.js';
import { at, realConfig, recordingLog, virtualConfig } from './services.test-kit.js';
import { createVirtual, isHeld, type Real, type Virtual } from './state.js';
import { StateDumps } from './state-dumps.js';
import { ConnectionStatistics } from './statistics/connection-statistics.js';
import { WriteTroubles } from './write-troubles.js';

const REALS = ['10.0.0.11', '10.0.0.12', '10.0.0.13'].map((address, index) =>
  realConfig(`w${index + 1}`, { address: at(address) }),
);
const NOTIFY: NotifyConfig = {
  up: '/bin/true',
  down: '/bin/false',
  minReals: { value: 2, isPercent: false },
  minWeight: undefined,
  realUp: undefined,
  realDown: undefined,
};
const WEB = virtualConfig(REALS, { notify: NOTIFY });
const good: Outcome = {
  verdict: up('fine'),
  obstacle: undefined,
  connectionProblem: undefined,
  connectMs: 1.5,
  responseMs: 2,
  totalMs: 4,
  sentBytes: 1,
  receivedBytes: 1,
};
const bad: Outcome = { ...good, verdict: down('refused', 'no'), connectionProblem: 'refused' };
const BOOTED_MS = Date.now() - 3_600_000;

/** One life of the tester, as far as its dumps go. */
function begin(directory: string, { configs = [WEB], useOfflineDump = true, bootTimeMs = BOOTED_MS } = {}) {
  const { log, entries } = recordingLog();
  const wallNow = () => new Date();
  const virtuals = configs.map(createVirtual);
  const director = new Director({ virtuals, log, wallNow });
  const told: (readonly string[])[] = [];
  const notifier = new Notifier({
    runner: {
      run({ args, onStart }) {
        told.push(args.slice(0, 2));
        onStart?.();
      },
    },
    log,
  });
  const statistics = new ConnectionStatistics(wallNow);
  const path = (name: string) => join(directory, name);
  const dumps = new StateDumps({
    config: {
      offline_dump: path('offline.dump'),
      override_dump: path('override.dump'),
      notify_dump: path('notify.dump'),
      stats_dump: path('stats.dump'),
      stats_dump_savesec: 3600,
    },
    director,
    notifier,
    statistics,
    log,
    useOfflineDump,
    bootTimeMs,
    troubles: new WriteTroubles({ log, wallNow }),
  });
  dumps.restore();
  for (const listener of [statistics, notifier]) director.listen(listener);
  dumps.start();
  onTestFinished(() => dumps.stop());
  const [virtual] = virtuals as [Virtual];
  const real = (index: number) => virtual.reals[index] as Real;
  const observe = (index: number, outcome: Outcome) => director.observe(virtual, real(index), outcome);
  const warnings = () => entries.filter(({ level }) => level === 'warn').map(({ line }) => line);
  return { dumps, director, virtual, real, observe, told, statistics, warnings, entries };
}

const textOf = (directory: string, name: string): string => readFileSync(join(directory, name), 'utf8');

describe('StateDumps', () => {
  it('brings back what the tests found offline and what an operator set', async () => {
    const directory = temporaryDirectory();
    const first = begin(directory);
    first.observe(1, bad);
    first.director.operate(first.virtual, first.real(0), { adminState: 'DOWN' });
    first.director.operate(first.virtual, first.real(2), { override: { kind: 'percent', percent: 50 } });
    expect(await first.dumps.operationsSettled()).toBe(true);
    expect(textOf(directory, 'override.dump')).toBe(
      '192.168.0.1:80:0:0 - 10.0.0.11:80 - weight=100% rstate=DOWN\n' +
        '192.168.0.1:80:0:0 - 10.0.0.13:80 - weight=50% rstate=ONLINE\n',
    );
    await first.dumps.stop();
    expect(textOf(directory, 'offline.dump')).toBe('192.168.0.1:80:0:0 - 10.0.0.12:80\n');
    const second = begin(directory);
    expect(second.virtual.reals.map(({ health }) => health.online)).toEqual([true, false, true]);
    expect(second.real(0)).toMatchObject({ adminState: 'DOWN', override: undefined });
    expect(second.real(2)).toMatchObject({
      adminState: 'ONLINE',
      override: { kind: 'percent', percent: 50 },
    });
    expect(second.entries).toMatchObject([{ msg: 'state restored', offline: 1, overrides: 2 }]);
    second.director.operate(second.virtual, second.real(0), { adminState: 'ONLINE' });
    second.director.operate(second.virtual, second.real(2), { override: undefined });
    second.observe(1, good);
    await second.dumps.stop();
    expect([textOf(directory, 'override.dump'), textOf(directory, 'offline.dump')]).toEqual(['', '']);
  });

  it('keeps the order in which the reals of a virtual with a floor failed, and whom it held', async () => {
    const directory = temporaryDirectory();
    const configs = [{ ...WEB, minOnline: { value: 2, isPercent: false } }];
    const first = begin(directory, { configs });
    for (const index of [1, 2, 0]) first.observe(index, bad);
    await first.dumps.stop();
    expect(textOf(directory, 'offline.dump').match(/10\S+:80$/gm)).toEqual([
      '10.0.0.12:80',
      '10.0.0.13:80',
      '10.0.0.11:80',
    ]);
    const second = begin(directory, { configs });
    expect(second.virtual.reals.map(isHeld)).toEqual([true, false, true]);
  });

  it('lets a restored real come online after as many successes as any other', () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'offline.dump'), '192.168.0.1:80:0:0 - 10.0.0.11:80\n');
    const { observe, real } = begin(directory, {
      configs: [virtualConfig(REALS, { thresholds: { rise: 2, fall: 3 } })],
    });
    observe(0, good);
    expect(real(0).health.online).toBe(false);
    observe(0, good);
    expect(real(0).health.online).toBe(true);
  });

  it('takes no real down whose tester would never take it up again', () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'offline.dump'), '192.168.0.1:80:0:0 - 10.0.0.11:80\n');
    const { real } = begin(directory, { configs: [virtualConfig(REALS, { tester: noTest })] });
    expect(real(0).health.online).toBe(true);
  });

  it('takes the configured weight that the original writes beside a state for no override', () => {
    const directory = temporaryDirectory();
    const line = (real: number, rest: string) => `192.168.0.1:80:0:0 - 10.0.0.${real}:80 - ${rest}\n`;
    writeFileSync(
      join(directory, 'override.dump'),
      line(11, 'weight=10  rstate=DOWN') + line(12, 'weight=7  rstate=OFFLINE'),
    );
    const { real } = begin(directory);
    expect(real(0)).toMatchObject({ adminState: 'DOWN', override: undefined });
    expect(real(1)).toMatchObject({ adminState: 'OFFLINE', override: { kind: 'absolute', weight: 7 } });
  });

  it('drops what no longer exists, and says which line', async () => {
    const directory = temporaryDirectory();
    writeFileSync(
      join(directory, 'offline.dump'),
      '192.168.0.9:80:0:0 - 10.0.0.11:80\n192.168.0.1:80:0:0 - 10.0.0.99:80\n192.168.0.1:80:0:0 - 10.0.0.11:80\n',
    );
    writeFileSync(join(directory, 'notify.dump'), 'vnotify 192.168.0.9:80:0:0 - state=UP\n');
    const figures = '2:1:4 - 2333:1666:4000';
    writeFileSync(
      join(directory, 'stats.dump'),
      `vstats 192.168.0.1:80:0:0 - 20 1 - ${figures} - 0:0:1\n\nrstats 10.0.0.99:80 - 1 - ${figures} - ${figures} - 0:0:0\n`,
    );
    const { warnings, observe, dumps } = begin(directory);
    expect(warnings()).toEqual([
      `${directory}/offline.dump:1: there is no real 10.0.0.11:80 in a virtual 192.168.0.9:80:0:0 any more`,
      `${directory}/offline.dump:2: there is no real 10.0.0.99:80 in a virtual 192.168.0.1:80:0:0 any more`,
      `${directory}/notify.dump:1: there is no virtual 192.168.0.9:80:0:0 any more`,
      `${directory}/stats.dump:3: there is no real 10.0.0.99:80 in a virtual 192.168.0.1:80:0:0 any more`,
    ]);
    observe(1, bad);
    await dumps.stop();
    expect(textOf(directory, 'offline.dump')).toBe(
      '192.168.0.1:80:0:0 - 10.0.0.11:80\n192.168.0.1:80:0:0 - 10.0.0.12:80\n',
    );
  });

  it('neither reads nor writes offline.dump where it shall not', async () => {
    const directory = temporaryDirectory();
    const text = '192.168.0.1:80:0:0 - 10.0.0.11:80\n';
    writeFileSync(join(directory, 'offline.dump'), text);
    const { real, observe, dumps } = begin(directory, { useOfflineDump: false });
    expect(real(0).health.online).toBe(true);
    observe(1, bad);
    await dumps.stop();
    expect(textOf(directory, 'offline.dump')).toBe(text);
  });

  it('does not tell after a restart what was told before it, but does after a reboot', async () => {
    const directory = temporaryDirectory();
    const first = begin(directory);
    for (const index of [0, 1, 2]) first.observe(index, index === 0 ? good : bad);
    expect(first.told).toEqual([['notify=DOWN', 'vname=web']]);
    await first.dumps.stop();
    expect(textOf(directory, 'notify.dump')).toBe('vnotify 192.168.0.1:80:0:0 - state=DOWN\n');
    const second = begin(directory);
    for (const index of [0, 1, 2]) second.observe(index, index === 0 ? good : bad);
    expect(second.told).toEqual([]);
    second.observe(1, good);
    expect(second.told).toEqual([['notify=UP', 'vname=web']]);
    await second.dumps.stop();
    const beforeBoot = new Date(BOOTED_MS - 1000);
    utimesSync(join(directory, 'notify.dump'), beforeBoot, beforeBoot);
    const third = begin(directory);
    for (const index of [0, 1, 2]) third.observe(index, good);
    expect(third.told).toEqual([['notify=UP', 'vname=web']]);
  });

  it('goes on without a dump that cannot be read, says so, and keeps it from being replaced', async () => {
    const directory = temporaryDirectory();
    const names = ['override.dump', 'offline.dump', 'notify.dump', 'stats.dump'];
    for (const name of names) symlinkSync(name, join(directory, name));
    const { entries, observe, dumps } = begin(directory);
    const cause = expect.stringContaining('ELOOP');
    const path = (name: string) => join(directory, name);
    expect(entries.filter(({ level }) => level === 'warn')).toMatchObject([
      ...names.map((name) => ({ file: path(name), cause })),
      ...names.map((name) => ({ file: path(name), kept: `${path(name)}.bad` })),
    ]);
    observe(0, bad);
    await dumps.stop();
    expect(textOf(directory, 'offline.dump')).toBe('192.168.0.1:80:0:0 - 10.0.0.11:80\n');
    expect(readlinkSync(path('offline.dump.bad'))).toBe('offline.dump');
  });

  it('goes on counting where the statistics ended', async () => {
    const directory = temporaryDirectory();
    const first = begin(directory);
    for (const index of [0, 1, 2]) first.observe(index, index === 2 ? bad : good);
    await first.dumps.stop();
    const text = textOf(directory, 'stats.dump');
    expect(text).toBe(
      [
        'vstats 192.168.0.1:80:0:0 - 20 1 - 2:1:4 - 2333:1666:4000 - 0:0:1',
        'rstats 10.0.0.11:80 - 1 - 1:2:4 - 1500:2500:4000 - 1:2:4 - 1500:2500:4000 - 0:0:0',
        'rstats 10.0.0.12:80 - 1 - 1:2:4 - 1500:2500:4000 - 1:2:4 - 1500:2500:4000 - 0:0:0',
        'rstats 10.0.0.13:80 - 1 - 4:0:4 - 4000:0:4000 - 4:0:4 - 4000:0:4000 - 0:0:1',
        '\n',
      ].join('\n'),
    );
    const second = begin(directory);
    await second.dumps.stop();
    expect(textOf(directory, 'stats.dump')).toBe(text);
    const third = begin(directory);
    third.observe(2, bad);
    expect(third.statistics.ofReal(third.virtual, third.real(2))).toMatchObject({
      tests: 2,
      problems: { silent: 0, unreachable: 0, refused: 2 },
      overallUs: { connect: 4000, response: 0, total: 4000 },
    });
  });

  it('forgets with a reload what the reload removes', async () => {
    const directory = temporaryDirectory();
    const { director, virtual, real, observe, dumps } = begin(directory);
    observe(0, bad);
    observe(1, bad);
    for (const index of [0, 1]) director.operate(virtual, real(index), { adminState: 'OFFLINE' });
    const smaller: VirtualConfig = { ...WEB, reals: REALS.slice(1) };
    director.reconfigure([smaller]);
    await dumps.stop();
    expect(textOf(directory, 'offline.dump')).toBe('192.168.0.1:80:0:0 - 10.0.0.12:80\n');
    expect(textOf(directory, 'override.dump')).toBe(
      '192.168.0.1:80:0:0 - 10.0.0.12:80 - weight=100% rstate=OFFLINE\n',
    );
  });

  it('writes nothing where it was never started: another process may own the files', async () => {
    const directory = temporaryDirectory();
    const { log } = recordingLog();
    const wallNow = () => new Date();
    const path = (name: string) => join(directory, name);
    const dumps = new StateDumps({
      config: {
        offline_dump: path('offline.dump'),
        override_dump: path('override.dump'),
        notify_dump: path('notify.dump'),
        stats_dump: path('stats.dump'),
        stats_dump_savesec: 3600,
      },
      director: new Director({ virtuals: [], log, wallNow }),
      notifier: new Notifier({ runner: { run: () => undefined }, log }),
      statistics: new ConnectionStatistics(wallNow),
      log,
      useOfflineDump: true,
      bootTimeMs: 0,
      troubles: new WriteTroubles({ log, wallNow }),
    });
    symlinkSync('override.dump', path('override.dump')); // unreadable
    dumps.restore();
    await dumps.stop();
    expect(existsSync(path('stats.dump'))).toBe(false);
    expect(lstatSync(path('override.dump')).isSymbolicLink()).toBe(true);
  });
});
