/**
 * What `--status` prints: a head, what is not as desired, what drains, and a line for each virtual. Pure.
 *
 * @module
 */
import { escapeText } from '@surealived/shared/escape';
import { type Cell, plainPaint, renderTable } from '@surealived/shared/text-table';
import { listed } from '../ipvs/listed.js';
import type { RoundDocument, StatusDocument } from './status-document.js';

const LABEL_COLUMNS = 12;

export function printableStatus(status: StatusDocument): string {
  const sections = [
    headOf(status),
    troublesOf(status),
    failingOf(status),
    drainingOf(status),
    virtualsOf(status),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => `${line}\n`).join(''))
    .join('\n');
}

function headOf(status: StatusDocument): readonly string[] {
  const { snapshot, readBack, operations, drift, latency, settings, lastRound, lastChange } = status;
  const { programVersion, pid, uptimeSec, table, netns, asDesired } = status;
  const where = netns === null ? table : `${table} of ${netns}`;
  const generation = snapshot.generation === null ? '' : `generation ${snapshot.generation}, `;
  const last = drift.agoSec === null ? '' : `, the last ${ago(drift.agoSec)}`;
  return [
    `ipvssync ${programVersion}, process ${pid}, running for ${duration(uptimeSec)}`,
    fact('table', `${where}: ${asDesired ? 'as desired' : 'NOT AS DESIRED'}`),
    fact(
      'snapshot',
      `${generation}${count(snapshot.virtuals, 'virtual')}, ${count(snapshot.reals, 'real')}, ${snapshot.file}`,
    ),
    fact('last round', describeRound(lastRound)),
    fact('last change', describeRound(lastChange)),
    fact('read back', describeReadBack(readBack)),
    fact('operations', `${operations.done} done, ${operations.refused} refused`),
    fact('drift', `${drift.count}${last}`),
    fact('latency', describeLatency(latency)),
    fact('sync role', settings.syncRole ?? 'unknown'),
  ];
}

/** What keeps the table from being as desired, but for single virtuals. */
function troublesOf({ snapshot, heldBack, settings, trafficTrouble }: StatusDocument): readonly string[] {
  const lines: string[] = [];
  if (snapshot.trouble !== null) lines.push(`hand-over files refused: ${snapshot.trouble}`);
  if (snapshot.incomplete) lines.push('a diff line was refused: the next full snapshot knows what it said');
  if (heldBack)
    lines.push(
      `${count(heldBack.deletions.length, 'deletion')} held back, max_deletes is ${heldBack.maxDeletes}, ` +
        `SIGHUP makes them: ${listed(heldBack.deletions)}`,
    );
  if (settings.failure) {
    const { reason, sinceSec, retryInSec } = settings.failure;
    lines.push(`settings: ${reason} (for ${duration(sinceSec)}, again in ${duration(retryInSec)})`);
  }
  if (trafficTrouble !== null) lines.push(`no figures of virtuals: ${trafficTrouble}`);
  return lines.map(escapeText);
}

function failingOf({ failing }: StatusDocument): readonly string[] {
  if (failing.length === 0) return [];
  const rows = failing.map(({ virtual, sinceSec, retryInSec, reason }) => [
    virtual ?? 'the whole table',
    duration(sinceSec),
    duration(retryInSec),
    reason,
  ]);
  return renderTable(['FAILING', 'FOR', 'AGAIN IN', 'REASON'], rows, plainPaint);
}

function drainingOf({ draining }: StatusDocument): readonly string[] {
  if (draining.length === 0) return [];
  const rows = draining.map(({ virtual, real, connections, sinceSec, timeoutSec, drained }) => [
    virtual,
    real,
    connections?.active ?? '?',
    connections?.inactive ?? '?',
    duration(sinceSec),
    drained ? 'drained' : duration(Math.max(0, timeoutSec - sinceSec)),
  ]);
  return renderTable(['DRAINING', 'REAL', 'ACTIVE', 'INACTIVE', 'FOR', 'AT MOST'], rows, plainPaint);
}

function virtualsOf({ virtuals, leftAlone }: StatusDocument): readonly string[] {
  if (virtuals.length === 0) return [];
  const reasons = new Map(leftAlone.map(({ virtual, reason }) => [virtual, reason]));
  const rows = virtuals.map(({ virtual, name, inTable, connections, totals, perSecond }): readonly Cell[] => [
    virtual,
    inTable ? (name ?? `(${reasons.get(virtual) ?? 'not in the snapshot'})`) : `${name} (not in the table)`,
    connections.active,
    connections.inactive,
    connections.persistent,
    totals.connections,
    perSecond.connections,
    perSecond.packetsIn,
    perSecond.packetsOut,
    perSecond.bytesIn,
    perSecond.bytesOut,
  ]);
  return renderTable(VIRTUAL_HEADINGS, rows, plainPaint);
}

/** Rates as `ipvsadm --rate` calls them: connections, packets and bytes per second. */
const VIRTUAL_HEADINGS = [
  'VIRTUAL',
  'NAME',
  'ACTIVE',
  'INACTIVE',
  'PERSISTENT',
  'CONNS',
  'CPS',
  'INPPS',
  'OUTPPS',
  'INBPS',
  'OUTBPS',
];

function fact(label: string, text: string): string {
  return `${label.padEnd(LABEL_COLUMNS)}${escapeText(text)}`;
}

function describeRound(round: RoundDocument | null): string {
  if (!round) return 'none';
  const { agoSec, whole, operations, refused, durationMs } = round;
  const scope = whole ? 'over the whole table, ' : '';
  return `${ago(agoSec)}: ${scope}${count(operations, 'operation')}, ${refused} refused, in ${durationMs} ms`;
}

function describeReadBack({ agoSec, inSec }: StatusDocument['readBack']): string {
  const next = inSec === null ? 'not again by itself' : `again in ${duration(inSec)}`;
  return agoSec === null ? next : `${ago(agoSec)}, ${next}`;
}

function describeLatency({ count: changes, medianMs, p99Ms }: StatusDocument['latency']): string {
  if (medianMs === null) return 'unknown';
  return `median ${medianMs} ms, 99 % within ${p99Ms} ms, of ${count(changes, 'change')}`;
}

function ago(seconds: number): string {
  return `${duration(seconds)} ago`;
}

/** In the largest unit of which there are two at least. */
function duration(seconds: number): string {
  const units = [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'min'],
  ] as const;
  for (const [size, unit] of units) if (seconds >= 2 * size) return `${Math.floor(seconds / size)} ${unit}`;
  return `${seconds < 10 ? seconds : Math.round(seconds)} s`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
