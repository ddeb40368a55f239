/**
 * Bars as SVG, to be read on light and on dark ground.
 *
 * @module
 */
import { describeValue, type Unit } from './report.js';

export interface PlotBar {
  readonly name: string;
  readonly value: number;
  readonly isOurs?: boolean;
  /** A value to be marked by a line across the bar. */
  readonly mark?: number;
}

export interface PlotGroup {
  readonly label: string;
  readonly bars: readonly PlotBar[];
}

/** Groups of bars that share a scale. */
export interface PlotPanel {
  readonly title: string;
  readonly unit: Unit;
  readonly groups: readonly PlotGroup[];
}

const WIDTH = 760;
const NAMES_WIDTH = 190;
const VALUES_WIDTH = 110;
const BARS_WIDTH = WIDTH - NAMES_WIDTH - VALUES_WIDTH;
const MARGIN = 12;
const BAR_HEIGHT = 14;
const LINE_HEIGHT = 20;
const TITLE_HEIGHT = 34;
const GROUP_GAP = 6;

const STYLE = `
  svg { color-scheme: light dark; }
  .ground { fill: #ffffff; } text { fill: #1f2328; font: 12px system-ui, sans-serif; }
  .title { font-weight: 600; font-size: 13px; } .value { fill: #59636e; }
  .ours { fill: #0969da; } .peer { fill: #afb8c1; } .mark { stroke: #cf222e; stroke-width: 2; }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117; } text { fill: #e6edf3; } .value { fill: #9198a1; }
    .ours { fill: #4493f8; } .peer { fill: #545d68; } .mark { stroke: #ff7b72; }
  }
`;

/** @param title Read out where the picture is not seen. */
export function renderPlot(title: string, panels: readonly PlotPanel[]): string {
  const body: string[] = [];
  let y = MARGIN;
  for (const panel of panels) y = renderPanel(panel, y, body);
  const height = y + MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img">`,
    `<title>${escapeXml(title)}</title>`,
    `<style>${STYLE}</style>`,
    `<rect class="ground" width="${WIDTH}" height="${height}"/>`,
    ...body,
    '</svg>\n',
  ].join('\n');
}

/** @returns Where the next one begins. */
function renderPanel({ title, unit, groups }: PlotPanel, top: number, body: string[]): number {
  const bars = groups.flatMap((group) => group.bars);
  const largest = Math.max(...bars.map(({ value, mark }) => Math.max(value, mark ?? 0)), Number.MIN_VALUE);
  body.push(text('title', MARGIN, top + 16, title));
  let y = top + TITLE_HEIGHT;
  for (const { label, bars } of groups) {
    body.push(text('label', MARGIN, y, label));
    y += 8;
    for (const bar of bars) {
      renderBar(bar, unit, { y, perUnit: BARS_WIDTH / largest }, body);
      y += LINE_HEIGHT;
    }
    y += GROUP_GAP + 12;
  }
  return y;
}

function renderBar(
  { name, value, isOurs, mark }: PlotBar,
  unit: Unit,
  { y, perUnit }: { y: number; perUnit: number },
  body: string[],
): void {
  const length = round(value * perUnit);
  const middle = y + 11;
  body.push(
    text('value', MARGIN + 12, middle, name),
    `<rect class="${isOurs ? 'ours' : 'peer'}" x="${NAMES_WIDTH}" y="${y}" width="${length}" height="${BAR_HEIGHT}" rx="2"/>`,
  );
  const end = Math.max(length, mark === undefined ? 0 : mark * perUnit);
  if (mark !== undefined) {
    const x = round(NAMES_WIDTH + mark * perUnit);
    body.push(`<line class="mark" x1="${x}" y1="${y - 2}" x2="${x}" y2="${y + BAR_HEIGHT + 2}"/>`);
  }
  body.push(text('value', round(NAMES_WIDTH + end + 6), middle, describeValue(value, unit)));
}

function text(style: string, x: number, y: number, content: string): string {
  return `<text class="${style}" x="${x}" y="${y}">${escapeXml(content)}</text>`;
}

function escapeXml(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
