import { setTimeout as delay } from 'node:timers/promises';
import type { BenchServers } from './bench-servers.js';
import type { Contender, Counts, Entrant } from './contenders/contender.js';
import { cpuTimeBetween, readCpuTime } from './cpu-time.js';
import type { Load } from './load.js';

/** What a test costs, and how many there were. */
export interface Cost {
  readonly us: number;
  readonly userUs: number;
  readonly systemUs: number;
  readonly testsPerSec: number;
  readonly failures: number;
  /** Connections that the server has accepted, by the tests that the program counts itself. */
  readonly seen: number;
  /** How late its event loop came at worst, from its start on; of a program that tells. */
  readonly lagMs: number | undefined;
}

export interface Window {
  readonly warmUpMs: number;
  readonly measureMs: number;
}

interface Reading {
  readonly cpu: ReturnType<typeof readCpuTime>;
  readonly counts: Counts | undefined;
  readonly accepted: number;
  readonly atMs: number;
}

/** Runs a program for a while and measures it in the second part of that. */
export async function measureCpu(
  entrant: Entrant,
  load: Load,
  servers: BenchServers,
  { warmUpMs, measureMs }: Window,
): Promise<Cost> {
  await using running = await entrant.start(load, servers.portOf(load.tester));
  await delay(warmUpMs);
  const before = await read(running, servers);
  await delay(measureMs);
  const after = await read(running, servers);
  const { totalUs, userUs, systemUs } = cpuTimeBetween(before.cpu, after.cpu);
  const { successes, failures } = testsBetween(before, after);
  const tests = successes + failures || Number.NaN; // without any test there is no cost of one
  return {
    us: totalUs / tests,
    userUs: userUs / tests,
    systemUs: systemUs / tests,
    testsPerSec: ((successes + failures) * 1000) / (after.atMs - before.atMs),
    failures,
    lagMs: after.counts?.lagMs,
    seen: load.tester === 'dns' ? 1 : (after.accepted - before.accepted) / tests,
  };
}

async function read(running: Contender, servers: BenchServers): Promise<Reading> {
  const counts = await running.count(); // first: of a program that has ended it says why
  const accepted = await servers.accepted();
  return { cpu: readCpuTime(running.pids), counts, accepted, atMs: performance.now() };
}

/** Of a program that says nothing, every connection counts as a test. */
function testsBetween(before: Reading, after: Reading): Counts {
  if (!before.counts || !after.counts) return { successes: after.accepted - before.accepted, failures: 0 };
  return {
    successes: after.counts.successes - before.counts.successes,
    failures: after.counts.failures - before.counts.failures,
  };
}
