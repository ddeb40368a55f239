/**
 * The `key=value` tokens of a line, in any order, as the snapshot and the admin protocol write them.
 *
 * @module
 */
import { isOneOf } from '../model.js';

const SPACE = 0x20;
const EQUALS = 0x3d;
const LAST_ASCII = 0x7e;
/** More tokens than any line of ours has. */
const FEW_TOKENS = 32;

/**
 * Typed access to the tokens of a line; each miss or misfit is reported once and yields `undefined`.
 *
 * A value is cut out of the line when it is asked for: a snapshot has many lines, and fresh memory is what costs time.
 */
export class Fields {
  readonly report: (message: string) => void;
  readonly #text: string;

  /** @param text `a=1 b=2`: no white space but spaces; the first of equal keys counts. */
  constructor(text: string, report: (message: string) => void) {
    this.#text = text;
    this.report = report;
  }

  has(key: string): boolean {
    return this.#find(key) !== undefined;
  }

  /** All keys, in the order of the line. */
  get keys(): readonly string[] {
    return this.#text
      .split(' ')
      .flatMap((token) => (token === '' ? [] : [token.slice(0, token.indexOf('='))]));
  }

  text(key: string, fallback?: string): string | undefined {
    const value = this.#find(key) ?? fallback;
    if (value === undefined || value === '') {
      this.report(`${key}: missing`);
      return undefined;
    }
    return value;
  }

  /** A decimal integer within `min`..`max`. */
  integer(key: string, min: number, max: number, fallback?: number): number | undefined {
    if (fallback !== undefined && !this.has(key)) return fallback;
    const text = this.text(key);
    if (text === undefined) return undefined;
    const value = parseInteger(text, min, max);
    if (value === undefined)
      this.report(`${key}: expected an integer ${min}..${max}, got "${text.slice(0, 40)}"`);
    return value;
  }

  oneOf<T extends string>(key: string, values: readonly T[], fallback?: T): T | undefined {
    const text = this.text(key, fallback);
    if (text === undefined || isOneOf(values, text)) return text as T | undefined;
    this.report(`${key}: expected ${values.join(', ')}, got "${text.slice(0, 40)}"`);
    return undefined;
  }

  #find(key: string): string | undefined {
    const text = this.#text;
    for (let at = text.indexOf(key); at >= 0; at = text.indexOf(key, at + 1)) {
      const start = at + key.length + 1;
      if (text.charCodeAt(start - 1) !== EQUALS || (at > 0 && text.charCodeAt(at - 1) !== SPACE)) continue;
      const end = text.indexOf(' ', start);
      return text.slice(start, end < 0 ? text.length : end);
    }
    return undefined;
  }
}

/**
 * Splits `a=1 b=2` at white space; a token without `=`, or a key twice, is reported.
 *
 * Names may hold spaces, and a writer other than ours may leave them: what follows a name and is no key belongs to it,
 * with `_` as we write it.
 */
export function parseFields(text: string, report: (message: string) => void): Fields {
  if (isClearlySound(text)) return new Fields(text, report);
  const keys = new Set<string>();
  const parts: string[] = [];
  for (const part of text.split(/\s+/).filter((word) => word !== '')) {
    const last = parts.at(-1) ?? '';
    if (!part.includes('=') && /^[vr]name=/.test(last)) {
      parts[parts.length - 1] = `${last}_${part}`;
      continue;
    }
    const key = part.slice(0, Math.max(part.indexOf('='), 0));
    if (key === '') report(`expected key=value, got "${part.slice(0, 40)}"`);
    else if (keys.has(key)) report(`${key}: given twice`);
    keys.add(key);
    parts.push(part);
  }
  return new Fields(parts.join(' '), report);
}

const keyHashes = new Int32Array(FEW_TOKENS);

/**
 * Whether a text has no white space but spaces, a key in every token, and no key twice. False may mean that it is only
 * unusual: that two keys have the same hash, or a name is not ASCII.
 */
function isClearlySound(text: string): boolean {
  let tokens = 0;
  let hash = 0;
  let isInKey = true;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < SPACE || code > LAST_ASCII) return false;
    if (code === SPACE) {
      if (isInKey && hash !== 0) return false;
      isInKey = true;
      hash = 0;
    } else if (isInKey && code === EQUALS) {
      if (hash === 0 || tokens === FEW_TOKENS || isKnown(hash, tokens)) return false;
      keyHashes[tokens++] = hash;
      isInKey = false;
    } else if (isInKey) hash = (Math.imul(hash, 31) + code) | 0;
  }
  return !isInKey || hash === 0;
}

function isKnown(hash: number, count: number): boolean {
  for (let i = 0; i < count; i++) if (keyHashes[i] === hash) return true;
  return false;
}

/** A plain decimal integer within bounds, or `undefined`: no sign but minus, no space, no fraction, no exponent. */
export function parseInteger(text: string, min: number, max: number): number | undefined {
  if (!/^-?\d{1,15}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= min && value <= max ? value + 0 : undefined; // + 0 makes 0 of -0
}
