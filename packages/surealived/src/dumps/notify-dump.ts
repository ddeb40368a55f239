/**
 * notify.dump: which state of a virtual was told last, `vnotify VKEY - state=DOWN` each.
 *
 * @module
 */
import { isOneOf } from '@surealived/shared/model';
import { type DumpEntry, type ParsedDump, parseLines, parseVirtualKey } from './dump-lines.js';

/** What the notification of a virtual can say. */
export const NOTIFIED_STATES = ['UP', 'DOWN'] as const;
export type NotifiedState = (typeof NOTIFIED_STATES)[number];

export interface DumpedNotification {
  readonly virtual: string;
  readonly state: NotifiedState;
}

/** What the original writes of a virtual before its first round: nothing was told. */
const UNTOLD = 'UNKNOWN';

export function formatNotifyDump(notifications: Iterable<DumpedNotification>): string {
  let text = '';
  for (const { virtual, state } of notifications) text += `vnotify ${virtual} - state=${state}\n`;
  return text;
}

/** Lines with the state UNKNOWN have no entry. */
export function parseNotifyDump(text: string, file: string): ParsedDump<DumpedNotification> {
  const { entries, problems } = parseLines(text, {
    file,
    expected: 'vnotify ADDR:PORT:PROTO:FWMARK - state=UP|DOWN',
    parseLine(line): { virtual: string; state: NotifiedState | typeof UNTOLD } | undefined {
      const [, key = '', state = ''] = /^vnotify\s+(\S+)\s+-\s+state=(\S+)$/.exec(line) ?? [];
      const virtual = parseVirtualKey(key);
      if (!virtual || !(state === UNTOLD || isOneOf(NOTIFIED_STATES, state))) return undefined;
      return { virtual, state };
    },
  });
  const told = entries.filter(
    (entry): entry is DumpEntry<DumpedNotification> => entry.value.state !== UNTOLD,
  );
  return { entries: told, problems };
}
