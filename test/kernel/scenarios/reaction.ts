import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { readIpvs } from '../lab/ipvs.js';
import { type LoggedEvent, Site } from '../lab/site.js';
import type { Lab } from '../lab.js';
import { type NatTopology, natTopology, type RealServer } from '../topologies/nat.js';
import type { Scenario } from './scenario.js';

const ROUNDS = 8;
const LOOP_DELAY_MS = 1000;
/** Far above what is measured: a busy machine is no mistake of ours. The goals stand in the benchmark. */
const LIMIT_MS = LOOP_DELAY_MS + 1000;

/** How soon a failure is in the kernel's table, with loopdelay 1 and servers that refuse. */
export const reaction: Scenario = {
  name: 'reaction',
  title:
    'a server that refuses is at weight 0 within loopdelay + 0.3 s, and the table follows a verdict within 10 ms',
  timeoutMs: 120_000,
  async run(lab) {
    const net = await natTopology(lab, 2);
    const site = await Site.start(lab, net.director, servicesXml(net));
    const reactions: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const real = net.reals[round % net.reals.length] as RealServer;
      await untilWeight(lab, net, real, 10);
      // not to wait for anything: the stops shall fall on all phases of the loop
      await delay((round / ROUNDS) * LOOP_DELAY_MS);
      const startedMs = performance.now();
      await real.web.stop();
      await untilWeight(lab, net, real, 0);
      reactions.push(performance.now() - startedMs);
      await real.web.start();
    }
    await Promise.all(net.reals.map((real) => untilWeight(lab, net, real, 10)));
    const verdicts = await lab.waitUntil(() => verdictToTable(site), {
      what: 'the log lines of the last change', // the kernel's table is quicker to read than a pipe
      timeoutMs: 5000,
      accept: (latencies) => latencies.length >= 2 * ROUNDS && latencies.every(Number.isFinite),
    });
    lab.measure('stopToWeightZeroMaxMs', Math.max(...reactions));
    lab.measure('stopToWeightZeroMedianMs', median(reactions));
    lab.measure('verdictToTableMedianMs', median(verdicts));
    lab.measure('verdictToTableMaxMs', Math.max(...verdicts));
    assert(Math.max(...reactions) <= LIMIT_MS, `slowest ${Math.max(...reactions)} ms, at most ${LIMIT_MS}`);
  },
};

function servicesXml({ vip, reals }: NatTopology): string {
  const each = reals.map(({ name, ipv4 }) => `<real name="${name}" addr="${ipv4}" port="80" weight="10"/>`);
  return `<surealived>
    <virtual name="web" addr="${vip.ipv4}" port="80" proto="tcp" sched="wrr" rt="masq">
      <tester proto="http" testport="80" url="/" host="lab" loopdelay="${LOOP_DELAY_MS / 1000}" timeout="2"/>
      ${each.join('\n')}
    </virtual>
  </surealived>`;
}

async function untilWeight(lab: Lab, net: NatTopology, real: RealServer, weight: number): Promise<void> {
  await lab.waitUntil(() => readIpvs(net.director), {
    what: `${real.name} at weight ${weight}`,
    timeoutMs: 10_000,
    intervalMs: 2,
    accept: ([web]) => web?.reals.find(({ address }) => address === real.ipv4)?.weight === weight,
  });
}

/** Milliseconds from each verdict that changed a state to the kernel's acknowledgement, by the daemons' own logs. */
function verdictToTable(site: Site): readonly number[] {
  const isTransition = ({ msg }: LoggedEvent): boolean => msg === 'real offline' || msg === 'real online';
  const written = site.synchroniserEvents().filter(({ msg }) => msg === 'table synchronised');
  return site
    .testerEvents()
    .filter(isTransition)
    .map(({ atMs }) => (written.find((event) => event.atMs >= atMs)?.atMs ?? Number.NaN) - atMs);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
