/**
 * Lua's patterns, with a count of the steps that a match takes: some take years, and the interpreter's own matching
 * cannot be interrupted.
 *
 * A pattern is made into items first; what is wrong with it becomes an item too, and an error when a match comes there.
 *
 * @module
 */

/** What is wrong with a pattern, or with the use of it; the message is for the script. */
export class PatternError extends Error {}

/** For each byte whether it belongs. */
type ByteSet = Uint8Array;
type Repeat = '' | '*' | '+' | '-' | '?';

type Item =
  | { readonly kind: 'byte'; readonly set: ByteSet; readonly repeat: Repeat }
  | { readonly kind: 'open' | 'position' | 'close' | 'end' }
  | { readonly kind: 'balance'; readonly first: number; readonly last: number }
  | { readonly kind: 'frontier'; readonly set: ByteSet }
  | { readonly kind: 'again'; readonly capture: number }
  | { readonly kind: 'error'; readonly message: string };

export type Pattern = readonly Item[];

const MAX_CAPTURES = 32;
/** Nested trials, as many as the original allows. */
const MAX_DEPTH = 200;
/** Steps between two calls of `pause`. */
const STEPS = 1024;
const MAX_CACHED = 500;
const UNFINISHED = -1;
const POSITION = -2;
const NO_MATCH = -1;

const cache = new Map<string, Pattern>();

/** @param text One character for each byte, without the `^` at its beginning that anchors. */
export function compilePattern(text: string): Pattern {
  const known = cache.get(text);
  if (known) return known;
  if (cache.size >= MAX_CACHED) cache.clear();
  const pattern = new Compiler(text).compile();
  cache.set(text, pattern);
  return pattern;
}

class Compiler {
  readonly #text: string;
  readonly #items: Item[] = [];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  compile(): Pattern {
    try {
      while (this.#at < this.#text.length) this.#items.push(this.#item());
    } catch (error) {
      this.#items.push({ kind: 'error', message: (error as PatternError).message });
    }
    return this.#items;
  }

  #item(): Item {
    const rest = this.#text.slice(this.#at, this.#at + 2);
    if (rest === '()') return this.#skip(2, { kind: 'position' });
    if (rest[0] === '(') return this.#skip(1, { kind: 'open' });
    if (rest[0] === ')') return this.#skip(1, { kind: 'close' });
    if (rest === '$') return this.#skip(1, { kind: 'end' });
    if (rest === '%b') return this.#balance();
    if (rest === '%f') return this.#frontier();
    if (/^%\d/.test(rest)) return this.#skip(2, { kind: 'again', capture: Number(rest[1]) - 1 });
    const set = this.#set();
    const repeat = this.#text[this.#at];
    if (repeat === undefined || !'*+-?'.includes(repeat)) return { kind: 'byte', set, repeat: '' };
    return this.#skip(1, { kind: 'byte', set, repeat: repeat as Repeat });
  }

  #skip<T extends Item>(characters: number, item: T): T {
    this.#at += characters;
    return item;
  }

  #balance(): Item {
    const [first, last] = [this.#text.charCodeAt(this.#at + 2), this.#text.charCodeAt(this.#at + 3)];
    if (Number.isNaN(last)) throw new PatternError("malformed pattern (missing arguments to '%b')");
    return this.#skip(4, { kind: 'balance', first: Number(first), last: Number(last) });
  }

  #frontier(): Item {
    this.#at += 2;
    if (this.#text[this.#at] !== '[') throw new PatternError("missing '[' after '%f' in pattern");
    return { kind: 'frontier', set: this.#set() };
  }

  /** What one byte may be: `.`, a class, a set in brackets, or itself. */
  #set(): ByteSet {
    const character = this.#text[this.#at++] as string;
    if (character === '.') return new Uint8Array(256).fill(1);
    if (character === '%') return this.#class();
    return character === '[' ? this.#brackets() : setOf(character);
  }

  #class(): ByteSet {
    const letter = this.#text[this.#at++];
    if (letter === undefined) throw new PatternError("malformed pattern (ends with '%')");
    return classSet(letter);
  }

  #brackets(): ByteSet {
    const set = new Uint8Array(256);
    const isComplement = this.#text[this.#at] === '^';
    if (isComplement) this.#at++;
    const end = this.#bracketsEnd();
    while (this.#at < end) {
      const first = this.#text[this.#at++] as string;
      if (first === '%' && this.#at < end) add(set, this.#class());
      else if (this.#text[this.#at] === '-' && this.#at + 1 < end) {
        const last = this.#text.charCodeAt(this.#at + 1);
        if (first.charCodeAt(0) <= last) set.fill(1, first.charCodeAt(0), last + 1);
        this.#at += 2;
      } else set[first.charCodeAt(0)] = 1;
    }
    this.#at = end + 1;
    return isComplement ? set.map((is) => 1 - is) : set;
  }

  /** Where the closing bracket is: the first character may be one that does not close. */
  #bracketsEnd(): number {
    let at = this.#at;
    do {
      if (at >= this.#text.length) throw new PatternError("malformed pattern (missing ']')");
      at += this.#text[at] === '%' ? 2 : 1;
    } while (this.#text[at] !== ']');
    return at;
  }
}

/** First and last of the bytes of each class. */
const CLASSES: Readonly<Record<string, readonly string[]>> = {
  a: ['AZ', 'az'],
  c: ['\x00\x1f', '\x7f\x7f'],
  d: ['09'],
  g: ['!~'],
  l: ['az'],
  p: ['!/', ':@', '[`', '{~'],
  s: ['\t\r', '  '],
  u: ['AZ'],
  w: ['AZ', 'az', '09'],
  x: ['AF', 'af', '09'],
  z: ['\x00\x00'],
};

function setOf(character: string): ByteSet {
  const set = new Uint8Array(256);
  set[character.charCodeAt(0)] = 1;
  return set;
}

/** A capital letter is the complement of its class; what is no class stands for itself. */
function classSet(letter: string): ByteSet {
  const ranges = CLASSES[letter.toLowerCase()];
  if (!ranges) return setOf(letter);
  const isComplement = letter !== letter.toLowerCase();
  const set = new Uint8Array(256).fill(Number(isComplement));
  for (const range of ranges) {
    set.fill(Number(!isComplement), range.charCodeAt(0), range.charCodeAt(1) + 1);
  }
  return set;
}

function add(set: ByteSet, other: ByteSet): void {
  for (let byte = 0; byte < 256; byte++) if (other[byte]) set[byte] = 1;
}

/** A captured part of the subject, or a position in it, from 1. */
export type Capture = Uint8Array | number;

/** Matches one subject with one pattern. Its methods throw a PatternError. */
export class Matcher {
  readonly #subject: Uint8Array;
  readonly #pattern: Pattern;
  readonly #pause: () => void;
  #steps = 0;
  #depth = 0;
  #level = 0;
  readonly #starts: number[] = [];
  readonly #lengths: number[] = [];

  /** @param pause Called now and then; may throw to end a match that takes too long. */
  constructor(subject: Uint8Array, pattern: Pattern, pause: () => void) {
    this.#subject = subject;
    this.#pattern = pattern;
    this.#pause = pause;
  }

  /** @returns Where the match that begins at `start` ends, or -1. */
  match(start: number): number {
    this.#level = 0;
    this.#depth = 0;
    this.#step(1);
    return this.#match(start, 0);
  }

  get captureCount(): number {
    return this.#level;
  }

  /** @param start The whole match, which is the first capture of a pattern that has none. */
  capture(index: number, start: number, end: number): Capture {
    if (index >= this.#level) {
      if (index === 0) return this.#subject.subarray(start, end);
      throw new PatternError(`invalid capture index %${index + 1}`);
    }
    const [from, length] = [this.#starts[index] as number, this.#lengths[index] as number];
    if (length === UNFINISHED) throw new PatternError('unfinished capture');
    return length === POSITION ? from + 1 : this.#subject.subarray(from, from + length);
  }

  whole(start: number, end: number): Uint8Array {
    return this.#subject.subarray(start, end);
  }

  #step(steps: number): void {
    this.#steps += steps;
    if (this.#steps < STEPS) return;
    this.#steps = 0;
    this.#pause();
  }

  /** Tries the rest of the pattern, from item `index` on. */
  #match(start: number, index: number): number {
    if (++this.#depth > MAX_DEPTH) throw new PatternError('pattern too complex');
    const end = this.#matchItems(start, index);
    this.#depth--;
    return end;
  }

  #matchItems(start: number, index: number): number {
    let at = start;
    for (let i = index; ; i++) {
      this.#step(1);
      const item = this.#pattern[i];
      if (!item) return at;
      if (item.kind === 'byte') {
        if (item.repeat !== '') return this.#matchRepeated(at, item, i);
        if (!this.#isAt(at, item.set)) return NO_MATCH;
        at++;
        continue;
      }
      if (item.kind === 'open') return this.#open(at, i, UNFINISHED);
      if (item.kind === 'position') return this.#open(at, i, POSITION);
      if (item.kind === 'close') return this.#close(at, i);
      at = this.#matchSpecial(at, item);
      if (at === NO_MATCH) return NO_MATCH;
    }
  }

  #isAt(at: number, set: ByteSet): boolean {
    return at < this.#subject.length && set[this.#subject[at] as number] === 1;
  }

  #matchRepeated(at: number, { set, repeat }: Item & { kind: 'byte' }, index: number): number {
    if (repeat === '-') return this.#matchFewest(at, set, index);
    const most = repeat === '?' ? 1 : Number.POSITIVE_INFINITY;
    const least = repeat === '+' ? 1 : 0;
    let count = 0;
    while (count < most && this.#isAt(at + count, set)) count++;
    this.#step(count);
    for (; count >= least; count--) {
      const end = this.#match(at + count, index + 1);
      if (end !== NO_MATCH) return end;
    }
    return NO_MATCH;
  }

  #matchFewest(start: number, set: ByteSet, index: number): number {
    for (let at = start; ; at++) {
      const end = this.#match(at, index + 1);
      if (end !== NO_MATCH || !this.#isAt(at, set)) return end;
    }
  }

  #open(at: number, index: number, length: number): number {
    if (this.#level >= MAX_CAPTURES) throw new PatternError('too many captures');
    this.#starts[this.#level] = at;
    this.#lengths[this.#level] = length;
    this.#level++;
    const end = this.#match(at, index + 1);
    if (end === NO_MATCH) this.#level--;
    return end;
  }

  #close(at: number, index: number): number {
    let capture = this.#level - 1;
    while (capture >= 0 && this.#lengths[capture] !== UNFINISHED) capture--;
    if (capture < 0) throw new PatternError('invalid pattern capture');
    this.#lengths[capture] = at - (this.#starts[capture] as number);
    const end = this.#match(at, index + 1);
    if (end === NO_MATCH) this.#lengths[capture] = UNFINISHED;
    return end;
  }

  #matchSpecial(at: number, item: Exclude<Item, { kind: 'byte' }>): number {
    switch (item.kind) {
      case 'end':
        return at === this.#subject.length ? at : NO_MATCH;
      case 'balance':
        return this.#matchBalance(at, item.first, item.last);
      case 'frontier': {
        const [before, here] = [this.#subject[at - 1] ?? 0, this.#subject[at] ?? 0];
        return item.set[before] === 0 && item.set[here] === 1 ? at : NO_MATCH;
      }
      case 'again':
        return this.#matchAgain(at, item.capture);
      case 'error':
        throw new PatternError(item.message);
      default:
        throw new TypeError('unreachable');
    }
  }

  #matchBalance(start: number, first: number, last: number): number {
    if (this.#subject[start] !== first) return NO_MATCH;
    let open = 1;
    for (let at = start + 1; at < this.#subject.length; at++) {
      this.#step(1);
      const byte = this.#subject[at];
      if (byte === last) open--;
      else if (byte === first) open++;
      if (open === 0) return at + 1;
    }
    return NO_MATCH;
  }

  #matchAgain(at: number, capture: number): number {
    const length = this.#lengths[capture];
    if (capture < 0 || capture >= this.#level || length === undefined || length === UNFINISHED) {
      throw new PatternError(`invalid capture index %${capture + 1}`);
    }
    if (length === POSITION) return NO_MATCH;
    const from = this.#starts[capture] as number;
    this.#step(length);
    for (let i = 0; i < length; i++) {
      if (this.#subject[at + i] !== this.#subject[from + i] || at + i >= this.#subject.length)
        return NO_MATCH;
    }
    return at + length;
  }
}
