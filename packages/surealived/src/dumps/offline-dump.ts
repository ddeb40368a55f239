/**
 * offline.dump: the reals that the tests found offline, `VKEY - RADDR:RPORT` each.
 *
 * @module
 */
import { type DumpedReal, type ParsedDump, parseLines, parseRealKey, parseVirtualKey } from './dump-lines.js';

export function formatOfflineDump(reals: Iterable<DumpedReal>): string {
  let text = '';
  for (const { virtual, real } of reals) text += `${virtual} - ${real}\n`;
  return text;
}

export function parseOfflineDump(text: string, file: string): ParsedDump<DumpedReal> {
  return parseLines(text, {
    file,
    expected: 'ADDR:PORT:PROTO:FWMARK - RADDR:RPORT',
    parseLine(line) {
      const [, virtualText = '', realText = ''] = /^(\S+)\s+-\s+(\S+)$/.exec(line) ?? [];
      const virtual = parseVirtualKey(virtualText);
      const real = parseRealKey(realText);
      return virtual && real ? { virtual, real } : undefined;
    },
  });
}
