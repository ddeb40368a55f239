/**
 * The documents of the admin socket as tables. Pure.
 *
 * @module
 */

import { escapeText } from '@surealived/shared/escape';
import { localTime } from '@surealived/shared/log-line';
import { token } from '@surealived/shared/snapshot/write';
import { type Cell, type Paint, renderTable, type StyledText } from '@surealived/shared/text-table';
import type {
  Check,
  ConnectionFigures,
  History,
  RealDocument,
  RealList,
  TransitionDocument,
  VirtualDocument,
  VirtualList,
  VirtualWithReals,
} from '../admin/documents.js';
import { realId, virtualId } from './select.js';

export function renderVirtuals({ virtuals }: VirtualList, paint: Paint): readonly string[] {
  const rows = virtuals.map((virtual): Cell[] => [
    token(virtual.name),
    virtualId(virtual),
    virtual.rt,
    virtual.sched,
    virtual.tester,
    onlineOf(virtual),
    virtual.weight,
  ]);
  return renderTable(['NAME', 'SERVICE', 'RT', 'SCHED', 'TESTER', 'ONLINE', 'WEIGHT'], rows, paint);
}

const REAL_HEADINGS = ['REAL', 'ADDRESS', 'WEIGHT', 'CONFIGURED', 'TESTS', 'RSTATE', 'LAST CHANGE'];

/** Each virtual with its reals below. */
export function renderReals({ virtuals }: RealList, paint: Paint): readonly string[] {
  return virtuals.flatMap((virtual, index) => [
    ...(index === 0 ? [] : ['']),
    describeVirtual(virtual, paint),
    ...(virtual.reals.length === 0
      ? ['no reals']
      : renderTable(REAL_HEADINGS, virtual.reals.map(realCells), paint)),
  ]);
}

/** All reals in one table, with the names of their virtuals. */
export function renderFlat(
  places: readonly { readonly virtual: VirtualDocument; readonly real: RealDocument }[],
  paint: Paint,
): readonly string[] {
  const rows = places.map(({ virtual, real }) => [token(virtual.name), ...realCells(real)]);
  return renderTable(['VIRTUAL', ...REAL_HEADINGS], rows, paint);
}

export function renderHistory({ virtual, reals }: History, paint: Paint): readonly string[] {
  const rows = reals
    .flatMap((real) => real.transitions.map((transition) => ({ real, transition })))
    .sort((a, b) => (a.transition.at < b.transition.at ? -1 : 1))
    .map(({ real, transition }): Cell[] => [
      timeOf(transition),
      token(real.name),
      realId(real),
      eventOf(transition),
      transition.detail,
    ]);
  const failures = reals.flatMap(({ name, failure }) =>
    failure === null ? [] : [`last test of ${token(name)} failed: ${escapeText(failure)}`],
  );
  const outputs = reals.flatMap(({ name, output }) => describeOutput(`output of ${token(name)}:`, output));
  const table = renderTable(['TIME', 'REAL', 'ADDRESS', 'EVENT', 'WHY'], rows, paint);
  return [
    describeVirtual(virtual, paint),
    ...(rows.length === 0 ? ['no transitions'] : table),
    ...failures,
    ...outputs,
  ];
}

export function renderCheck(check: Check, paint: Paint): readonly string[] {
  const { virtual, real, transcript, omitted, verdict, obstacle, output } = check;
  const arrows = { sent: '->', received: '<-' } as const;
  return [
    `${paint('bold', `${token(virtual.name)} ${token(real.name)}`)} ${realId(real)} ${virtual.tester}`,
    ...transcript.map(({ atMs, direction, bytes, data, isCut }) => {
      const head = `${atMs.toFixed(3).padStart(10)} ms ${arrows[direction]} ${String(bytes).padStart(6)} bytes`;
      return `${paint('dim', head)}  ${data}${isCut ? ' …' : ''}`;
    }),
    ...(omitted.entries > 0 ? [`${omitted.bytes} bytes more in ${omitted.entries} parts`] : []),
    ...describeOutput('output:', output),
    verdict
      ? verdict.up
        ? `${paint('green', 'up')}: ${escapeText(verdict.detail)}`
        : `${paint('red', 'down')}: ${verdict.reason}: ${escapeText(verdict.detail)}`
      : `${paint('yellow', 'could not be tested')}: ${escapeText(obstacle ?? '')}`,
    `connected after ${check.connectMs} ms, first byte after ${check.responseMs} ms, over after ${check.totalMs} ms`,
  ];
}

export function renderConnections(figures: ConnectionFigures, paint: Paint): readonly string[] {
  if (!figures.isGathered) return ['no connection statistics are gathered (gather_stats)'];
  const ms = ({ connect, response, total }: { connect: number; response: number; total: number }): string =>
    [connect, response, total].map((us) => (us / 1000).toFixed(1)).join(' / ');
  const rows = figures.virtuals.flatMap(({ name, reals }) =>
    reals.map((real): Cell[] => [
      token(name),
      token(real.name),
      realId(real),
      real.tests,
      ms(real.lastUs),
      ms(real.averageUs),
      ms(real.overallUs),
      real.problems.silent,
      real.problems.unreachable,
      real.problems.refused,
    ]),
  );
  const headings = [
    'VIRTUAL',
    'REAL',
    'ADDRESS',
    'TESTS',
    'LAST',
    'AVERAGE',
    'OVERALL',
    'CONN',
    'ARP',
    'RST',
  ];
  return [...renderTable(headings, rows, paint), paint('dim', 'times: connect / response / total in ms')];
}

/** One transition as a line. */
export function renderTransition(
  virtual: VirtualDocument,
  real: RealDocument,
  transition: TransitionDocument,
  paint: Paint,
): string {
  const { text, style } = eventOf(transition);
  const where = `${token(virtual.name)} ${token(real.name)} ${realId(real)}`;
  return `${timeOf(transition)} ${where} ${paint(style, text)} ${escapeText(transition.detail)}`.trimEnd();
}

function describeVirtual(virtual: VirtualDocument | VirtualWithReals, paint: Paint): string {
  const { name, rt, sched, tester } = virtual;
  return `${paint('bold', token(name))} ${virtualId(virtual)} ${rt} ${sched} ${tester}`;
}

function realCells(real: RealDocument): readonly Cell[] {
  const { name, weight, configuredWeight, override, rstate } = real;
  const { online, obstacle, failure, sentinel, lastTransition } = real;
  const wanted = override === null ? String(configuredWeight) : `${configuredWeight} (${override})`;
  const last = lastTransition
    ? [`${timeOf(lastTransition)} ${lastTransition.event} ${lastTransition.detail}`]
    : [];
  // the reason of a real that is down is no news where it is the last change itself
  if (!online && failure !== null && lastTransition?.event !== 'offline') last.push(`fails: ${failure}`);
  if (sentinel === 'backoff' || sentinel === 'crowded') last.push(`sentinel: ${sentinel}`);
  return [
    token(name),
    realId(real),
    weight,
    wanted,
    testsOf(real),
    rstate === 'ONLINE' ? rstate : { text: rstate, style: 'yellow' },
    obstacle === null ? last.join('; ') : { text: `cannot be tested: ${obstacle}`, style: 'yellow' },
  ];
}

function testsOf({ online, held, rampTo }: RealDocument): StyledText {
  if (online && rampTo) return { text: `up, climbs to ${rampTo}`, style: 'yellow' };
  if (online) return { text: 'up', style: 'green' };
  return held ? { text: 'down, held', style: 'yellow' } : { text: 'down', style: 'red' };
}

function onlineOf({ onlineCount, realCount, heldCount }: VirtualDocument): Cell {
  const text = `${onlineCount}/${realCount}${heldCount > 0 ? ` (${heldCount} held)` : ''}`;
  if (onlineCount === realCount) return text;
  return { text, style: onlineCount === 0 ? 'red' : 'yellow' };
}

/** To the second, in local time. */
function timeOf({ at }: TransitionDocument): string {
  return localTime(new Date(at)).slice(0, 19);
}

function eventOf({ event }: TransitionDocument): StyledText {
  const styles = { online: 'green', offline: 'red', set: 'yellow' } as const;
  return { text: event, style: styles[event] };
}

function describeOutput(heading: string, output: string | null): readonly string[] {
  if (output === null || output === '') return [];
  const lines = output.replace(/\n$/, '').split('\n');
  return [heading, ...lines.map((line) => `  ${escapeText(line)}`)];
}
