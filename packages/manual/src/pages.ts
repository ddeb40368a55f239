import { readFileSync } from 'node:fs';
import { versionOf } from '@surealived/shared/program-files';
import type { Block } from './blocks.js';
import { insert } from './inserts.js';
import { parseMarkup } from './markup.js';
import { printPage } from './roff.js';

/** Of the last change to the prose of a page; to be set by hand. */
const DATE = '2026-11-22';
const PAGES = new URL('../pages/', import.meta.url);

interface Page {
  readonly name: string;
  readonly section: 5 | 8;
}

/** Each has its prose in `pages/NAME.SECTION.md`. */
const MANUAL: readonly Page[] = [
  { name: 'surealived', section: 8 },
  { name: 'ipvssync', section: 8 },
  { name: 'sdctl', section: 8 },
  { name: 'surealived.cfg', section: 5 },
  { name: 'surealived.xml', section: 5 },
];

const MANUAL_TITLES = { 5: 'File formats', 8: 'System administration' } as const;

/** Manual pages by their file names. */
export function printManual(): ReadonlyMap<string, string> {
  const source = `surealived ${versionOf(import.meta.url)}`;
  return new Map(
    MANUAL.map(({ name, section }) => {
      const file = `${name}.${section}`;
      const head = { name, section, date: DATE, source, manual: MANUAL_TITLES[section] };
      return [file, printPage(head, readPage(file))];
    }),
  );
}

/** A page by its file name, with what is written from the schemas. */
export function readPage(file: string): readonly Block[] {
  return parseMarkup(readFileSync(new URL(`${file}.md`, PAGES), 'utf8'), insert);
}
