import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import type { SnapshotVirtual } from '@surealived/shared/snapshot/format';
import { formatSnapshot } from '@surealived/shared/snapshot/write';
import { scriptOf } from '../../daemons/daemon-process.js';
import { HandoverDirectory } from '../../daemons/handover-directory.js';
import { saveIpvs } from '../lab/ipvs.js';
import { largeEdits, largeRules, largeSnapshot } from '../lab/large-table.js';
import { REPORT_PEAK, reportedPeakMb } from '../lab/memory-use.js';
import type { Namespace } from '../lab/namespace.js';
import type { Lab } from '../lab.js';
import type { Scenario } from './scenario.js';

const TIMEOUT_MS = 200_000;

/** How long a process took, and what it says of the time between its start and its end. */
interface Run {
  readonly wholeMs: number;
  readonly insideMs: number;
  readonly report: string;
}

interface Size {
  readonly virtuals: number;
  readonly rounds: number;
}

export const manyRules: Scenario = rulesScenario('many-rules', { virtuals: 1000, rounds: 2 });
/** The same for the benchmark. */
export const manyRulesLonger: Scenario = rulesScenario('many-rules-longer', { virtuals: 1000, rounds: 5 });
export const rules110000: Scenario = rulesScenario('rules-110000', { virtuals: 10_000, rounds: 1 });

type Kind = 'theirs' | 'theirEdits' | 'first' | 'unchanged' | 'changed';
type Runs = Readonly<Record<Kind, Run[]>>;

/**
 * So many rules into an empty table, in turn with `ipvsadm -R` in the same boot; once more with nothing to do; and with
 * one weight in a hundred changed, where ipvsadm is told the edits alone and need not find them. (Clearing the table and
 * restoring all of it is no match: what was deleted slows every addition down.)
 */
function rulesScenario(name: string, size: Size): Scenario {
  return {
    name,
    title: `${11 * size.virtuals} rules are written faster than by ipvsadm -R, and a second run writes nothing`,
    timeoutMs: 400_000,
    async run(lab) {
      const whole = writeSnapshot(largeSnapshot(size.virtuals));
      const runs = await runRounds(lab, size, whole);
      checkReports(runs, size.virtuals);
      const [theirs, ours] = [fastest(runs.theirs).wholeMs, fastest(runs.first).wholeMs];
      lab.measure('ipvsadmMs', theirs);
      lab.measure('ipvsadmEditsMs', fastest(runs.theirEdits).wholeMs);
      for (const kind of ['first', 'unchanged', 'changed'] as const) {
        const { wholeMs, insideMs } = fastest(runs[kind]);
        lab.measure(`${kind}Ms`, wholeMs);
        lab.measure(`${kind}InsideMs`, insideMs);
      }
      await measureFixedParts(lab, whole);
      assert(theirs > ours, `ipvsadm -R took ${theirs} ms, ipvssync --once ${ours} ms`);
    },
  };
}

async function runRounds(lab: Lab, { virtuals, rounds }: Size, whole: string): Promise<Runs> {
  const changed = writeSnapshot(largeSnapshot(virtuals, { isChanged: true }));
  const [all, edits] = [largeRules(virtuals), largeEdits(virtuals)];
  const runs: Runs = { theirs: [], theirEdits: [], first: [], unchanged: [], changed: [] };
  for (let round = 0; round < rounds; round++) {
    const [one, other] = await emptyTables(lab, [`theirs${round}`, `ours${round}`]);
    runs.theirs.push(await timedRun(() => restore(one, all)));
    runs.first.push(await timedRun(() => once(other, whole)));
    runs.unchanged.push(await timedRun(() => once(other, whole)));
    runs.theirEdits.push(await timedRun(() => restore(one, edits)));
    runs.changed.push(await timedRun(() => once(other, changed)));
    assert.deepEqual(await saveIpvs(other, TIMEOUT_MS), await saveIpvs(one, TIMEOUT_MS));
  }
  return runs;
}

function checkReports({ first, unchanged, changed }: Runs, virtuals: number): void {
  const added = `added ${virtuals} services and ${10 * virtuals} reals in `;
  const edited = `edited ${virtuals / 10} reals in `;
  for (const { report } of first) assert(report.startsWith(added), report);
  for (const { report } of unchanged) assert.match(report, /^nothing to change in /);
  for (const { report } of changed) assert(report.startsWith(edited), report);
}

/** What a run costs that has next to nothing to do, and what Node costs that has nothing to do; and the memory. */
async function measureFixedParts(lab: Lab, whole: string): Promise<void> {
  const [memory, idle] = await emptyTables(lab, ['memory', 'idle']);
  lab.measure('peakMb', reportedPeakMb(await once(memory, whole, ...REPORT_PEAK)));
  const small = writeSnapshot(largeSnapshot(1));
  const [nodes, smalls]: [Run[], Run[]] = [[], []];
  for (let round = 0; round < 3; round++) {
    nodes.push(await timedRun(() => idle.run([process.execPath, '-e', '0'])));
    smalls.push(await timedRun(() => once(idle, small)));
  }
  lab.measure('nodeMs', fastest(nodes).wholeMs);
  lab.measure('smallMs', fastest(smalls).wholeMs);
}

function restore(where: Namespace, rules: string): Promise<string> {
  return where.run(['ipvsadm', '-R'], { input: rules, timeoutMs: TIMEOUT_MS });
}

/** @param config That of a snapshot. @param flags Of Node. */
function once(where: Namespace, config: string, ...flags: readonly string[]): Promise<string> {
  const argv = [process.execPath, ...flags, scriptOf('ipvssync'), '-c', config, '--once'];
  return where.run(argv, { timeoutMs: TIMEOUT_MS });
}

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

/** @returns The configuration that names it. */
function writeSnapshot(virtuals: readonly SnapshotVirtual[]): string {
  const directory = new HandoverDirectory();
  const text = formatSnapshot(virtuals, `${directory.diffs}/diff_sync.1`, new Date(), Date.now());
  writeFileSync(directory.lock, '');
  writeFileSync(directory.snapshot, text);
  return directory.config;
}

async function timedRun(run: () => Promise<string>): Promise<Run> {
  const startedMs = performance.now();
  const report = await run();
  const wholeMs = performance.now() - startedMs;
  return { wholeMs, insideMs: Number(/ in ([\d.]+) ms$/m.exec(report)?.[1]), report };
}

/** What else the machine does only adds to a time. */
function fastest(runs: readonly Run[]): Pick<Run, 'wholeMs' | 'insideMs'> {
  return {
    wholeMs: Math.min(...runs.map(({ wholeMs }) => wholeMs)),
    insideMs: Math.min(...runs.map(({ insideMs }) => insideMs)),
  };
}
