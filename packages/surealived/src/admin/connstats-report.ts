/**
 * The answer to `connstats` (spec section 7). No I/O.
 *
 * @module
 */
import { token } from '@surealived/shared/snapshot/write';
import type { ProblemCounts, Times } from '../dumps/stats-dump.js';
import type { Real, Virtual } from '../state.js';
import type { ConnectionStatistics } from '../statistics/connection-statistics.js';
import { timesInMs } from '../statistics/real-statistics.js';

/** @param statistics `undefined` where none are gathered. */
export function* reportConnections(
  virtuals: readonly Virtual[],
  statistics: ConnectionStatistics | undefined,
): Generator<string> {
  if (!statistics) return yield 'Gathering statistics is OFF';
  for (const [index, virtual] of virtuals.entries()) {
    yield 'Virtual:';
    yield virtualLine(virtual, index, statistics);
    yield '';
    yield 'Reals:';
    for (const [place, real] of virtual.reals.entries())
      yield* realLines(virtual, real, `r:${index}.${place}`, statistics);
    yield '-----';
    yield '';
  }
}

function virtualLine(virtual: Virtual, index: number, statistics: ConnectionStatistics): string {
  const { scheduler, forwarding, testing } = virtual.config;
  const { rounds, averageMs, averageUs, problems } = statistics.ofVirtual(virtual);
  const head = `v:${index} ${describeVirtual(virtual)} vrt=${forwarding} vsched=${scheduler}`;
  const averages = testing.logMicro
    ? describeTimes('savg', averageUs, 'us')
    : describeTimes('savg', averageMs, 'ms');
  return `${head} samples=${testing.statsSamples} total=${rounds} ${averages} ${describeProblems(problems)}`;
}

function realLines(
  virtual: Virtual,
  real: Real,
  place: string,
  statistics: ConnectionStatistics,
): readonly string[] {
  const own = statistics.ofReal(virtual, real);
  const { name, address, port } = real.config;
  const names = `${describeVirtual(virtual)} rname=${token(name)} raddr=${address.text} rport=${port}`;
  const line = (kind: string, figures: string) =>
    `${place} ${kind.padEnd(10)} ${names} total=${own.tests} ${figures}`;
  return [
    line('real-stats', describeProblems(own.problems)),
    line('lstats_ms', describeTimes('last', timesInMs(own.lastUs), 'ms')),
    line('lstats_us', describeTimes('last', own.lastUs, 'us')),
    line('sstats_ms', describeTimes('savg', own.averageMs, 'ms')),
    line('sstats_us', describeTimes('savg', own.averageUs, 'us')),
    line('tstats_ms', describeTimes('tavg', own.overallMs, 'ms')),
    line('tstats_us', describeTimes('tavg', own.overallUs, 'us')),
    '',
  ];
}

function describeVirtual({ config }: Virtual): string {
  const { name, protocol, address, port, fwmark } = config;
  return `vname=${token(name)} vproto=${protocol} vaddr=${address.text} vport=${port} vfwmark=${fwmark}`;
}

function describeTimes(kind: string, { connect, response, total }: Times, unit: 'ms' | 'us'): string {
  return `${kind}conn=${connect}${unit} ${kind}resp=${response}${unit} ${kind}total=${total}${unit}`;
}

function describeProblems({ silent, unreachable, refused }: ProblemCounts): string {
  return `connprob=${silent} arpprob=${unreachable} rstprob=${refused}`;
}
