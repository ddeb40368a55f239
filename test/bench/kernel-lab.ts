/**
 * What only a real IPVS kernel can show, measured in the lab: both programs of a comparison in one boot.
 *
 * @module
 */
import { missingPackages } from '../kernel/requirements.js';
import { runScenarios } from '../kernel/run-scenarios.js';
import { diffLatencyByDefault } from '../kernel/scenarios/diff-latency.js';
import { manyRules } from '../kernel/scenarios/many-rules.js';
import { reaction } from '../kernel/scenarios/reaction.js';
import type { BenchPart, Figure, PartResult, Unit } from './report.js';

interface Wanted {
  /** A figure of the scenarios. */
  readonly figure: string;
  readonly what: string;
  readonly unit: Unit;
  readonly atMost?: number;
  readonly atLeast?: number;
}

/** The figures of the scenarios, and what is wanted of them; in the order in which they are shown. */
const GOALS: readonly Wanted[] = [
  { figure: 'stopToWeightZeroMaxMs', what: 'server refuses to weight 0, slowest', unit: 'ms', atMost: 1300 },
  { figure: 'stopToWeightZeroMedianMs', what: 'the same, median', unit: 'ms', atMost: 1300 },
  { figure: 'verdictToTableMedianMs', what: 'verdict to kernel table, median', unit: 'ms', atMost: 10 },
  { figure: 'wholeRatio', what: 'ipvsadm -R / whole ipvssync --once', unit: 'times', atLeast: 5 },
  { figure: 'writingRatio', what: 'ipvsadm -R / its reading, planning, writing', unit: 'times', atLeast: 8 },
  { figure: 'unchangedRatio', what: 'whole --once, unchanged / the first', unit: 'times', atMost: 1 },
  { figure: 'oncePeakMb', what: 'memory of --once, peak', unit: 'MB', atMost: 120 },
  { figure: 'followPeakMb', what: 'memory of the daemon that follows, peak', unit: 'MB', atMost: 120 },
  { figure: 'diffMedianMs', what: "diff line's time to kernel table, median", unit: 'ms', atMost: 5 },
  { figure: 'diffP99Ms', what: 'the same, 99th percentile', unit: 'ms', atMost: 25 },
  { figure: 'diffMaxMs', what: 'the same, slowest', unit: 'ms' },
  { figure: 'timerLateP99Ms', what: "a timer's delay in that boot, 99th percentile", unit: 'ms' },
  { figure: 'ipvsadmMs', what: 'ipvsadm -R', unit: 'ms' },
  { figure: 'onceMs', what: 'ipvssync --once, whole', unit: 'ms' },
  { figure: 'writingMs', what: 'its reading, planning and writing', unit: 'ms' },
  { figure: 'unchangedMs', what: 'ipvssync --once, unchanged, whole', unit: 'ms' },
  { figure: 'readingMs', what: 'its reading and planning', unit: 'ms' },
];

export const kernelLab: BenchPart = {
  name: 'kernel-lab',
  title: 'Kernel lab: loopdelay 1 s; a table of 1,000 virtuals with 10 reals each, the fastest of three runs',
  ours: 'ipvssync',
  method: 'Inside a User-Mode Linux kernel with IPVS, both programs of a comparison in one boot.',
  missing: missingPackages,
  async run(): Promise<PartResult> {
    const scenarios = [reaction, manyRules, diffLatencyByDefault];
    const report = await runScenarios(scenarios, { isSpread: true });
    const figures = Object.assign({}, ...scenarios.map(({ name }) => report.resultOf(name).measurements));
    return { figures: GOALS.map((goal) => figureOf(goal, figures[goal.figure] ?? Number.NaN)) };
  },
};

function figureOf({ figure, what, unit, atMost, atLeast }: Wanted, ours: number): Figure {
  const base = { key: figure, what, unit, ours };
  if (atMost !== undefined) return { ...base, goal: { of: 'ours', atMost } };
  return atLeast === undefined ? base : { ...base, goal: { of: 'ours', atLeast } };
}
