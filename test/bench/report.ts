/** What a figure is counted in. */
export type Unit = 'µs' | 'ms' | 's' | 'KB' | 'MB' | '%' | 'tests/s' | 'times' | '';

/** What is wanted of a figure: of our own, or of the ratio to the peer's. */
export type Goal = { readonly of: 'ours' | 'ratio' } & (
  | { readonly atMost: number; readonly atLeast?: never }
  | { readonly atLeast: number; readonly atMost?: never }
);

/** A line of a part's table: ours, and at most one peer's of the same run. */
export interface Figure {
  /** Its name in JSON; figures of one thing beside several peers share it. */
  readonly key: string;
  /** The same for people. */
  readonly what: string;
  readonly unit: Unit;
  readonly ours: number;
  readonly peer?: { readonly name: string; readonly value: number };
  readonly goal?: Goal;
  /** The panel of the plot that shows it, by title; without one it stands in the table alone. */
  readonly panel?: string;
}

/** A further table of a part, such as a profile. */
export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** What a part found out. */
export interface PartResult {
  readonly figures: readonly Figure[];
  readonly tables?: readonly Table[];
  /** What a reader of the figures has to know of this run: peers that were left out, say. A sentence each. */
  readonly notes?: readonly string[];
}

export interface RunOptions {
  /** Measure for a shorter time: enough to see that the part works, too short for its figures. */
  readonly isQuick: boolean;
  /** Says what is being measured now. */
  readonly onProgress: (what: string) => void;
}

/** One question that the benchmark answers. */
export interface BenchPart {
  readonly name: string;
  readonly title: string;
  /** The program whose figures are ours. */
  readonly ours: 'surealived' | 'ipvssync';
  /** For the page: what is measured and how, in Markdown. Has no figures of its own but those of the set-up. */
  readonly method: string;
  /** Debian packages without which it measures nothing, as far as they are missing. */
  missing(): readonly string[];
  run(options: RunOptions): Promise<PartResult>;
}

/** Ours by the peer's. */
export function ratioOf({ ours, peer }: Figure): number | undefined {
  return peer && ours / peer.value;
}

/** @returns `undefined` where nothing is wanted of it. */
export function isMet(figure: Figure): boolean | undefined {
  const { goal } = figure;
  if (!goal) return undefined;
  const value = goal.of === 'ours' ? figure.ours : ratioOf(figure);
  if (value === undefined || !Number.isFinite(value)) return false; // JSON has null for what is no number
  return goal.atMost === undefined ? value >= goal.atLeast : value <= goal.atMost;
}

/** The figures as a table, a line for each; without the columns that would be empty. */
export function tableOf(ours: string, figures: readonly Figure[]): Omit<Table, 'title'> {
  const table = {
    columns: ['figure', ours, 'peer', "peer's", 'ratio', 'goal', ''],
    rows: figures.map((figure) => {
      const { what, unit, peer } = figure;
      const ratio = ratioOf(figure);
      const verdict = isMet(figure);
      return [
        what,
        describeValue(figure.ours, unit),
        peer?.name ?? '',
        peer ? describeValue(peer.value, unit) : '',
        ratio === undefined ? '' : formatNumber(ratio),
        describeGoal(figure),
        verdict === undefined ? '' : verdict ? 'met' : 'MISSED',
      ];
    }),
  };
  const isUsed = table.columns.map((_, i) => table.rows.some((row) => row[i] !== ''));
  const used = (line: readonly string[]): readonly string[] => line.filter((_, i) => isUsed[i]);
  return { columns: used(table.columns), rows: table.rows.map(used) };
}

function describeGoal({ goal, unit }: Figure): string {
  if (!goal) return '';
  const bound = goal.atMost ?? goal.atLeast;
  const wanted = `${goal.atMost === undefined ? '≥' : '≤'} ${bound.toLocaleString('en-US')}`;
  return goal.of === 'ratio' ? `ratio ${wanted}` : `${wanted} ${unit}`.trim();
}

export function describeValue(value: number, unit: Unit): string {
  return `${formatNumber(value)} ${unit}`.trim();
}

/** Three digits or all before the point, whichever is more: 0.71, 5.40, 27.3, 20,145; a dash for what is no number. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A table in Markdown, columns padded. */
export function formatTable({ columns, rows }: Omit<Table, 'title'>): string {
  const lines = [columns, ...rows];
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => (line[i] ?? '').length)));
  const format = (line: readonly string[]): string =>
    `| ${widths.map((width, i) => (line[i] ?? '').padEnd(width)).join(' | ')} |`;
  const rule = format(widths.map((width) => '-'.repeat(width)));
  return [format(columns), rule, ...rows.map(format)].join('\n');
}
