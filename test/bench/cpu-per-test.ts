/**
 * CPU per test of surealived beside the same tests made by other programs, and the highest rate that it sustains.
 *
 * @module
 */
import { nginxVersion } from '../servers/nginx.js';
import { type BenchServers, startBenchServers } from './bench-servers.js';
import type { Entrant } from './contenders/contender.js';
import { keepalived, keepalivedObstacle } from './contenders/keepalived.js';
import { ldirectord, ldirectordObstacle } from './contenders/ldirectord.js';
import { BARE_CALLS, NODE_PEERS } from './contenders/node-peer.js';
import { otherSurealived, surealived } from './contenders/surealived.js';
import { keepOffTestedCore } from './cores.js';
import { findHighestRate } from './highest-rate.js';
import { type Load, rateOf } from './load.js';
import { type Cost, measureCpu, type Window } from './measure-cpu.js';
import { type BenchPart, type Figure, formatNumber, type Goal, type RunOptions } from './report.js';

/** Loop delays are whole seconds: other programs that read surealived's files know no fractions. */
const LOADS: readonly Load[] = [
  { tester: 'tcp', reals: 3900, loopDelaySec: 3 },
  { tester: 'http', reals: 3900, loopDelaySec: 3 },
  { tester: 'https', reals: 3900, loopDelaySec: 3 },
  { tester: 'dns', reals: 3900, loopDelaySec: 3 },
  { tester: 'tcp', reals: 8000, loopDelaySec: 1 },
  { tester: 'http', reals: 8000, loopDelaySec: 1 },
  { tester: 'dns', reals: 8000, loopDelaySec: 1 },
];
/** Beside keepalived and ldirectord. */
const BALANCER_LOADS: readonly Load[] = [
  { tester: 'tcp', reals: 5000, loopDelaySec: 3 },
  { tester: 'http', reals: 5000, loopDelaySec: 3 },
];
/** ldirectord tests one real after the other, so that it would not come through more of them in any time. */
const LDIRECTORD_REALS = 200;
const HIGHEST_LOOP_DELAY_SEC = 2;
/** A rate is sustained where so much of it is reached: a test is then a hundredth of the loop delay late on average. */
const REACHED = 0.99;

/** The programs of a comparison take turns, so often; the cheapest counts, as what else the machine does only adds. */
const TURNS = 3;
/** A rate may fail once because of what else the machine does. */
const TRIES = 2;

/** Further off than this, it is told in a note. */
const DISAGREEMENT = 0.02;
const REACHED_AT_LEAST = 0.9;

const MAX_USER_US: Readonly<Record<string, number>> = { tcp: 4, http: 6 };
const FAST_RATE = 8000;
const MIN_TCP_RATE = 20_000;

export const cpuPerTest: BenchPart = {
  name: 'cpu-per-test',
  title: 'CPU per test, and the highest rate on one core',
  ours: 'surealived',
  method: `
Each program tests the same local servers (nginx, for dns nsd) by the same tests at the same rate, one program at a time. It
has a core for itself (\`taskset\`); servers and benchmark are on the others. What is counted is user and system time of all of
its processes, by the tests that it has made meanwhile; the connections that nginx has accepted have to agree. The programs of a
comparison take turns, ${TURNS} each, and of each the cheapest counts, as what else the machine does only adds. The kernel's part
of a connection over the loopback interface, the larger part of it on both sides, is in the figure of whoever sends.

node:net, tls.connect and node:dgram are the same tests written in Node's own terms, with their defaults. "Bare system calls" are those of
a tcp test made in an endless row, without the test: what no tester can be cheaper than on the machine at that time. keepalived runs with
its checkers alone, its IPVS calls answered by a small preloaded library; ldirectord with an ipvsadm that does nothing, on
${LDIRECTORD_REALS} reals, at the rate that it reaches. \`SUREALIVED_PEER\` names a further program that takes surealived's command line.

The total is the scheduler's account in nanoseconds. The user-space share is sampled by most kernels at each tick of the clock;
at ${formatNumber(FAST_RATE)} tests a second it stands on some 600 ticks. It has everything outside the kernel: our code, the
garbage collector, the way into a system call through libc.

The highest rate is found to within 5 %. It counts as sustained when in one of ${TRIES} tries no test fails and 99 % of the tests are
made that were asked for, with ${HIGHEST_LOOP_DELAY_SEC} s between two tests of a real: a test is then on average at most ${HIGHEST_LOOP_DELAY_SEC * 10} ms late, its own duration included. How late
the event loop came at worst is of the whole run, its start included.`,
  missing: () => (nginxVersion() === undefined ? ['nginx-light'] : []),
  async run(options) {
    using _apart = keepOffTestedCore();
    await using servers = await startBenchServers();
    const bench = new CpuBench(servers, options);
    const figures = await bench.run();
    return { figures, notes: bench.notes };
  },
};

class CpuBench {
  readonly notes: string[] = [];
  readonly #servers: BenchServers;
  readonly #options: RunOptions;
  readonly #peers: readonly Entrant[];
  readonly #other = otherSurealived();
  /** Of programs by testers: what a test costs at the highest rate so far. */
  readonly #costs = new Map<string, Cost>();

  constructor(servers: BenchServers, options: RunOptions) {
    this.#servers = servers;
    this.#options = options;
    const peers = [...NODE_PEERS, BARE_CALLS];
    this.#peers = this.#other ? [...peers, this.#other] : peers;
    if (!servers.hasDns) this.notes.push('dns is left out: nsd is not installed.');
  }

  async run(): Promise<readonly Figure[]> {
    const figures: Figure[] = [];
    for (const load of LOADS) {
      if (load.tester === 'dns' && !this.#servers.hasDns) continue;
      figures.push(...(await this.#compare(load, this.#peers)));
    }
    const balancers = this.#balancers();
    for (const load of BALANCER_LOADS) figures.push(...(await this.#compare(load, balancers)));
    const testers = this.#options.isQuick ? (['tcp'] as const) : (['tcp', 'http', 'https', 'dns'] as const);
    for (const tester of testers) {
      if (tester !== 'dns' || this.#servers.hasDns) figures.push(...(await this.#compareHighest(tester)));
    }
    return figures;
  }

  #balancers(): readonly Entrant[] {
    const balancers: Entrant[] = this.#other ? [this.#other] : [];
    const candidates = [
      { entrant: keepalived, obstacle: keepalivedObstacle() },
      { entrant: ldirectord, obstacle: ldirectordObstacle() },
    ];
    for (const { entrant, obstacle } of candidates) {
      if (obstacle === undefined) balancers.push(entrant);
      else this.notes.push(`${entrant.name} is left out: ${obstacle}.`);
    }
    return balancers;
  }

  async #compare(load: Load, peers: readonly Entrant[]): Promise<readonly Figure[]> {
    const { tester } = load;
    const what = `${tester}, ${formatRate(rateOf(load))} tests/s`;
    const base = { key: `${tester}${Math.round(rateOf(load))}CpuUs`, what, unit: 'µs' } as const;
    const rivals = peers.filter((candidate) => candidate.canTest(tester));
    const [ours, ...costs] = await this.#measureByTurns([surealived, ...rivals], load);
    const figures: Figure[] = [];
    for (const [index, peer] of rivals.entries()) {
      const theirs = costs[index];
      if (!ours || !theirs) continue;
      if (peer === ldirectord) {
        this.notes.push(`ldirectord made ${formatNumber(theirs.testsPerSec)} ${tester} tests a second.`);
      }
      const goal = goalBeside(peer, this.#other);
      figures.push({
        ...base,
        ours: ours.us,
        peer: { name: peer.name, value: theirs.us },
        ...(goal && { goal }),
        // its bar would make all others too short to be told apart
        ...(peer !== ldirectord && { panel: 'CPU per test' }),
      });
      if (rateOf(load) === FAST_RATE) figures.push(userShare(base.key, what, ours, peer.name, theirs));
    }
    return figures;
  }

  /** @returns Of each the cheapest of its turns, in the same order. */
  async #measureByTurns(entrants: readonly Entrant[], load: Load): Promise<readonly Cost[]> {
    const turns: (readonly Cost[])[] = [];
    while (turns.length < (this.#options.isQuick ? 1 : TURNS)) turns.push(await this.#turn(entrants, load));
    return entrants.map((entrant, index) => {
      const costs = turns.map((turn) => turn[index] as Cost);
      const cheapest = costs.reduce((one, other) => (other.us < one.us ? other : one));
      this.#noteFlaws(entrant, load, cheapest);
      this.#costs.set(`${entrant.name} ${load.tester}`, cheapest);
      return cheapest;
    });
  }

  async #turn(entrants: readonly Entrant[], load: Load): Promise<readonly Cost[]> {
    const costs: Cost[] = [];
    for (const entrant of entrants) costs.push(await this.#measure(entrant, load));
    return costs;
  }

  async #measure(entrant: Entrant, load: Load): Promise<Cost> {
    const { tester } = load;
    const its = entrant === ldirectord ? { tester, reals: LDIRECTORD_REALS, loopDelaySec: 1 } : load;
    this.#options.onProgress(`${entrant.name}, ${tester} at ${formatRate(rateOf(its))}/s`);
    return measureCpu(entrant, its, this.#servers, this.#windowOf(its));
  }

  /** What makes a cost less than it seems. */
  #noteFlaws({ name }: Entrant, load: Load, { testsPerSec, failures, seen }: Cost): void {
    const what = `${name}, ${load.tester} at ${formatRate(rateOf(load))} tests/s:`;
    if (failures > 0) this.notes.push(`${what} ${failures} tests of healthy servers failed.`);
    if (Math.abs(seen - 1) > DISAGREEMENT) {
      this.notes.push(`${what} the server has seen ${formatNumber(seen)} times as many tests as it counts.`);
    }
    if (name !== ldirectord.name && testsPerSec < REACHED_AT_LEAST * rateOf(load)) {
      this.notes.push(`${what} it made ${formatRate(testsPerSec)} a second.`);
    }
  }

  #windowOf(load: Load): Window {
    const { loopDelaySec } = load;
    if (this.#options.isQuick) return { warmUpMs: 2000, measureMs: 1000 * loopDelaySec };
    return { warmUpMs: 2000 + 2000 * loopDelaySec, measureMs: rateOf(load) < FAST_RATE ? 6000 : 12_000 };
  }

  async #compareHighest(tester: Load['tester']): Promise<readonly Figure[]> {
    const ours = await this.#highest(surealived, tester);
    const peers = this.#peers.filter((peer) => peer.canTest(tester) && !peer.name.includes('one secure'));
    const base = { key: `${tester}HighestRate`, what: `${tester}, highest rate`, unit: 'tests/s' } as const;
    const goal: Goal = { of: 'ours', atLeast: MIN_TCP_RATE };
    const figures: Figure[] = [];
    for (const peer of peers) {
      const { rate } = await this.#highest(peer, tester);
      figures.push({
        ...base,
        ours: ours.rate,
        peer: { name: peer.name, value: rate },
        panel: 'Highest rate on one core',
        ...(tester === 'tcp' && figures.length === 0 && { goal }),
      });
    }
    if (ours.lagMs !== undefined) {
      const what = `${tester}, event loop late at that rate, at worst`;
      figures.push({ key: `${tester}HighestLagMs`, what, unit: 'ms', ours: ours.lagMs });
    }
    return figures;
  }

  /** From nine tenths of what its cost at a lower rate lets expect. */
  async #highest(entrant: Entrant, tester: Load['tester']): Promise<Highest> {
    const { us } = this.#costs.get(`${entrant.name} ${tester}`) ?? { us: 50 };
    const window = { warmUpMs: 2000 * HIGHEST_LOOP_DELAY_SEC, measureMs: 2000 * HIGHEST_LOOP_DELAY_SEC };
    let lagMs: number | undefined;
    const rate = await findHighestRate(0.9e6 / us, async (candidate) => {
      this.#options.onProgress(`${entrant.name}, ${tester}: is ${formatRate(candidate)}/s sustained?`);
      const reals = candidate * HIGHEST_LOOP_DELAY_SEC;
      const load = { tester, reals, loopDelaySec: HIGHEST_LOOP_DELAY_SEC };
      for (let tries = 0; tries < TRIES; tries++) {
        const cost = await measureCpu(entrant, load, this.#servers, window);
        if (cost.failures > 0 || cost.testsPerSec < REACHED * candidate) continue;
        lagMs = cost.lagMs;
        return true;
      }
      return false;
    });
    return { rate, lagMs };
  }
}

interface Highest {
  readonly rate: number;
  readonly lagMs: number | undefined;
}

function goalBeside(peer: Entrant, other: Entrant | undefined): Goal | undefined {
  if (peer === keepalived) return { of: 'ratio', atMost: 0.6 };
  if (peer === other) return { of: 'ratio', atMost: 1 };
  const hasGoal = peer.name === 'node:net' || peer.name === 'tls.connect';
  return hasGoal ? { of: 'ratio', atMost: 0.75 } : undefined;
}

function userShare(key: string, what: string, ours: Cost, name: string, theirs: Cost): Figure {
  const atMost = MAX_USER_US[what.split(',')[0] ?? ''];
  return {
    key: key.replace('CpuUs', 'UserUs'),
    what: `${what}, in user space`,
    unit: 'µs',
    ours: ours.userUs,
    peer: { name, value: theirs.userUs },
    panel: 'CPU per test, share in user space',
    ...(atMost !== undefined && { goal: { of: 'ours', atMost } }),
  };
}

function formatRate(rate: number): string {
  return Math.round(rate).toLocaleString('en-US');
}
