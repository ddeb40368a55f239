/**
 * Tables and colours for a terminal. Pure.
 *
 * @module
 */
import { escapeText } from './escape.js';

export type Style = 'plain' | 'bold' | 'dim' | 'red' | 'green' | 'yellow';
/** Gives a text its style, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string;

const CODES: Readonly<Record<Style, number>> = { plain: 0, bold: 1, dim: 2, red: 31, green: 32, yellow: 33 };

export const plainPaint: Paint = (_style, text) => text;
export const ansiPaint: Paint = (style, text) =>
  style === 'plain' || text === '' ? text : `\x1b[${CODES[style]}m${text}\x1b[0m`;

export interface StyledText {
  readonly text: string;
  readonly style: Style;
}
/** Texts go to the left, numbers to the right. */
export type Cell = string | number | StyledText;

/** @param headings One per column. @returns Lines; the last column is not padded. */
export function renderTable(
  headings: readonly string[],
  rows: readonly (readonly Cell[])[],
  paint: Paint,
): readonly string[] {
  const widths = headings.map((heading, column) =>
    rows.reduce((width, row) => Math.max(width, textOf(row[column]).length), heading.length),
  );
  const isRight = headings.map((_, column) => typeof rows[0]?.[column] === 'number');
  const line = (cells: readonly Cell[]): string =>
    cells
      .map((cell, column) => {
        const text = textOf(cell);
        const gap = ' '.repeat((widths[column] ?? 0) - text.length);
        const painted = paint(styleOf(cell), text);
        if (isRight[column]) return gap + painted;
        return column === cells.length - 1 ? painted : painted + gap;
      })
      .join('  ')
      .trimEnd();
  const head = headings.map((text): Cell => ({ text, style: 'dim' }));
  return [line(head), ...rows.map(line)];
}

function textOf(cell: Cell | undefined): string {
  if (cell === undefined) return '';
  return escapeText(typeof cell === 'object' ? cell.text : String(cell));
}

function styleOf(cell: Cell): Style {
  return typeof cell === 'object' ? cell.style : 'plain';
}
