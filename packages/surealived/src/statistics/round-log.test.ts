import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { up } from '@surealived/testers/tester';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../shared/src/files.test-kit.js';
import type { TestingConfig } from '../config/model.js';
import { Director } from '../director.js';
import type { Outcome } from '../engine/outcome.js';
import { at, realConfig, recordingLog, virtualConfig } from '../services.test-kit.js';
import { createVirtual } from '../state.js';
import { WriteTroubles } from '../write-troubles.js';
import { ConnectionStatistics } from './connection-statistics.js';
import { RoundLog } from './round-log.js';

/** In local time, as the files are. */
const START = new Date(2026, 10, 20, 10, 6, 37, 32);
const good: Outcome = {
  verdict: up('fine'),
  obstacle: undefined,
  connectionProblem: undefined,
  connectMs: 1.5,
  responseMs: 2,
  totalMs: 10,
  sentBytes: 1,
  receivedBytes: 1,
};

function logIn(
  directory: string,
  { name = 'web', ...testing }: Partial<TestingConfig> & { name?: string } = {},
) {
  const { log, entries } = recordingLog();
  let now = START;
  const wallNow = () => now;
  const reals = [realConfig('w1'), realConfig('w2', { address: at('2001:db8::1') })];
  const virtual = createVirtual(virtualConfig(reals, testing, { name }));
  virtual.roundBegan = START;
  const director = new Director({ virtuals: [virtual], log, wallNow });
  const statistics = new ConnectionStatistics(wallNow);
  const troubles = new WriteTroubles({ log, wallNow });
  const config = { stats_dir: join(directory, 'stats'), log_stats: true, log_stats_combined: true };
  const roundLog = new RoundLog({ config, statistics, troubles, wallNow });
  director.listen(statistics);
  director.listen(roundLog);
  /** Tests every real once, 70 and 80 ms after the last test of before. */
  const round = async (second = good): Promise<void> => {
    for (const [index, real] of virtual.reals.entries()) {
      now = new Date(now.getTime() + (index === 0 ? 70 : 10));
      director.observe(virtual, real, index === 0 ? good : second);
    }
    await roundLog.stop();
  };
  return { round, troubles, entries, virtual };
}

const epochOf = (date: Date): number => Math.floor(date.getTime() / 1000);
const ROUND = `START Virtual: web start time=2026-11-20 10:06:37.032
2026-11-20 10:06:37.092 virt=web:80 vproto=tcp vaddr=192.168.0.1:80 real=w1:80 raddr=10.0.0.11:80 conntime=1ms resptime=8ms totaltime=10ms currtest=TRUE online=TRUE
2026-11-20 10:06:37.102 virt=web:80 vproto=tcp vaddr=192.168.0.1:80 real=w2:80 raddr=[2001:db8::1]:80 conntime=1ms resptime=8ms totaltime=10ms currtest=TRUE online=TRUE
END   Virtual: web end time=2026-11-20 10:06:37.112
--------------
`;

describe('RoundLog', () => {
  it('writes each round to sd_fullstats.log and to a file of its own', async () => {
    const directory = temporaryDirectory();
    const { round } = logIn(directory);
    await round();
    const stats = join(directory, 'stats');
    expect(readFileSync(join(stats, 'sd_fullstats.log'), 'utf8')).toBe(ROUND);
    expect(readFileSync(join(stats, `sd_virtstats_web:80.${epochOf(START)}`), 'utf8')).toBe(ROUND);
    for (let i = 0; i < 20; i++) await round();
    const text = readFileSync(join(stats, 'sd_fullstats.log'), 'utf8');
    expect(text.match(/^START/gm)).toHaveLength(21);
    expect(readdirSync(stats)).toContain(`sd_virtstats_web:80.${epochOf(START) + 1}`);
  });

  it('says nothing of a real that could not be tested yet', async () => {
    const directory = temporaryDirectory();
    await logIn(directory).round({ ...good, verdict: undefined, obstacle: 'bind: EADDRNOTAVAIL' });
    const text = readFileSync(join(directory, 'stats', 'sd_fullstats.log'), 'utf8');
    expect(text).toBe(ROUND.replace(/^.* real=w2:.*\n/m, ''));
  });

  it('writes microseconds where the virtual has logmicro', async () => {
    const directory = temporaryDirectory();
    await logIn(directory, { logMicro: true }).round();
    const text = readFileSync(join(directory, 'stats', 'sd_fullstats.log'), 'utf8');
    expect(text).toContain(' conntime=1500us resptime=8500us totaltime=10000us ');
  });

  it.each([
    ['../etc/passwd', 'sd_virtstats__._etc_passwd:80'],
    ['.hidden', 'sd_virtstats__hidden:80'],
    ['a/b c', 'sd_virtstats_a_b c:80'],
    ['ü'.repeat(63), `sd_virtstats_${'ü'.repeat(60)}:80`],
  ])('makes a harmless file name of %s', async (name, file) => {
    const directory = temporaryDirectory();
    await logIn(directory, { name }).round();
    expect(readdirSync(join(directory, 'stats'))).toContain(`${file}.${epochOf(START)}`);
    expect(readdirSync(directory)).toEqual(['stats']);
  });

  it('begins a file anew that was moved away', async () => {
    const directory = temporaryDirectory();
    const { round } = logIn(directory);
    const file = join(directory, 'stats', 'sd_fullstats.log');
    await round();
    renameSync(file, `${file}.1`);
    await round();
    expect(readFileSync(file, 'utf8').match(/^START/gm)).toHaveLength(1);
  });

  it('loses rounds that cannot be written, counts them, and says so once', async () => {
    const directory = temporaryDirectory();
    const { round, troubles, entries } = logIn(directory);
    const stats = join(directory, 'stats');
    rmSync(stats, { recursive: true });
    await round();
    await round();
    expect(troubles.list.map(({ file, lost }) => [file, lost])).toEqual([
      [join(stats, 'sd_fullstats.log'), 2],
      [join(stats, 'sd_virtstats_*'), 2],
    ]);
    mkdirSync(stats);
    await round();
    expect(entries.map(({ msg, lost }) => [msg, lost])).toEqual([
      ['file cannot be written, what it misses is lost', undefined],
      ['file cannot be written, what it misses is lost', undefined],
      ['file is written again', 2],
      ['file is written again', 2],
    ]);
    expect(readFileSync(join(stats, 'sd_fullstats.log'), 'utf8').match(/^START/gm)).toHaveLength(1);
  });
});
