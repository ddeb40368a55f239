import type { ProblemCounts } from '../dumps/stats-dump.js';
import type { Real, Virtual } from '../state.js';
import type { ConnectionStatistics } from '../statistics/connection-statistics.js';
import type { Command } from './command.js';
import { reportConnections } from './connstats-report.js';
import {
  type ConnectionFigures,
  type RealFigures,
  type VirtualFigures,
  virtualDocument,
} from './documents.js';
import { each, type InParts } from './json-parts.js';

export const connstats: Command = {
  name: 'connstats',
  operands: '',
  summary: 'shows how long connecting and answering takes, and counts problems',
  run({ director: { virtuals }, connections }) {
    const statistics = connections();
    return {
      lines: () => reportConnections(virtuals, statistics),
      document: (): InParts<ConnectionFigures> => ({
        isGathered: statistics !== undefined,
        virtuals: statistics ? each(virtuals, (virtual) => virtualFigures(virtual, statistics)) : [],
      }),
    };
  },
};

function virtualFigures(virtual: Virtual, statistics: ConnectionStatistics): InParts<VirtualFigures> {
  const { rounds, averageUs, problems } = statistics.ofVirtual(virtual);
  return {
    ...virtualDocument(virtual),
    samples: virtual.config.testing.statsSamples,
    rounds,
    averageUs,
    problems: problemCounts(problems),
    reals: each(virtual.reals, (real) => realFigures(virtual, real, statistics)),
  };
}

function realFigures(virtual: Virtual, real: Real, statistics: ConnectionStatistics): RealFigures {
  const { tests, lastUs, averageUs, overallUs, problems } = statistics.ofReal(virtual, real);
  const { name, address, port } = real.config;
  return {
    name,
    addr: address.text,
    port,
    tests,
    lastUs,
    averageUs,
    overallUs,
    problems: problemCounts(problems),
  };
}

/** The counters alone, in this order. */
function problemCounts({ silent, unreachable, refused }: ProblemCounts): ProblemCounts {
  return { silent, unreachable, refused };
}
