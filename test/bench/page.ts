/**
 * docs/performance.md and its plots. Every figure in it comes from the results; the words are those of the parts.
 *
 * @module
 */
import { formatMachine } from './machine.js';
import { type PlotGroup, type PlotPanel, renderPlot } from './plot.js';
import { type BenchPart, type Figure, formatTable, tableOf } from './report.js';
import type { MeasuredPart } from './results.js';

const INTRODUCTION = `# Performance

<!-- Written by \`npm run bench -- --page\`: changes belong into test/bench. -->

What \`npm run bench\` measured, part by part; \`npm run bench PART\` measures one of them again. A ratio is ours by the peer's
of the same run on the same machine, which is what carries over to other machines; microseconds do not. The line in a bar is
the goal.
`;

/** Files by their path in docs/. Parts come in the order of `order`. */
export function pageFiles(
  measured: readonly MeasuredPart[],
  order: readonly Pick<BenchPart, 'name' | 'method'>[],
): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  const sections: string[] = [];
  for (const { name, method } of order) {
    const part = measured.find((candidate) => candidate.name === name);
    if (!part) continue;
    const panels = panelsOf(part);
    const plot = panels.length > 0 ? `performance/${name}.svg` : undefined;
    if (plot) files.set(plot, renderPlot(part.title, panels));
    sections.push(section(part, method, plot));
  }
  files.set('performance.md', [INTRODUCTION, ...sections].join('\n'));
  return files;
}

function section(part: MeasuredPart, method: string, plot: string | undefined): string {
  const { title, ours, measuredOn, machine, isQuick, figures, tables = [], notes = [] } = part;
  const haste = isQuick ? ' Measured with `--quick`: the figures are rough.' : '';
  const blocks = [
    `## ${title}`,
    method.trim(),
    ...(plot ? [`![${title}](${plot})`] : []),
    formatTable(tableOf(ours, figures)),
    ...tables.flatMap((table) => [`### ${table.title}`, formatTable(table)]),
    ...(notes.length > 0 ? [notes.map((note) => `- ${note}`).join('\n')] : []),
    `Measured on ${measuredOn}: ${formatMachine(machine)}.${haste}`,
  ];
  return `${blocks.join('\n\n')}\n`;
}

/** The figures that say where they are to be shown, those of one thing in one group: ours once, then the peers. */
export function panelsOf({ ours, figures }: Pick<MeasuredPart, 'ours' | 'figures'>): readonly PlotPanel[] {
  const titles = new Set(figures.flatMap(({ panel }) => panel ?? []));
  return [...titles].map((title) => {
    const shown = figures.filter(({ panel }) => panel === title);
    const whats = [...new Set(shown.map(({ what }) => what))];
    const unit = shown[0]?.unit ?? '';
    return { title, unit, groups: whats.map((what) => groupOf(what, ours, shown)) };
  });
}

function groupOf(what: string, ours: string, shown: readonly Figure[]): PlotGroup {
  const figures = shown.filter((figure) => figure.what === what);
  const peers = figures.flatMap(({ peer }) => (peer ? [{ name: peer.name, value: peer.value }] : []));
  const mark = figures.map(goalOf).find((value) => value !== undefined);
  const own = { name: ours, value: figures[0]?.ours ?? 0, isOurs: true, ...(mark !== undefined && { mark }) };
  return { label: what, bars: [own, ...peers].filter(({ value }) => Number.isFinite(value)) };
}

/** What ours has to be, in its unit. */
function goalOf({ goal, peer }: Figure): number | undefined {
  const bound = goal?.atMost ?? goal?.atLeast;
  if (!goal || bound === undefined) return undefined;
  return goal.of === 'ours' ? bound : peer && bound * peer.value;
}
