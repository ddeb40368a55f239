import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { ConfigError, messageOf, type Problem } from './errors.js';

const CHUNK_BYTES = 1 << 20;

/**
 * Reads a text of bounded size; never holds more than `maxBytes` and one chunk, whatever the file is.
 *
 * @param encodingOf Which encoding the bytes of the file have, by its usual name.
 * @throws ConfigError naming the file: missing, unreadable, too large, or not in its encoding.
 */
export function readTextFile(
  file: string,
  maxBytes: number,
  encodingOf: (bytes: Buffer) => string = () => 'UTF-8',
): string {
  const bytes = readConfigBytes(file, maxBytes);
  const encoding = encodingOf(bytes);
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return fail(file, `not ${encoding} text`);
  }
}

/** As `readTextFile`, but what is not UTF-8 is there as U+FFFD, for the caller to judge. */
export function readMixedTextFile(file: string, maxBytes: number): string {
  return new TextDecoder('utf-8').decode(readConfigBytes(file, maxBytes));
}

function readConfigBytes(file: string, maxBytes: number): Buffer {
  let bytes: Buffer | undefined;
  try {
    bytes = readBytes(file, maxBytes);
  } catch (error) {
    return fail(file, messageOf(error));
  }
  return bytes ?? fail(file, `larger than the limit of ${maxBytes} bytes`);
}

function fail(file: string, message: string): never {
  const problem: Problem = { file, line: 0, message };
  throw new ConfigError([problem]);
}

/**
 * The file's bytes, or `undefined` where it has more than `maxBytes`. Its size is not asked: it may be a pipe.
 *
 * @throws The error of the file system.
 */
export function readBytes(file: string, maxBytes: number): Buffer | undefined {
  const fd = openSync(file, 'r');
  try {
    const chunks: Buffer[] = [];
    let total = 0;
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const length = readSync(fd, chunk);
      if (length === 0) return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, total);
      total += length;
      if (total > maxBytes) return undefined;
      chunks.push(chunk.subarray(0, length));
    }
  } finally {
    closeSync(fd);
  }
}

/** Whether reading might never end, as with a pipe that nobody writes into. What cannot be looked at is not special. */
export function isSpecialFile(file: string): boolean {
  try {
    const found = statSync(file);
    return !found.isFile() && !found.isDirectory();
  } catch {
    return false; // whoever opens it says why
  }
}
