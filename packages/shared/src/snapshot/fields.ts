/**
 * The `key=value` tokens of a line, in any order, as the snapshot and the admin protocol write them.
 *
 * @module
 */
import { isOneOf } from '../model.js';

/** Typed access to the tokens of a line; each miss or misfit is reported once and yields `undefined`. */
export class Fields {
  readonly report: (message: string) => void;
  /** A line has a dozen keys at most, so looking through them beats a Map, which would cost more to fill. */
  readonly #keys: string[] = [];
  readonly #values: string[] = [];

  constructor(report: (message: string) => void) {
    this.report = report;
  }

  add(key: string, value: string): void {
    if (this.has(key)) {
      this.report(`${key}: given twice`);
      return;
    }
    this.#keys.push(key);
    this.#values.push(value);
  }

  has(key: string): boolean {
    return this.#keys.includes(key);
  }

  text(key: string, fallback?: string): string | undefined {
    const value = this.#values[this.#keys.indexOf(key)] ?? fallback;
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
}

/** Splits `a=1 b=2` at white space; a token without `=`, or a key twice, is reported. */
export function parseFields(text: string, report: (message: string) => void): Fields {
  const fields = new Fields(report);
  for (let start = 0; start < text.length; start++) {
    if (isSpace(text, start)) continue;
    let end = start + 1;
    while (end < text.length && !isSpace(text, end)) end++;
    const equals = text.indexOf('=', start);
    if (equals > start && equals < end) fields.add(text.slice(start, equals), text.slice(equals + 1, end));
    else report(`expected key=value, got "${text.slice(start, Math.min(end, start + 40))}"`);
    start = end;
  }
  return fields;
}

/** Space and control characters; what else Unicode takes for white space does not separate tokens. */
function isSpace(text: string, at: number): boolean {
  return text.charCodeAt(at) <= 0x20;
}

/** A plain decimal integer within bounds, or `undefined`: no sign but minus, no space, no fraction, no exponent. */
export function parseInteger(text: string, min: number, max: number): number | undefined {
  if (!/^-?\d{1,15}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= min && value <= max ? value + 0 : undefined; // + 0 makes 0 of -0
}
