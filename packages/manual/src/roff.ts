/**
 * Blocks as a manual page in the man(7) macros, which groff and mandoc both format.
 *
 * @module
 */
import type { Block, Inline } from './blocks.js';

export interface PageHead {
  readonly name: string;
  readonly section: number;
  /** Of the last change, as 2026-11-21. */
  readonly date: string;
  /** What the page belongs to, with its version. */
  readonly source: string;
  /** The manual that the page is part of. */
  readonly manual: string;
}

/** Names are not divided; the end of an example allows it again. */
const NO_HYPHENS = '.nh';
const LINE_WIDTH = 80;

/** What roff would take for something else, or print as something else. */
const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\e',
  '-': '\\-',
  "'": '\\(aq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
};
const FONTS = { text: 'R', literal: 'B', variable: 'I' } as const;

export function printPage(head: PageHead, blocks: readonly Block[]): string {
  const { name, section, date, source, manual } = head;
  const [shownName, ...shown] = [name.toUpperCase(), source, manual].map(printArgument);
  const title = [shownName, section, `"${date}"`, ...shown].join(' ');
  const lines = [
    '.\\" Written by `npm run manual`: change packages/manual or the schemas instead.',
    `.TH ${title}`,
    NO_HYPHENS,
    '.ad l',
    ...blocks.flatMap((block, index) => printBlock(block, isHeading(blocks[index - 1]))),
  ];
  return `${lines.join('\n')}\n`;
}

/** @param isFirst Whether it follows a heading, which begins a paragraph by itself. */
function printBlock(block: Block, isFirst: boolean): readonly string[] {
  const begin = isFirst ? [] : ['.PP'];
  switch (block.kind) {
    case 'section':
      return [`.SH ${printArgument(block.title)}`];
    case 'subsection':
      return [`.SS ${printArgument(block.title)}`];
    case 'paragraph':
      return [...begin, ...printLines(block.content)];
    case 'definitions':
      return block.items.flatMap(({ term, body }) => ['.TP', printInline(term), ...printLines(body)]);
    case 'bullets':
      return block.items.flatMap((item) => ['.IP \\(bu 2', ...printLines(item)]);
    case 'code':
      return [
        ...begin,
        '.RS 4',
        '.EX',
        ...block.lines.map((line) => guard(escapeText(line))),
        '.EE',
        '.RE',
        NO_HYPHENS,
      ];
  }
}

function isHeading(block: Block | undefined): boolean {
  return block?.kind === 'section' || block?.kind === 'subsection';
}

/** Text on lines of its own, each sentence on a new one. */
function printLines(content: readonly Inline[]): readonly string[] {
  return printInline(content)
    .split(/(?<=[.:?!]) (?=[A-Z]|\\f[BI])/)
    .flatMap(wrap)
    .map(guard);
}

function printInline(content: readonly Inline[]): string {
  return content
    .map(({ kind, text }) =>
      kind === 'text' ? escapeText(text) : `\\f${FONTS[kind]}${escapeText(text)}\\fR`,
    )
    .join('');
}

function wrap(sentence: string): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of sentence.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > LINE_WIDTH) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** A line of text must not begin as a request does. */
function guard(line: string): string {
  return line.startsWith('.') ? `\\&${line}` : line;
}

function printArgument(argument: string): string {
  return `"${escapeText(argument).replaceAll('"', '\\(dq')}"`;
}

function escapeText(text: string): string {
  return text.replace(
    /[\\\-'`^~]|[^\n -~]/gu,
    (character) =>
      ESCAPES[character] ??
      `\\[u${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`,
  );
}
