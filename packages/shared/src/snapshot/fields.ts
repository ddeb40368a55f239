/**
 * The `key=value` tokens of a line, in any order, as the snapshot and the admin protocol write them.
 *
 * @module
 */
import { isOneOf } from '../model.js';

/** Typed access to the tokens of a line; each miss or misfit is reported once and yields `undefined`. */
export class Fields {
  readonly report: (message: string) => void;
  readonly #values: ReadonlyMap<string, string>;

  constructor(values: ReadonlyMap<string, string>, report: (message: string) => void) {
    this.#values = values;
    this.report = report;
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  text(key: string, fallback?: string): string | undefined {
    const value = this.#values.get(key) ?? fallback;
    if (value === undefined || value === '') {
      this.report(`${key}: missing`);
      return undefined;
    }
    return value;
  }

  /** A decimal integer within `min`..`max`. */
  integer(key: string, min: number, max: number, fallback?: number): number | undefined {
    if (fallback !== undefined && !this.#values.has(key)) return fallback;
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
  const values = new Map<string, string>();
  for (const part of text.split(/[^\S ]/.test(text) ? /\s+/ : ' ')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const key = part.slice(0, Math.max(equals, 0));
    if (key === '') report(`expected key=value, got "${part.slice(0, 40)}"`);
    else if (values.has(key)) report(`${key}: given twice`);
    else values.set(key, part.slice(equals + 1));
  }
  return new Fields(values, report);
}

/** A plain decimal integer within bounds, or `undefined`: no sign but minus, no space, no fraction, no exponent. */
export function parseInteger(text: string, min: number, max: number): number | undefined {
  if (!/^-?\d{1,15}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= min && value <= max ? value + 0 : undefined; // + 0 makes 0 of -0
}
