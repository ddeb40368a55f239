import type { Balancer, Pool } from '../lab/balancers/balancer.js';
import { keepalived } from '../lab/balancers/keepalived.js';
import { ldirectord } from '../lab/balancers/ldirectord.js';
import { ours, oursWithSentinel } from '../lab/balancers/ours.js';
import { evenShares, untilBetweenTests } from '../lab/instants.js';
import type { Namespace } from '../lab/namespace.js';
import { buildNetwork, type Host } from '../lab/network.js';
import { ServingWatch } from '../lab/serving-watch.js';
import { median, percentile } from '../lab/statistics.js';
import type { WebServer } from '../lab/web-server.js';
import type { Lab } from '../lab.js';
import { missingPeers } from '../requirements.js';
import type { Scenario } from './scenario.js';

const REALS = 100;
const REALS_PER_POOL = 10;
/** From one that is killed to the next, so that none is twice. */
const STEP = 37;
const ALL_UP_TIMEOUT_MS = 180_000;
const SEEN_TIMEOUT_MS = 30_000;

/** By default nginx ends a connection without a request after a minute, and a sentinel comes back seconds later. */
const IDLE_CONNECTIONS_STAY = 'client_header_timeout 1h;';
/** Starting it with 100 takes minutes. */
const LDIRECTORD_REALS = 30;

export const failureToKernel: Scenario = failureScenario('failure-to-kernel', 30);
export const failureToKernelQuick: Scenario = failureScenario('failure-to-kernel-quick', 3);

/**
 * 100 servers, a process each; one after the other is killed, and it is measured how soon the kernel sends nobody there
 * any more. All programs have the same servers, in turn, each of them in a director of its own.
 */
function failureScenario(name: string, kills: number): Scenario {
  return {
    name,
    title: 'a server that is killed is at weight 0',
    timeoutMs: 900_000,
    async run(lab) {
      const missing: readonly string[] = missingPeers();
      const balancers = [ours, oursWithSentinel, keepalived, ldirectord];
      const present = balancers.filter((balancer) => !missing.includes(balancer.name));
      const byName = await buildNetwork(lab, [FARM, ...present.map(directorOf)]);
      const farm = await startFarm(lab, byName.get(FARM.name) as Namespace);
      for (const balancer of present) {
        const servers = balancer === ldirectord ? farm.slice(0, LDIRECTORD_REALS) : farm;
        await measure(lab, balancer, byName.get(balancer.name) as Namespace, servers, kills);
      }
    },
  };
}

interface Server {
  readonly address: string;
  readonly web: WebServer;
}

const ADDRESSES = Array.from({ length: REALS }, (_, i) => `10.0.2.${101 + i}`);

const FARM: Host = {
  name: 'farm',
  legs: [{ segment: 'back', device: 'eth0', addresses: ADDRESSES.map((address) => `${address}/24`) }],
};

function directorOf({ name }: Balancer, index: number): Host {
  return { name, legs: [{ segment: 'back', device: 'eth0', addresses: [`10.0.2.${index + 1}/24`] }] };
}

async function startFarm(lab: Lab, farm: Namespace): Promise<readonly Server[]> {
  const servers: Server[] = [];
  for (const [i, address] of ADDRESSES.entries())
    servers.push({
      address,
      web: await lab.startWebServer(farm, { name: `r${i}`, address, directives: IDLE_CONNECTIONS_STAY }),
    });
  return servers;
}

function poolsOf(servers: readonly Server[]): readonly Pool[] {
  return Array.from({ length: servers.length / REALS_PER_POOL }, (_, i) => ({
    address: '10.0.1.100',
    port: 8000 + i,
    reals: servers.slice(i * REALS_PER_POOL, (i + 1) * REALS_PER_POOL).map(({ address }) => address),
  }));
}

async function measure(
  lab: Lab,
  { name, start }: Balancer,
  director: Namespace,
  servers: readonly Server[],
  kills: number,
): Promise<void> {
  using watch = await ServingWatch.open(director);
  const until = (wanted: number, timeoutMs: number, address?: string): Promise<number> =>
    watch.until(wanted, {
      who: name,
      timeoutMs,
      signal: lab.signal,
      ...(address !== undefined && { address }),
    });
  const running = await start(lab, director, poolsOf(servers));
  const latenciesMs: number[] = [];
  for (const [i, share] of evenShares(kills).entries()) {
    const { address, web } = servers[(i * STEP) % servers.length] as Server;
    await until(servers.length, ALL_UP_TIMEOUT_MS);
    await untilBetweenTests(web, share, lab.signal);
    const killedMs = performance.now();
    web.kill();
    latenciesMs.push((await until(0, SEEN_TIMEOUT_MS, address)) - killedMs);
    await web.start();
  }
  await running.stop();
  await director.run(['ipvsadm', '-C']); // see `ServingWatch`
  lab.note(`${name}: ${latenciesMs.map(Math.round).join(' ')} ms`);
  lab.measure(`${name}MedianMs`, median(latenciesMs));
  lab.measure(`${name}P99Ms`, percentile(latenciesMs, 99));
  lab.measure(`${name}WatchGapMs`, watch.meanGapMs);
}
