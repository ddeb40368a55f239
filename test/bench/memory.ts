/**
 * What many reals take: resident memory, the time to the first full snapshot, and the processor while little happens.
 *
 * @module
 */
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { nginxVersion } from '../servers/nginx.js';
import { type BenchServers, startBenchServers } from './bench-servers.js';
import type { Contender, Entrant } from './contenders/contender.js';
import { keepalived, keepalivedObstacle } from './contenders/keepalived.js';
import { launchSurealived, otherSurealived, surealived } from './contenders/surealived.js';
import { keepOffTestedCore } from './cores.js';
import type { Load } from './load.js';
import { measureCpu } from './measure-cpu.js';
import { type BenchPart, type Figure, formatNumber, type Goal, type RunOptions } from './report.js';

const SIZES = [5000, 30_000, 100_000] as const;
const LOOP_DELAY_SEC = 20;
/** Every real has been tested by then: virtuals begin within the loop delay, and their reals follow within it. */
const STEADY_AFTER_MS = (2 * LOOP_DELAY_SEC + 5) * 1000;
const MEMORY_READINGS = 5;
/** Whoever makes fewer of the tests that were asked for is told of in a note. */
const REACHED = 0.9;
const STARTS = 3;
const START_TIMEOUT_MS = 60_000;
const IDLE_LOAD: Load = { tester: 'tcp', reals: 1000, loopDelaySec: 3 };
const MAX_MB: Readonly<Record<number, number>> = { 30000: 110, 100000: 250 };
const MAX_START_SEC: Readonly<Record<number, number>> = { 30000: 1.5 };

export const memory: BenchPart = {
  name: 'memory',
  title: 'Memory and start, by number of reals',
  ours: 'surealived',
  method: `
Ten reals for each virtual, tested by tcp every ${LOOP_DELAY_SEC} s. Start is the time from the start of the process to its first full
snapshot, the median of ${STARTS}; from then on the kernel's table can be right. Memory is what is resident (VmRSS, in units of
2^20 bytes) once every real has been tested and tests go on, the median of ${MEMORY_READINGS} readings a second apart. The programs of one kind
run at the same time, as their memory does not depend on it. Growth per real is between the smallest and the largest number.
keepalived is its two processes together, pages that they share counted in both, and its IPVS calls are answered as in the first
part.

The last figure is the share of one core that ${formatNumber(IDLE_LOAD.reals)} reals take with a test of each every ${IDLE_LOAD.loopDelaySec} s.`,
  missing: () => (nginxVersion() === undefined ? ['nginx-light'] : []),
  async run(options) {
    await using servers = await startBenchServers();
    const peers: Entrant[] = [];
    const notes: string[] = [];
    const obstacle = keepalivedObstacle();
    if (obstacle === undefined) peers.push(keepalived);
    else notes.push(`keepalived is left out: ${obstacle}.`);
    const other = otherSurealived();
    if (other) peers.push(other);
    const figures = [
      ...(await starts(servers, options)),
      ...(await resident(servers, peers, options, notes)),
      ...(await idle(servers, peers, options)),
    ];
    return { figures, notes };
  },
};

function loadOf(reals: number): Load {
  return { tester: 'tcp', reals, loopDelaySec: LOOP_DELAY_SEC };
}

async function starts(servers: BenchServers, { isQuick, onProgress }: RunOptions): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const reals of SIZES) {
    onProgress(`start with ${formatNumber(reals)} reals`);
    const seconds: number[] = [];
    for (let i = 0; i < (isQuick ? 1 : STARTS); i++) {
      seconds.push(await timeToSnapshot(loadOf(reals), servers.portOf('tcp')));
    }
    const goal = MAX_START_SEC[reals];
    figures.push({
      key: `start${reals}Sec`,
      what: `start to first snapshot, ${formatNumber(reals)} reals`,
      unit: 's',
      ours: median(seconds),
      panel: 'Start to first full snapshot',
      ...atMost(goal),
    });
  }
  return figures;
}

async function timeToSnapshot(load: Load, port: number): Promise<number> {
  await using launched = await launchSurealived(load, port);
  const { directory, measured, launchedAtMs } = launched;
  while (!existsSync(directory.snapshot)) {
    if (measured.hasEnded || performance.now() > launchedAtMs + START_TIMEOUT_MS) {
      throw new Error(`no snapshot:\n${measured.said}`);
    }
    await delay(2);
  }
  return (performance.now() - launchedAtMs) / 1000;
}

async function resident(
  servers: BenchServers,
  peers: readonly Entrant[],
  { isQuick, onProgress }: RunOptions,
  notes: string[],
): Promise<Figure[]> {
  const waitMs = isQuick ? 5000 : STEADY_AFTER_MS;
  const measure = async (entrant: Entrant): Promise<readonly number[]> => {
    onProgress(`${entrant.name}: memory of ${SIZES.map(formatNumber).join(', ')} reals`);
    const { mb, testsPerSec, failures } = await residentMb(entrant, servers, waitMs);
    const asked = SIZES.reduce((sum, reals) => sum + reals / LOOP_DELAY_SEC, 0);
    if (testsPerSec < REACHED * asked) {
      const [made, wanted] = [testsPerSec, asked].map(formatNumber);
      notes.push(`${entrant.name} made ${made} tests a second meanwhile, not ${wanted}.`);
    }
    if (failures > 0) notes.push(`${entrant.name}: ${failures} tests of healthy servers failed meanwhile.`);
    return mb;
  };
  const ours = await measure(surealived);
  const figures: Figure[] = SIZES.map((reals, i) => ({
    key: `resident${reals}Mb`,
    what: `resident, ${formatNumber(reals)} reals`,
    unit: 'MB',
    ours: ours[i] ?? Number.NaN,
    panel: 'Resident memory',
    ...atMost(MAX_MB[reals]),
  }));
  const growth: Figure = { key: 'growthKb', what: 'growth per real', unit: 'KB', ours: growthKb(ours) };
  const beside: Figure[] = [];
  for (const peer of peers) {
    const theirs = await measure(peer);
    const withPeer = (figure: Figure, value: number): Figure => {
      const { goal: _, ...plain } = figure; // it stands in our own line already
      return { ...plain, peer: { name: peer.name, value } };
    };
    beside.push(...figures.map((figure, i) => withPeer(figure, theirs[i] ?? Number.NaN)));
    beside.push(withPeer(growth, growthKb(theirs)));
  }
  return [...figures, growth, ...beside];
}

interface Steady {
  /** For each size. */
  readonly mb: readonly number[];
  /** Of all sizes together. */
  readonly testsPerSec: number;
  readonly failures: number;
}

/** Of the processes of one program, which all run at the same time. */
async function residentMb(entrant: Entrant, servers: BenchServers, waitMs: number): Promise<Steady> {
  const running: Contender[] = [];
  try {
    for (const reals of SIZES) running.push(await entrant.start(loadOf(reals), servers.portOf('tcp')));
    await delay(waitMs);
    const readings: number[][] = [];
    const [acceptedBefore, fromMs] = [await servers.accepted(), performance.now()];
    for (let i = 0; i < MEMORY_READINGS; i++) {
      readings.push(running.map(({ pids }) => pids.reduce((sum, pid) => sum + readResidentMb(pid), 0)));
      await delay(1000);
    }
    const tests = (await servers.accepted()) - acceptedBefore;
    const testsPerSec = (tests * 1000) / (performance.now() - fromMs);
    let failures = 0;
    for (const contender of running) failures += (await contender.count())?.failures ?? 0;
    return {
      mb: SIZES.map((_, i) => median(readings.map((reading) => reading[i] ?? Number.NaN))),
      testsPerSec,
      failures,
    };
  } finally {
    for (const contender of running) await contender[Symbol.asyncDispose]();
  }
}

function readResidentMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

function growthKb(sizesMb: readonly number[]): number {
  const [least, most] = [SIZES[0], SIZES.at(-1) ?? SIZES[0]];
  return (((sizesMb.at(-1) ?? Number.NaN) - (sizesMb[0] ?? Number.NaN)) * 1024) / (most - least);
}

async function idle(
  servers: BenchServers,
  peers: readonly Entrant[],
  { isQuick, onProgress }: RunOptions,
): Promise<Figure[]> {
  using _apart = keepOffTestedCore();
  const window = isQuick ? { warmUpMs: 2000, measureMs: 3000 } : { warmUpMs: 8000, measureMs: 15_000 };
  const measure = async (entrant: Entrant): Promise<number> => {
    onProgress(`${entrant.name}: processor for ${formatNumber(IDLE_LOAD.reals)} reals`);
    const { us, testsPerSec } = await measureCpu(entrant, IDLE_LOAD, servers, window);
    return (us * testsPerSec) / 1e4;
  };
  const what = `processor for ${formatNumber(IDLE_LOAD.reals)} reals, a test every ${IDLE_LOAD.loopDelaySec} s`;
  const base = { key: 'idlePercent', what, unit: '%', panel: 'Share of a core' } as const;
  const ours = await measure(surealived);
  if (peers.length === 0) return [{ ...base, ours }];
  const figures: Figure[] = [];
  for (const peer of peers) {
    figures.push({ ...base, ours, peer: { name: peer.name, value: await measure(peer) } });
  }
  return figures;
}

function atMost(bound: number | undefined): { goal?: Goal } {
  return bound === undefined ? {} : { goal: { of: 'ours', atMost: bound } };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
