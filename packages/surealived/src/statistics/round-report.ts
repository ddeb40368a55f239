/**
 * What the statistics files say of one round of a virtual (spec section 8). No I/O.
 *
 * @module
 */
import { bracketed } from '@surealived/shared/address';
import { localTime } from '@surealived/shared/log-line';
import { token } from '@surealived/shared/snapshot/write';
import type { Times } from '../dumps/stats-dump.js';
import type { Real, Virtual } from '../state.js';
import type { ConnectionStatistics } from './connection-statistics.js';
import { timesInMs } from './real-statistics.js';

const SEPARATOR = '-'.repeat(14);

/** A line for the begin of the round, one for the last test of each real, one for the end, and a separator. */
export function reportRound(virtual: Virtual, statistics: ConnectionStatistics, endedAt: Date): string {
  const name = token(virtual.config.name);
  const began = `START Virtual: ${name} start time=${localTime(virtual.roundBegan)}\n`;
  const reals = virtual.reals.map((real) => realLine(virtual, real, statistics)).join('');
  return `${began}${reals}END   Virtual: ${name} end time=${localTime(endedAt)}\n${SEPARATOR}\n`;
}

function realLine(virtual: Virtual, real: Real, statistics: ConnectionStatistics): string {
  const { name, protocol, address, port, testing } = virtual.config;
  const { lastUs, startedAtMs, wasUp } = statistics.ofReal(virtual, real);
  if (startedAtMs === 0) return ''; // this machine could not test it yet
  const { config } = real;
  const places = [
    `virt=${token(name)}:${port} vproto=${protocol} vaddr=${bracketed(address)}:${port}`,
    `real=${token(config.name)}:${config.port} raddr=${bracketed(config.address)}:${config.port}`,
  ];
  const durations = testing.logMicro ? describe(lastUs, 'us') : describe(timesInMs(lastUs), 'ms');
  const states = `currtest=${truth(wasUp)} online=${truth(real.health.online)}`;
  return `${localTime(new Date(startedAtMs))} ${places.join(' ')} ${durations} ${states}\n`;
}

function describe({ connect, response, total }: Times, unit: 'ms' | 'us'): string {
  return `conntime=${connect}${unit} resptime=${response}${unit} totaltime=${total}${unit}`;
}

function truth(value: boolean): string {
  return value ? 'TRUE' : 'FALSE';
}
