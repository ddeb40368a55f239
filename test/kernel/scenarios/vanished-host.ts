import assert from 'node:assert/strict';
import { type Balancer, type Pool, TIMEOUT_SEC } from '../lab/balancers/balancer.js';
import { keepalived } from '../lab/balancers/keepalived.js';
import { ldirectordInOneProcess } from '../lab/balancers/ldirectord.js';
import { ours, oursWithSharedProbes } from '../lab/balancers/ours.js';
import { evenShares, untilBetweenTests } from '../lab/instants.js';
import type { LabProcess } from '../lab/lab-process.js';
import type { Namespace } from '../lab/namespace.js';
import { buildNetwork, type Host } from '../lab/network.js';
import { ServingWatch } from '../lab/serving-watch.js';
import { median } from '../lab/statistics.js';
import type { WebServer } from '../lab/web-server.js';
import type { Lab } from '../lab.js';
import { missingPeers } from '../requirements.js';
import type { Scenario } from './scenario.js';

const POOLS = 20;
const SEEN_TIMEOUT_MS = 120_000;
const GONE = '10.0.2.50';
const GONE_MAC = '02:00:00:00:00:50';

interface Contender {
  readonly balancer: Balancer;
  readonly rounds: number;
}

export const vanishedHost: Scenario = vanishedHostScenario('vanished-host', 10, 1);
export const vanishedHostQuick: Scenario = vanishedHostScenario('vanished-host-quick', 2, 1);

/**
 * One host is behind 20 virtuals, and its cable is pulled: no packet comes back, and no error either. It is measured how
 * soon the last of the virtuals sends nobody there any more.
 */
function vanishedHostScenario(name: string, rounds: number, ldirectordRounds: number): Scenario {
  const contenders: readonly Contender[] = [
    { balancer: ours, rounds },
    { balancer: oursWithSharedProbes, rounds },
    { balancer: keepalived, rounds },
    { balancer: ldirectordInOneProcess, rounds: ldirectordRounds },
  ];
  return {
    name,
    title: 'a host that vanishes without a word is out of all virtuals',
    timeoutMs: 400_000,
    async run(lab) {
      const missing: readonly string[] = missingPeers();
      const present = contenders.filter(({ balancer }) => !missing.includes(balancer.name));
      const byName = await buildNetwork(lab, [
        hostOf('gone', GONE),
        ...present.map(({ balancer }, i) => hostOf(balancer.name, `10.0.2.${i + 1}`)),
      ]);
      const gone = await VanishingHost.start(lab, byName.get('gone') as Namespace);
      for (const { balancer, rounds } of present)
        await measure(lab, balancer, byName.get(balancer.name) as Namespace, gone, rounds);
    },
  };
}

function hostOf(name: string, address: string): Host {
  return { name, legs: [{ segment: 'back', device: 'eth0', addresses: [`${address}/24`] }] };
}

/** A host whose cable can be pulled at once: the program that does it is there already. */
class VanishingHost {
  readonly web: WebServer;
  readonly #ip: LabProcess;

  private constructor(web: WebServer, ip: LabProcess) {
    this.web = web;
    this.#ip = ip;
  }

  static async start(lab: Lab, namespace: Namespace): Promise<VanishingHost> {
    await namespace.ip([`link set dev eth0 address ${GONE_MAC}`]);
    const web = await lab.startWebServer(namespace);
    return new VanishingHost(web, await namespace.spawn(['ip', '-batch', '-']));
  }

  vanish(): void {
    this.#ip.send('link set dev eth0 down\n');
  }

  comeBack(): void {
    this.#ip.send('link set dev eth0 up\n');
  }
}

async function measure(
  lab: Lab,
  { name, start }: Balancer,
  director: Namespace,
  gone: VanishingHost,
  rounds: number,
): Promise<void> {
  // without it the kernel finds out in a few seconds that nobody answers for the address, and says so
  await director.ip([`neigh replace ${GONE} lladdr ${GONE_MAC} dev eth0 nud permanent`]);
  using watch = await ServingWatch.open(director);
  const until = (wanted: number): Promise<number> =>
    watch.until(wanted, { who: name, timeoutMs: SEEN_TIMEOUT_MS, signal: lab.signal });
  const running = await start(lab, director, POOLS_OF_ONE);
  const latenciesMs: number[] = [];
  for (const share of evenShares(rounds)) {
    await until(POOLS);
    await untilBetweenTests(gone.web, share, lab.signal);
    const startedMs = performance.now();
    gone.vanish();
    latenciesMs.push((await until(0)) - startedMs);
    gone.comeBack();
  }
  await running.stop();
  await director.run(['ipvsadm', '-C']); // see `ServingWatch`
  lab.note(`${name}: ${latenciesMs.map(Math.round).join(' ')} ms`);
  lab.measure(`${name}MedianMs`, median(latenciesMs));
  lab.measure(`${name}SlowestMs`, Math.max(...latenciesMs));
  assert(
    Math.min(...latenciesMs) >= TIMEOUT_SEC * 1000,
    `${name} cannot have waited for an answer: ${latenciesMs.join(', ')} ms`,
  );
}

const POOLS_OF_ONE: readonly Pool[] = Array.from({ length: POOLS }, (_, i) => ({
  address: '10.0.1.100',
  port: 8000 + i,
  reals: [GONE],
}));
