/**
 * A checksum within a text, by which its reader tells what was written from what became of it.
 *
 * @module
 */
import { crc32 } from 'node:zlib';

/** Covers all of the text but itself. */
const SUM_KEY = ' crc32=';
const SUM_DIGITS = 8;

/** A line with its checksum at its end; `rest`, newline and all, is what the checksum covers beside the line. */
export function seal(line: string, rest = ''): string {
  return `${line}${SUM_KEY}${checksum(line, rest)}${rest}`;
}

/** The checksum that a text states, and the one it has; `undefined` where it states none. */
export function readSeal(text: string): { readonly stated: string; readonly actual: string } | undefined {
  const at = text.indexOf(SUM_KEY);
  if (at < 0) return undefined;
  const end = at + SUM_KEY.length + SUM_DIGITS;
  const stated = text.slice(at + SUM_KEY.length, end);
  return { stated, actual: checksum(text.slice(0, at), text.slice(end)) };
}

/** Of the bytes in UTF-8, as 8 hexadecimal digits. */
function checksum(before: string, behind: string): string {
  return crc32(behind, crc32(before)).toString(16).padStart(SUM_DIGITS, '0');
}
