/**
 * The pages' own small markup, a part of Markdown: `# SECTION`, `## Subsection`, paragraphs, code indented by four
 * spaces, `- ` bullets, a term with `: ` lines below it, `literal` in backticks, *placeholder* between asterisks, and
 * `{{name}}` alone on a line for what is written from the schemas.
 *
 * @module
 */
import { type Block, type Definition, type Inline, literal, text, variable } from './blocks.js';

/** Literal, placeholder, or a page of the manual such as surealived(8). */
const MARKED = /`([^`]+)`|\*([^\s*][^*]*)\*|\b([a-z][\w.-]*)(?=\(\d\))/g;

/** @param insert Gives the blocks that a `{{name}}` stands for; it throws where there are none of that name. */
export function parseMarkup(source: string, insert: (name: string) => readonly Block[]): readonly Block[] {
  const blocks: Block[] = [];
  for (const chunk of source.replace(/^\s*\n|\s+$/g, '').split(/\n(?:[ \t]*\n)+/)) {
    const lines = chunk.split('\n');
    const [, name] = /^\{\{(.+)\}\}$/.exec(chunk) ?? [];
    if (name !== undefined) blocks.push(...insert(name));
    else append(blocks, parseChunk(lines));
  }
  return blocks;
}

/** @returns What a text with marks says, white space made even. */
export function parseInline(source: string): readonly Inline[] {
  const even = source.replace(/\s+/g, ' ').trim();
  const parts: Inline[] = [];
  let end = 0;
  for (const match of even.matchAll(MARKED)) {
    const [whole, literalText, variableText, page] = match;
    if (match.index > end) parts.push(text(even.slice(end, match.index)));
    parts.push(variableText === undefined ? literal(literalText ?? page ?? '') : variable(variableText));
    end = match.index + whole.length;
  }
  return end < even.length ? [...parts, text(even.slice(end))] : parts;
}

function parseChunk(lines: readonly string[]): Block {
  const [first = ''] = lines;
  const [, marks = '', title = ''] = /^(##?) (.+)$/.exec(first) ?? [];
  if (title !== '') return { kind: marks === '#' ? 'section' : 'subsection', title };
  if (lines.every((line) => line.startsWith('    ')))
    return { kind: 'code', lines: lines.map((line) => line.slice(4)) };
  if (first.startsWith('- ')) return { kind: 'bullets', items: splitItems(lines).map(parseInline) };
  const bodyStart = lines.findIndex((line) => line.startsWith(': '));
  if (bodyStart > 0) return { kind: 'definitions', items: [parseDefinition(lines, bodyStart)] };
  return { kind: 'paragraph', content: parseInline(lines.join(' ')) };
}

function parseDefinition(lines: readonly string[], bodyStart: number): Definition {
  const body = lines.slice(bodyStart).map((line) => line.replace(/^: /, ''));
  return { term: parseInline(lines.slice(0, bodyStart).join(' ')), body: parseInline(body.join(' ')) };
}

function splitItems(lines: readonly string[]): readonly string[] {
  return lines
    .join('\n')
    .split(/^- /m)
    .filter((item) => item !== '');
}

/** Definitions that follow each other are one list; code goes on after an empty line. */
function append(blocks: Block[], block: Block): void {
  const last = blocks.at(-1);
  if (last?.kind === 'definitions' && block.kind === 'definitions')
    blocks[blocks.length - 1] = { kind: 'definitions', items: [...last.items, ...block.items] };
  else if (last?.kind === 'code' && block.kind === 'code')
    blocks[blocks.length - 1] = { kind: 'code', lines: [...last.lines, '', ...block.lines] };
  else blocks.push(block);
}
