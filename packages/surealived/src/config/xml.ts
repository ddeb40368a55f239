/**
 * XML text to elements with positions. fast-xml-parser checks the text and finds the elements; attributes are read here
 * from each start tag, because their positions and every entity matter to the messages.
 *
 * What a services file has no use for is refused before anything is expanded or nested: a document type (and with it
 * every entity definition), foreign entities, deep nesting.
 *
 * @module
 */
import { ConfigError, messageOf, type Problem } from '@surealived/shared/errors';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { type Position, PositionIndex } from './position-index.js';

export interface Attribute extends Position {
  readonly name: string;
  readonly value: string;
}

export interface Element extends Position {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, Attribute>;
  readonly children: readonly Element[];
}

/** Elements below the root; a services file needs two. */
const MAX_DEPTH = 8;
const MAX_DECLARATION_BYTES = 200;
const START_INDEX = XMLParser.getMetaDataSymbol();
const NAMED_ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

export interface XmlDocument {
  readonly root: Element;
  /** What is wrong but does not hide the rest: text between elements, unknown entities. */
  readonly problems: readonly Problem[];
}

/** The encoding that the XML declaration names; UTF-8 where there is none. */
export function declaredEncoding(bytes: Buffer): string {
  const head = bytes.toString('latin1', 0, MAX_DECLARATION_BYTES);
  return /^<\?xml\s[^>]*?\sencoding\s*=\s*["']([A-Za-z][\w.-]*)["']/.exec(head)?.[1] ?? 'UTF-8';
}

/**
 * Reads a whole document.
 *
 * @throws ConfigError with the first problem where the text is not well-formed, so that the rest cannot be read.
 */
export function parseXml(text: string, file: string): XmlDocument {
  const reader = new XmlReader(text, file);
  const root = reader.read();
  if (!root) throw new ConfigError(reader.problems);
  return { root, problems: reader.problems };
}

/** A node of fast-xml-parser in `preserveOrder`: one key names the tag, its value holds the children. */
type Node = Record<string, unknown> & { [START_INDEX: symbol]: { startIndex?: number } | undefined };

class XmlReader {
  readonly problems: Problem[] = [];
  readonly #text: string;
  readonly #file: string;
  readonly #positions: PositionIndex;

  constructor(text: string, file: string) {
    // a byte order mark is no content (XML 1.0, section 4.3.3)
    this.#text = text.startsWith('\ufeff') ? text.slice(1) : text;
    this.#file = file;
    this.#positions = new PositionIndex(this.#text);
  }

  read(): Element | undefined {
    const start = skipMisc(this.#text, 0);
    if (this.#text.startsWith('<!DOCTYPE', start)) {
      this.#report(
        start,
        'a document type (<!DOCTYPE …>) is not accepted: a services file needs no entities',
      );
      return undefined;
    }
    const flaw = XMLValidator.validate(this.#text, { allowBooleanAttributes: false });
    if (flaw !== true) {
      const { line, col: column, msg } = flaw.err;
      const unclosed = innermostUnclosed(msg);
      if (unclosed !== undefined)
        this.#report(this.#text.lastIndexOf(`<${unclosed}`), `<${unclosed}> is never closed`);
      else
        this.problems.push({ file: this.#file, line: Math.max(line, 1), column: column ?? 1, message: msg });
      return undefined;
    }
    const roots = this.#parse();
    if (roots.length > 1) this.#report(roots[1]?.start ?? 0, 'expected one root element');
    return roots[0]?.element;
  }

  #parse(): { element: Element; start: number }[] {
    const parser = new XMLParser({
      preserveOrder: true,
      captureMetaData: true,
      ignoreAttributes: true,
      processEntities: false,
      parseTagValue: false,
      ignorePiTags: true,
      ignoreDeclaration: true,
      maxNestedTags: MAX_DEPTH,
    });
    try {
      return this.#elements(parser.parse(this.#text), 0);
    } catch (error) {
      const isTooDeep = messageOf(error).includes('nested');
      this.#report(0, isTooDeep ? `elements are nested deeper than ${MAX_DEPTH}` : messageOf(error));
      return [];
    }
  }

  /** @param parentStart Where the parent's tag begins, for text that stands where none belongs. */
  #elements(nodes: readonly Node[], parentStart: number): { element: Element; start: number }[] {
    const found: { element: Element; start: number }[] = [];
    for (const node of nodes) {
      const name = Object.keys(node)[0] ?? '';
      if (name === '#text')
        this.#report(parentStart, `unexpected text "${String(node['#text']).slice(0, 40)}"`);
      else found.push(this.#element(node, name));
    }
    return found;
  }

  #element(node: Node, name: string): { element: Element; start: number } {
    const start = node[START_INDEX as unknown as symbol]?.startIndex ?? 0;
    const attributes = this.#attributes(start + 1 + name.length);
    const children = this.#elements(node[name] as readonly Node[], start).map(({ element }) => element);
    return { element: { name, attributes, children, ...this.#positions.at(start) }, start };
  }

  /** The attributes of a start tag whose name ends at `offset`; the text is known to be well-formed. */
  #attributes(offset: number): ReadonlyMap<string, Attribute> {
    const pattern = /\s*([^\s=/>]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/y;
    pattern.lastIndex = offset;
    const attributes = new Map<string, Attribute>();
    for (let match = pattern.exec(this.#text); match; match = pattern.exec(this.#text)) {
      const [whole, name = '', double, single] = match;
      const start = match.index + whole.indexOf(name);
      const value = this.#decode(double ?? single ?? '', start, name);
      attributes.set(name, { name, value, ...this.#positions.at(start) });
    }
    return attributes;
  }

  /** Resolves entities and normalises white space as XML 1.0 section 3.3.3 says. */
  #decode(raw: string, start: number, name: string): string {
    const spaced = raw.replace(/[\t\r\n]/g, ' ');
    if (!/[&<]/.test(spaced)) return spaced;
    if (spaced.includes('<')) this.#report(start, `attribute "${name}": "<" must be written as &lt;`);
    return spaced.replace(/&([^;&\s]{0,20});?/g, (entity, body: string) => {
      const value = entity.endsWith(';') ? decodeEntity(body) : undefined;
      if (value === undefined) this.#report(start, `attribute "${name}": unknown entity "${entity}"`);
      return value ?? '';
    });
  }

  #report(offset: number, message: string): void {
    this.problems.push({ file: this.#file, ...this.#positions.at(offset), message });
  }
}

function decodeEntity(body: string): string | undefined {
  const [, hex, decimal] = /^#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}))$/.exec(body) ?? [];
  if (hex === undefined && decimal === undefined) return NAMED_ENTITIES[body];
  const point = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
  const isCharacter = point > 0 && point <= 0x10ffff && !(point >= 0xd800 && point <= 0xdfff);
  return isCharacter ? String.fromCodePoint(point) : undefined;
}

/** The name that a complaint about elements left open ends with; the library lists them as JSON. */
function innermostUnclosed(complaint: string): string | undefined {
  const [, single, several] =
    /^(?:Unclosed tag '([^']+)'|Invalid '(\[[\s\S]*\])' found)\.$/.exec(complaint) ?? [];
  return single ?? (several === undefined ? undefined : JSON.parse(several).at(-1));
}

/** The offset of the first thing at or after `offset` that is neither white space, comment nor processing instruction. */
function skipMisc(text: string, offset: number): number {
  for (let at = offset; ; ) {
    while (/\s/.test(text[at] ?? '')) at++;
    const close = text.startsWith('<!--', at) ? '-->' : text.startsWith('<?', at) ? '?>' : undefined;
    const end = close === undefined ? -1 : text.indexOf(close, at + 2);
    if (close === undefined || end < 0) return at;
    at = end + close.length;
  }
}
