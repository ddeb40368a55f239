/**
 * override.dump: what an operator set, `VKEY - RADDR:RPORT - weight=50% rstate=ONLINE` each.
 *
 * An absolute weight has a space where the percent sign would be. Every line has a weight: a real whose weight nobody
 * set stands there with 100%, which follows the configured weight when that changes, in the original too. Its older
 * versions have -1 for such a weight, as their answers to `rset` show; that must not cost the state.
 *
 * @module
 */
import { ADMIN_STATES, type AdminState, isOneOf, MAX_WEIGHT } from '@surealived/shared/model';
import { parseInteger } from '@surealived/shared/snapshot/fields';
import type { WeightOverride } from '../health/weight.js';
import { type DumpedReal, type ParsedDump, parseLines, parseRealKey, parseVirtualKey } from './dump-lines.js';

export interface DumpedOverride extends DumpedReal {
  readonly weight: WeightOverride;
  readonly adminState: AdminState;
}

const UNSET = '-1';
const LINE = /^(\S+)\s+-\s+(\S+)\s+-\s+weight=(-1|\d+)(%?)\s+rstate=(\S+)$/;

export function formatOverrideDump(overrides: Iterable<DumpedOverride>): string {
  let text = '';
  for (const { virtual, real, weight, adminState } of overrides)
    text += `${virtual} - ${real} - weight=${formatWeight(weight)} rstate=${adminState}\n`;
  return text;
}

export function parseOverrideDump(text: string, file: string): ParsedDump<DumpedOverride> {
  return parseLines(text, {
    file,
    expected: 'ADDR:PORT:PROTO:FWMARK - RADDR:RPORT - weight=N[%] rstate=ONLINE|OFFLINE|DOWN',
    parseLine(line) {
      const [, virtualText = '', realText = '', number = '', sign, adminState = ''] = LINE.exec(line) ?? [];
      const virtual = parseVirtualKey(virtualText);
      const real = parseRealKey(realText);
      const value = number === UNSET ? 100 : parseInteger(number, 0, MAX_WEIGHT);
      if (!virtual || !real || value === undefined || !isOneOf(ADMIN_STATES, adminState)) return undefined;
      const weight: WeightOverride =
        sign === '%' || number === UNSET
          ? { kind: 'percent', percent: value }
          : { kind: 'absolute', weight: value };
      return { virtual, real, weight, adminState };
    },
  });
}

function formatWeight(weight: WeightOverride): string {
  return weight.kind === 'percent' ? `${weight.percent}%` : `${weight.weight} `;
}
