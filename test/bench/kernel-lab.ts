/**
 * What only a real IPVS kernel can show, measured in the lab: both programs of a comparison in one boot.
 *
 * @module
 */
import { runScenarios } from '../kernel/run-scenarios.js';
import { manyRules } from '../kernel/scenarios/many-rules.js';
import { reaction } from '../kernel/scenarios/reaction.js';
import type { BenchPart, Row } from './report.js';

/** The figures of the scenarios, and what is wanted of them. */
const GOALS: readonly { figure: string; what: string; unit: string; limit: number; isUpper: boolean }[] = [
  {
    figure: 'stopToWeightZeroMaxMs',
    what: 'server refuses to weight 0, slowest',
    unit: 'ms',
    limit: 1300,
    isUpper: true,
  },
  { figure: 'stopToWeightZeroMedianMs', what: 'the same, median', unit: 'ms', limit: 1300, isUpper: true },
  {
    figure: 'verdictToTableMedianMs',
    what: 'verdict to kernel table, median',
    unit: 'ms',
    limit: 10,
    isUpper: true,
  },
  {
    figure: 'ratio',
    what: '11,000 rules: ipvsadm -R / ipvssync --once',
    unit: 'times',
    limit: 3,
    isUpper: false,
  },
];

export const kernelLab: BenchPart = {
  name: 'kernel-lab',
  title: 'Kernel lab: loopdelay 1 s; 11,000 rules into an empty table, whole processes, medians',
  columns: ['figure', 'measured', 'goal'],
  async run(): Promise<readonly Row[]> {
    const report = await runScenarios([reaction, manyRules]);
    const figures = {
      ...report.resultOf(reaction.name).measurements,
      ...report.resultOf(manyRules.name).measurements,
    };
    const goals = GOALS.map(({ figure, what, unit, limit, isUpper }): Row => {
      const value = figures[figure] ?? Number.NaN;
      return {
        cells: [what, `${value} ${unit}`, `${isUpper ? '≤' : '≥'} ${limit} ${unit}`],
        figures: { [figure]: value },
      };
    });
    const others = ['ipvssyncMs', 'ipvsadmMs', 'unchangedMs'].map((figure): Row => {
      return {
        cells: [figure, `${figures[figure]} ms`, ''],
        figures: { [figure]: figures[figure] ?? Number.NaN },
      };
    });
    return [...goals, ...others];
  },
};
