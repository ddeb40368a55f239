import { missingPackages } from '../kernel/requirements.js';
import { diffLatency, diffLatencyByDefault } from '../kernel/scenarios/diff-latency.js';
import { manyRules, manyRulesLonger, rules110000 } from '../kernel/scenarios/many-rules.js';
import { type Measured, measureInLab } from './in-lab.js';
import { type BenchPart, describeValue, type Figure, type PartResult, type Table } from './report.js';

const MAX_MEMORY_MB = 120;

export const ipvssyncRules: BenchPart = {
  name: 'ipvssync-rules',
  title: 'ipvssync: tables of 11,000 and 110,000 rules',
  ours: 'ipvssync',
  method: `Inside a User-Mode Linux kernel with IPVS, both programs of a comparison in one boot. There a system call takes
about ten times as long as on the machine itself.

1,000 virtuals, and 10,000, with 10 reals each. \`ipvssync --once\`, in one file as it is packed, from the start of the process
to its end, and by its own account from the first look at the table to the last change, beside \`ipvsadm -R\` with the same
rules; the fastest of five runs, with 110,000 rules the only one. Where one weight in a hundred is changed, ipvsadm is told
those edits alone, while ipvssync has to find them. The memory is the most that a process ever had.

Then ipvssync follows, and 400 lines are appended to a diff file, a change of a weight each; the time is from the verdict
to the kernel's acknowledgement.`,
  missing: missingPackages,
  async run({ isQuick, onProgress }): Promise<PartResult> {
    onProgress('11,000 rules, and diff lines');
    // on all processors, since the clock of a busy guest is late on one
    const scenarios = isQuick ? [manyRules, diffLatency] : [manyRulesLonger, diffLatencyByDefault];
    const measured = await measureInLab(scenarios, { isSpread: true });
    const figures = [...rulesFigures('11,000', measured), ...memoryAndLatency(measured)];
    if (isQuick) return { figures, tables: [whereTimeGoes('11,000', measured)] };
    onProgress('110,000 rules');
    const large = await measureInLab([rules110000], { isSpread: true });
    return {
      figures: [...figures, ...rulesFigures('110,000', large)],
      tables: [whereTimeGoes('11,000', measured), whereTimeGoes('110,000', large)],
    };
  },
};

function rulesFigures(rules: string, measured: Measured): readonly Figure[] {
  const key = `rules${rules.replace(',', '')}`;
  const panel = `${rules} rules`;
  const restore = { name: 'ipvsadm -R', value: measured('ipvsadmMs') };
  const edits = { name: 'ipvsadm -R', value: measured('ipvsadmEditsMs') };
  const first = { name: 'ipvssync --once, empty table', value: measured('firstMs') };
  const figure = (name: string, what: string, rest: Partial<Figure>): Figure => ({
    key: `${key}.${name}`,
    what: `${rules} rules: ${what}`,
    unit: 'ms',
    ours: measured(name),
    ...rest,
  });
  return [
    figure('firstMs', 'empty table', { peer: restore, goal: { of: 'ratio', atMost: 0.2 }, panel }),
    figure('firstInsideMs', 'reading, planning, writing of that', {
      peer: restore,
      goal: { of: 'ratio', atMost: 0.125 },
      panel,
    }),
    figure('unchangedMs', 'unchanged', { peer: first, goal: { of: 'ratio', atMost: 1 }, panel }),
    figure('changedMs', '1 % changed', { peer: edits, panel }),
    figure('peakMb', 'memory', {
      unit: 'MB',
      ...(rules === '11,000' && { goal: { of: 'ours', atMost: MAX_MEMORY_MB } }),
    }),
  ];
}

function memoryAndLatency(measured: Measured): readonly Figure[] {
  const panel = 'From a diff line to the kernel, 11,000 rules';
  const latency = (name: string, what: string, atMost?: number): Figure => ({
    key: `follow.${name}`,
    what: `diff line to kernel, ${what}`,
    unit: 'ms',
    ours: measured(name),
    ...(atMost !== undefined && { goal: { of: 'ours', atMost } }),
    panel,
  });
  return [
    latency('diffMedianMs', 'median', 5),
    latency('diffP99Ms', '99th percentile', 25),
    latency('diffMaxMs', 'slowest'),
    {
      key: 'follow.timerLateP99Ms',
      what: "a timer's delay in that boot, 99th percentile",
      unit: 'ms',
      ours: measured('timerLateP99Ms'),
    },
    {
      key: 'follow.peakMb',
      what: '11,000 rules: memory of the daemon that follows',
      unit: 'MB',
      ours: measured('followPeakMb'),
      goal: { of: 'ours', atMost: MAX_MEMORY_MB },
    },
  ];
}

function whereTimeGoes(rules: string, measured: Measured): Table {
  const [nodeMs, smallMs] = [measured('nodeMs'), measured('smallMs')];
  const parts = (name: string): readonly number[] => {
    const [wholeMs, insideMs] = [measured(`${name}Ms`), measured(`${name}InsideMs`)];
    return [nodeMs, smallMs - nodeMs, wholeMs - insideMs - smallMs, insideMs, wholeMs];
  };
  const columns = ['first', 'unchanged', 'changed'].map(parts);
  const row = (what: string, i: number): readonly string[] => [
    what,
    ...columns.map((values) => describeValue(values[i] ?? Number.NaN, 'ms')),
  ];
  return {
    title: `Where the time of \`--once\` goes, ${rules} rules`,
    columns: ['', 'empty table', 'unchanged', '1 % changed'],
    rows: [
      row('Node with nothing to do, start to end', 0),
      row('with 11 rules: loading the program, opening files and table', 1),
      row('reading the snapshot, and what the size adds to the end', 2),
      row('reading the table, planning, writing', 3),
      row('whole', 4),
    ],
  };
}
