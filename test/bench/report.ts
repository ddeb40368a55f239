/** One line of a part's table, for people and as figures. */
export interface Row {
  readonly cells: readonly (string | number)[];
  readonly figures: Readonly<Record<string, string | number>>;
}

/** One question that the benchmark answers. */
export interface BenchPart {
  readonly name: string;
  readonly title: string;
  readonly columns: readonly string[];
  run(): Promise<readonly Row[]>;
}

/** A table in Markdown, columns padded. */
export function formatTable(columns: readonly string[], rows: readonly Row[]): string {
  const lines = [columns, ...rows.map(({ cells }) => cells.map(String))];
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => String(line[i] ?? '').length)));
  const format = (line: readonly string[]): string =>
    `| ${line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  const rule = format(widths.map((width) => '-'.repeat(width)));
  const [head = [], ...body] = lines;
  return [format(head), rule, ...body.map(format)].join('\n');
}
