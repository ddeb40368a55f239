import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { formatSnapshot } from '@surealived/shared/snapshot/write';
import { scriptOf } from '../../daemons/daemon-process.js';
import { HandoverDirectory } from '../../daemons/handover-directory.js';
import { saveIpvs } from '../lab/ipvs.js';
import { largeRules, largeSnapshot } from '../lab/large-table.js';
import { REPORT_PEAK, reportedPeakMb } from '../lab/memory-use.js';
import type { Namespace } from '../lab/namespace.js';
import type { Lab } from '../lab.js';
import type { Scenario } from './scenario.js';

const ROUNDS = 3;
const TIMEOUT_MS = 60_000;

/** How long a process took, and what it says of the time between its start and its end. */
interface Run {
  readonly wholeMs: number;
  readonly insideMs: number;
  readonly report: string;
}

/** 11,000 rules into an empty table, in turn with `ipvsadm -R` in the same boot, and then once more. */
export const manyRules: Scenario = {
  name: 'many-rules',
  title: '11,000 rules are written faster than by ipvsadm -R, and a second run writes nothing',
  timeoutMs: 180_000,
  async run(lab) {
    const rules = largeRules();
    const { config } = writeSnapshot();
    const once = (where: Namespace, ...flags: readonly string[]): Promise<string> => {
      const argv = [process.execPath, ...flags, scriptOf('ipvssync'), '-c', config, '--once'];
      return where.run(argv, { timeoutMs: TIMEOUT_MS });
    };
    const theirs: number[] = [];
    const first: Run[] = [];
    const unchanged: Run[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const [one, other] = await emptyTables(lab, [`theirs${round}`, `ours${round}`]);
      theirs.push(await timed(() => one.run(['ipvsadm', '-R'], { input: rules, timeoutMs: TIMEOUT_MS })));
      first.push(await timedRun(() => once(other)));
      assert.deepEqual(await saveIpvs(other), await saveIpvs(one));
      unchanged.push(await timedRun(() => once(other)));
    }
    for (const { report } of first) assert.match(report, /^added 1000 services and 10000 reals in /);
    for (const { report } of unchanged) assert.match(report, /^nothing to change in /);
    const [last] = await emptyTables(lab, ['memory']);
    lab.measure('oncePeakMb', reportedPeakMb(await once(last, ...REPORT_PEAK)));
    const ipvsadmMs = Math.min(...theirs);
    const [onceMs, writingMs] = fastest(first);
    const [unchangedMs, readingMs] = fastest(unchanged);
    for (const [name, value] of Object.entries({ ipvsadmMs, onceMs, writingMs, unchangedMs, readingMs }))
      lab.measure(name, value);
    lab.measure('wholeRatio', ipvsadmMs / onceMs);
    lab.measure('writingRatio', ipvsadmMs / writingMs);
    lab.measure('unchangedRatio', unchangedMs / onceMs);
    assert(ipvsadmMs > onceMs, `ipvsadm -R took ${ipvsadmMs} ms, ipvssync --once ${onceMs} ms`);
  },
};

/**
 * A namespace for each, with a table in which nothing has ever been: reals that were deleted stay in the kernel for two
 * minutes, in a list that it goes through for each one that is added.
 */
async function emptyTables<T extends readonly string[]>(
  lab: Lab,
  names: readonly [...T],
): Promise<{ [K in keyof T]: Namespace }> {
  const made = await lab.createNamespaces(names);
  // without any address the kernel takes no destination for unicast
  for (const namespace of made) await namespace.ip(['link set lo up']);
  return made as { [K in keyof T]: Namespace };
}

function writeSnapshot(): HandoverDirectory {
  const directory = new HandoverDirectory();
  const text = formatSnapshot(largeSnapshot(), `${directory.diffs}/diff_sync.1`, new Date(), Date.now());
  writeFileSync(directory.lock, '');
  writeFileSync(directory.snapshot, text);
  return directory;
}

async function timedRun(run: () => Promise<string>): Promise<Run> {
  let report = '';
  const wholeMs = await timed(async () => {
    report = await run();
  });
  return { wholeMs, insideMs: Number(/ in ([\d.]+) ms$/m.exec(report)?.[1]), report };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

/** What else the machine does only adds to a time. */
function fastest(runs: readonly Run[]): [wholeMs: number, insideMs: number] {
  return [Math.min(...runs.map(({ wholeMs }) => wholeMs)), Math.min(...runs.map(({ insideMs }) => insideMs))];
}
