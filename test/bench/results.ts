/**
 * The figures of a run in a file: what the page is written from, and what a later run is compared with.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { type Figure, isMet, type PartResult, ratioOf } from './report.js';

const VERSION = 1;

/** What a part found out, with all that the page says of it. */
export interface MeasuredPart extends PartResult {
  readonly name: string;
  readonly title: string;
  readonly ours: string;
  /** The day, as in 2026-01-31. */
  readonly measuredOn: string;
  readonly isQuick: boolean;
  /** Processor, kernel, and the versions of all programs that take part. */
  readonly machine: Readonly<Record<string, string>>;
}

/** The document; ratios and verdicts stand in it for other readers. */
export function formatResults(parts: readonly MeasuredPart[]): string {
  const withVerdict = (figure: Figure): object => ({
    ...figure,
    ...(figure.peer && { ratio: ratioOf(figure) }),
    ...(figure.goal && { isMet: isMet(figure) }),
  });
  const all = parts.map((part) => ({ ...part, figures: part.figures.map(withVerdict) }));
  return `${JSON.stringify({ version: VERSION, parts: all }, null, 2)}\n`;
}

/**
 * The parts of several files, so that they can be measured apart: of one that is there twice, the later file's.
 *
 * @throws where a file is no such document.
 */
export function readResults(files: readonly string[]): readonly MeasuredPart[] {
  const parts = new Map<string, MeasuredPart>();
  for (const file of files) {
    for (const part of parseResults(file, readFileSync(file, 'utf8'))) parts.set(part.name, part);
  }
  return [...parts.values()];
}

/** @param file Its name, for the error. */
export function parseResults(file: string, text: string): readonly MeasuredPart[] {
  const { version, parts } = JSON.parse(text) as { version?: unknown; parts?: readonly MeasuredPart[] };
  if (version !== VERSION || !parts) {
    throw new Error(`${file}: version ${version}, but results of version ${VERSION} are expected`);
  }
  return parts;
}
