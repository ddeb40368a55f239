/**
 * Where the time of a test goes.
 *
 * @module
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { unbundledScriptOf } from '../daemons/daemon-process.js';
import { nginxVersion } from '../servers/nginx.js';
import { startBenchServers } from './bench-servers.js';
import { startSurealived } from './contenders/surealived.js';
import { keepOffTestedCore } from './cores.js';
import { byGroup, type CpuProfile, IDLE, type SelfTime, selfTimes } from './cpu-profile.js';
import { type Load, rateOf } from './load.js';
import { type BenchPart, type Figure, formatNumber, type Table } from './report.js';

const LOADS: readonly Load[] = [
  { tester: 'tcp', reals: 8000, loopDelaySec: 1 },
  { tester: 'http', reals: 8000, loopDelaySec: 1 },
  { tester: 'https', reals: 1300, loopDelaySec: 1 },
];
const FUNCTIONS = 15;
/** Less is no bar. */
const LEAST_PERCENT = 1;

export const profile: BenchPart = {
  name: 'profile',
  title: 'Where the time of a test goes',
  ours: 'surealived',
  method: `
surealived under \`node --cpu-prof\` at the rate given, after it has warmed up; only its main thread is in it, the waiting left out.
A call of libc or OpenSSL is told by the line that makes it, and has what the call itself takes besides its way there: for libc
mostly the kernel's time. The profiler takes its samples by the clock and makes everything a little slower, so that the sums are
above the figures without it, and far above them where something else takes the core.`,
  missing: () => (nginxVersion() === undefined ? ['nginx-light'] : []),
  async run({ isQuick, onProgress }) {
    using _apart = keepOffTestedCore();
    await using servers = await startBenchServers();
    const figures: Figure[] = [];
    const tables: Table[] = [];
    for (const load of LOADS) {
      const what = `${load.tester}, ${formatNumber(rateOf(load))} tests/s`;
      onProgress(what);
      const { times, tests } = await record(load, servers.portOf(load.tester), isQuick ? 2000 : 12_000);
      figures.push(...groupFigures(load, what, times, tests));
      tables.push(functionTable(what, times, tests));
    }
    return { figures, tables };
  },
};

interface Recorded {
  /** Without the waiting. */
  readonly times: readonly SelfTime[];
  readonly tests: number;
}

async function record(load: Load, port: number, measureMs: number): Promise<Recorded> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-profile-'));
  try {
    const nodeOptions = ['--cpu-prof', `--cpu-prof-dir=${directory}`];
    const { tests, span } = await observe(load, port, nodeOptions, measureMs);
    const [file = ''] = readdirSync(directory);
    const recorded = JSON.parse(readFileSync(join(directory, file), 'utf8')) as CpuProfile;
    const times = selfTimes(recorded, span, sourceLines());
    return { times: times.filter(({ name }) => name !== IDLE), tests };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** @returns when the program has ended, and has written its profile with that. */
async function observe(
  load: Load,
  port: number,
  nodeOptions: readonly string[],
  measureMs: number,
): Promise<{ tests: number; span: { fromUs: number; toUs: number } }> {
  const script = unbundledScriptOf('surealived'); // functions are told by their files
  await using running = await startSurealived(load, port, { script, nodeOptions });
  await delay(1000 + 2000 * load.loopDelaySec);
  const [before, fromUs] = [await running.count(), monotonicUs()];
  await delay(measureMs);
  const [after, toUs] = [await running.count(), monotonicUs()];
  return { tests: (after?.successes ?? 0) - (before?.successes ?? 0), span: { fromUs, toUs } };
}

/** By the clock that V8 takes for its profiles. */
function monotonicUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

function sourceLines(): (url: string, line: number) => string {
  const files = new Map<string, readonly string[]>();
  return (url, line) => {
    if (!url.startsWith('file:')) return '';
    const lines = files.get(url) ?? readFileSync(new URL(url), 'utf8').split('\n');
    files.set(url, lines);
    return lines[line - 1] ?? '';
  };
}

function groupFigures(
  { tester }: Load,
  what: string,
  times: readonly SelfTime[],
  tests: number,
): readonly Figure[] {
  const groups = byGroup(times);
  const totalUs = groups.reduce((sum, { us }) => sum + us, 0);
  return groups
    .filter(({ us }) => us >= (LEAST_PERCENT / 100) * totalUs)
    .map(({ group, us }) => ({
      key: `${tester}/${group}`,
      what: `${tester}: ${group}`,
      unit: 'µs',
      ours: us / tests,
      panel: `Per test: ${what}`,
    }));
}

function functionTable(what: string, times: readonly SelfTime[], tests: number): Table {
  const totalUs = times.reduce((sum, { us }) => sum + us, 0);
  return {
    title: `Functions, ${what}: ${formatNumber(totalUs / tests)} µs a test`,
    columns: ['function', 'in', 'µs a test', 'share'],
    rows: times
      .slice(0, FUNCTIONS)
      .map(({ name, file, us }) => [
        name,
        file,
        formatNumber(us / tests),
        `${formatNumber((100 * us) / totalUs)} %`,
      ]),
  };
}
