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
const NAMES_WIDTH = 200;
/** Where what is measured stands in the place of the program. */
const LABELS_WIDTH = 330;
const VALUES_WIDTH = 100;
const MARGIN = 12;
const BAR_HEIGHT = 14;
const LINE_HEIGHT = 20;
const TITLE_HEIGHT = 34;
const GROUP_GAP = 18;
const PANEL_GAP = 6;

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
  // a program alone needs no name at each of its bars
  const isAlone = groups.every((group) => group.bars.length === 1);
  const left = isAlone ? LABELS_WIDTH : NAMES_WIDTH;
  const scale = { left, perUnit: (WIDTH - left - VALUES_WIDTH) / largest };
  let y = top + TITLE_HEIGHT - (isAlone ? 8 : 0);
  for (const { label, bars } of groups) {
    if (!isAlone) {
      body.push(text('label', MARGIN, y, label));
      y += 8;
    }
    for (const bar of bars) {
      renderBar(isAlone ? { ...bar, name: label } : bar, unit, { ...scale, y }, body);
      y += LINE_HEIGHT;
    }
    if (!isAlone) y += GROUP_GAP;
  }
  return y + PANEL_GAP;
}

function renderBar(
  { name, value, isOurs, mark }: PlotBar,
  unit: Unit,
  { left, perUnit, y }: { left: number; perUnit: number; y: number },
  body: string[],
): void {
  const length = round(value * perUnit);
  const middle = y + 11;
  body.push(
    text('value', MARGIN + 12, middle, name),
    `<rect class="${isOurs ? 'ours' : 'peer'}" x="${left}" y="${y}" width="${length}" height="${BAR_HEIGHT}" rx="2"/>`,
  );
  const end = Math.max(length, mark === undefined ? 0 : mark * perUnit);
  if (mark !== undefined) {
    const x = round(left + mark * perUnit);
    body.push(`<line class="mark" x1="${x}" y1="${y - 2}" x2="${x}" y2="${y + BAR_HEIGHT + 2}"/>`);
  }
  body.push(text('value', round(left + end + 6), middle, describeValue(value, unit)));
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
