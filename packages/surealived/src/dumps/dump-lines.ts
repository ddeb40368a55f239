/**
 * What the dump files of spec section 6 have in common: lines, and the keys of virtuals and reals.
 *
 * @module
 */
import { parseAddress } from '@surealived/shared/address';
import type { Problem } from '@surealived/shared/errors';
import { MAX_FWMARK, MAX_PORT, PROTOCOLS, realKey, virtualKey } from '@surealived/shared/model';
import { parseInteger } from '@surealived/shared/snapshot/fields';

/** Something that a dump says, and the line that says it. */
export interface DumpEntry<T> {
  /** Counts from 1. */
  readonly line: number;
  readonly value: T;
}

/** A dump as far as it can be read: a bad line costs itself only. */
export interface ParsedDump<T> {
  readonly entries: readonly DumpEntry<T>[];
  readonly problems: readonly Problem[];
}

/** A real in a dump, by the keys that `virtualKey` and `realKey` make. */
export interface DumpedReal {
  readonly virtual: string;
  readonly real: string;
}

const SHOWN_CHARACTERS = 60;

/**
 * Reads a dump line by line; empty lines are skipped.
 *
 * @param parseLine Gives `undefined` for a line that is not `expected`.
 */
export function parseLines<T>(
  text: string,
  {
    file,
    expected,
    parseLine,
  }: { file: string; expected: string; parseLine: (line: string) => T | undefined },
): ParsedDump<T> {
  const entries: DumpEntry<T>[] = [];
  const problems: Problem[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const content = raw.trim();
    if (content === '') continue;
    const value = parseLine(content);
    const line = index + 1;
    if (value === undefined) problems.push(badLine(file, line, expected, content));
    else entries.push({ line, value });
  }
  return { entries, problems };
}

export function badLine(file: string, line: number, expected: string, got: string): Problem {
  return { file, line, message: `expected ${expected}, got "${got.slice(0, SHOWN_CHARACTERS)}"` };
}

/** A virtual's key in the form of `virtualKey`, or `undefined`. */
export function parseVirtualKey(text: string): string | undefined {
  const [, host = '', portText = '', protocolText = '', markText = ''] =
    /^(\[[^\]]*\]|[^:]+):(\d+):(\d+):(\d+)$/.exec(text) ?? [];
  const address = parseHost(host);
  const port = parseInteger(portText, 0, MAX_PORT);
  const protocol = PROTOCOLS[parseInteger(protocolText, 0, PROTOCOLS.length - 1) ?? -1];
  const fwmark = parseInteger(markText, 0, MAX_FWMARK);
  if (!address || !protocol || port === undefined || fwmark === undefined) return undefined;
  return virtualKey({ address, port, protocol, fwmark });
}

/** A real's key in the form of `realKey`, or `undefined`. */
export function parseRealKey(text: string): string | undefined {
  const [, host = '', portText = ''] = /^(\[[^\]]*\]|[^:]+):(\d+)$/.exec(text) ?? [];
  const address = parseHost(host);
  const port = parseInteger(portText, 0, MAX_PORT);
  return address && port !== undefined ? realKey({ address, port }) : undefined;
}

function parseHost(text: string): ReturnType<typeof parseAddress> {
  return parseAddress(text.replace(/^\[(.*)\]$/, '$1'));
}
