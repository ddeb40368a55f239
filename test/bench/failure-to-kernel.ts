import { missingPackages } from '../kernel/requirements.js';
import {
  failureToKernel as killedServer,
  failureToKernelQuick as killedServerQuick,
} from '../kernel/scenarios/failure-to-kernel.js';
import { vanishedHost, vanishedHostQuick } from '../kernel/scenarios/vanished-host.js';
import { besidePeers, type Measured, measureInLab, noteMissingPeers } from './in-lab.js';
import { type BenchPart, describeValue, type Figure, type PartResult } from './report.js';

const PEERS = ['keepalived', 'ldirectord'] as const;

/** A figure of ours, by the first part of its name in the scenario; peers have the same with theirs. */
interface Wanted {
  readonly ours: string;
  readonly what: string;
  readonly atMost?: number;
}

interface Event {
  readonly key: string;
  readonly panel: string;
  /** The last parts of the names in the scenario. */
  readonly statistics: readonly { readonly suffix: string; readonly figures: readonly Wanted[] }[];
}

const KILLED: Event = {
  key: 'killed',
  panel: 'A server process is killed: until its weight is 0',
  statistics: [
    {
      suffix: 'MedianMs',
      figures: [
        { ours: 'ours', what: 'killed, no sentinel, median', atMost: 600 },
        { ours: 'sentinel', what: 'killed, sentinel, median', atMost: 15 },
      ],
    },
    {
      suffix: 'P99Ms',
      figures: [
        { ours: 'ours', what: 'killed, no sentinel, slowest' },
        { ours: 'sentinel', what: 'killed, sentinel, slowest', atMost: 60 },
      ],
    },
  ],
};

const VANISHED: Event = {
  key: 'vanished',
  panel: 'A host vanishes: until the last of 20 virtuals is without it',
  statistics: [
    {
      suffix: 'MedianMs',
      figures: [
        { ours: 'ours', what: 'vanished, median', atMost: 3100 },
        { ours: 'shared', what: 'vanished, shared probes, median', atMost: 2700 },
      ],
    },
    {
      suffix: 'SlowestMs',
      figures: [
        { ours: 'ours', what: 'vanished, slowest' },
        { ours: 'shared', what: 'vanished, shared probes, slowest' },
      ],
    },
  ],
};

export const failureToKernel: BenchPart = {
  name: 'failure-to-kernel',
  title: 'Failure to kernel: HTTP tests every second, time-out 2 s',
  ours: 'surealived',
  method: `Inside a User-Mode Linux kernel with IPVS, all programs in one boot, one after the other. There a system call
takes about ten times as long as on the machine itself.

Killed: 100 servers are tested, a process each; 30 times one of them is killed, and the kernel's table is watched until no
new connection can go there. The instants are spread evenly over the time between two tests of the server, as its own log
shows them. The slowest of the 30 stands for the 99th percentile. One failed test is enough for each of the programs.
ldirectord has 30 of the servers, since it takes minutes to put 100 into the table. The servers keep idle connections for
an hour; with nginx's default, a minute, a sentinel is away for two seconds of each minute.

Vanished: the cable of a host behind 20 virtuals is pulled; nothing comes back, no error either. The time is that of the
last virtual; 10 times, ldirectord once. It has a process for each virtual where servers are killed, and one process here:
either is faster with that.`,
  missing: missingPackages,
  async run({ isQuick, onProgress }): Promise<PartResult> {
    onProgress('servers are killed');
    const killed = await measureInLab([isQuick ? killedServerQuick : killedServer]);
    onProgress('a host vanishes');
    const vanished = await measureInLab([isQuick ? vanishedHostQuick : vanishedHost]);
    const gap = describeValue(killed('oursWatchGapMs'), 'ms');
    return {
      figures: [...figuresOf(KILLED, killed), ...figuresOf(VANISHED, vanished)],
      notes: [...noteMissingPeers(), `The kernel's table was looked at every ${gap}.`],
    };
  },
};

function figuresOf({ key, panel, statistics }: Event, measured: Measured): readonly Figure[] {
  return statistics.flatMap(({ suffix, figures }) =>
    figures.flatMap(({ ours, what, atMost }) => {
      const figure: Figure = {
        key: `${key}.${ours}${suffix}`,
        what,
        unit: 'ms',
        ours: measured(`${ours}${suffix}`),
        ...(atMost !== undefined && { goal: { of: 'ours', atMost } }),
        panel,
      };
      return besidePeers(figure, PEERS, (name) => measured(`${name}${suffix}`));
    }),
  );
}
