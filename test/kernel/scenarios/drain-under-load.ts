import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { readIpvs } from '../lab/ipvs.js';
import { joinAddress, weightsOf } from '../lab/ipvs-entry.js';
import { Load } from '../lab/load.js';
import { type LongConnection, monotonicMs } from '../lab/load-protocol.js';
import { Site } from '../lab/site.js';
import type { Lab } from '../lab.js';
import { type Node, type OneSegment, oneSegment } from '../topologies/one-segment.js';
import {
  failureFile,
  healthPage,
  IMPATIENT,
  LEAVING,
  MARKED,
  MARKING,
  servicesXml,
  TESTED,
  VIRTUALS,
  type Virtual,
  WEIGHT,
} from './draining-virtuals.js';
import type { Scenario } from './scenario.js';

const TIMEOUT_MS = 20_000;
/** Two to each real. */
const LONG_CONNECTIONS = 6;
const SHORT_INTERVAL_MS = 50;
const ALL = ['r1', 'r2', 'r3'];
const OTHERS = ['r2', 'r3'];

/**
 * A closed connection is forgotten after a second where the director sees the client's packets alone (dr, tun), and one
 * whose real was deleted is reset with its next packet, in the place of hanging.
 */
const SETTINGS = { ipvs_timeout_tcp_fin_sec: 1 };
const BREAK_AT_ONCE = { 'net.ipv4.vs.expire_nodest_conn': 1 };

export const drainUnderLoad: Scenario = {
  name: 'drain-under-load',
  title: 'a real that leaves keeps its connections until they end or its time is up, and no other breaks',
  timeoutMs: 120_000,
  async run(lab) {
    const net = await oneSegment(lab, (name) => healthPage(lab, name));
    await net.director.namespace.sysctl(BREAK_AT_ONCE);
    await net.director.namespace.run(['nft', '-f', '-'], { input: MARKING });
    const [load, site] = await Promise.all([
      Load.start(net.client),
      Site.start(lab, net.director.namespace, servicesXml(net), SETTINGS),
    ]);
    const drain = new Drain(lab, net, load, site);
    await drain.begin();
    await drain.leave();
    await drain.runOutOfTime();
    await drain.comeBack();
    await drain.restart();
    await drain.removeFromServices();
    await drain.endConnections(TESTED, MARKED);
    await drain.end();
  },
};

class Drain {
  readonly #lab: Lab;
  readonly #net: OneSegment;
  readonly #load: Load;
  readonly #site: Site;
  readonly #long: LongConnection[] = [];
  #leftAtMs = 0;

  constructor(lab: Lab, net: OneSegment, load: Load, site: Site) {
    this.#lab = lab;
    this.#net = net;
    this.#load = load;
    this.#site = site;
  }

  async begin(): Promise<void> {
    for (const each of VIRTUALS) {
      await this.#untilAll(each);
      const opened = await this.#load.open(each, LONG_CONNECTIONS);
      assert.deepEqual(
        opened.map(({ real }) => real).sort(),
        ['r1', 'r1', 'r2', 'r2', 'r3', 'r3'],
        each.name,
      );
      this.#long.push(...opened);
    }
    await this.#load.startShort(VIRTUALS, SHORT_INTERVAL_MS);
  }

  /** By the operator or by a failed test: nothing new reaches the real, and what it has goes on. */
  async leave(): Promise<void> {
    writeFileSync(failureFile(this.#lab, LEAVING), '');
    await this.#set(MARKED, 'DOWN');
    await this.#untilWeight(MARKED, 0);
    await this.#untilWeight(TESTED, 0);
    this.#leftAtMs = monotonicMs();
    await this.#set(IMPATIENT, 'DOWN');
    await this.#untilWeight(IMPATIENT, 0);
    await this.#expectNew({ [MARKED.name]: OTHERS, [TESTED.name]: OTHERS, [IMPATIENT.name]: OTHERS });
  }

  /** Where the time is up, its connections break, and no sooner. */
  async runOutOfTime(): Promise<void> {
    await this.#untilWeight(IMPATIENT, undefined);
    this.#lab.measure('impatientDrainMs', monotonicMs() - this.#leftAtMs);
    const { connections } = await this.#lab.waitUntil(() => this.#load.report(), {
      what: 'the connections to break whose time is up',
      timeoutMs: TIMEOUT_MS,
      accept: (report) =>
        report.connections.filter(({ broken }) => broken).length >= this.#of(IMPATIENT).length,
    });
    this.#checkBroken(connections);
    await this.#expectUnbroken();
    await this.#untilWeight(MARKED, 0);
    await this.#untilWeight(TESTED, 0);
  }

  /** One that returns has its weight back, and what it had still. */
  async comeBack(): Promise<void> {
    await this.#set(MARKED, 'ONLINE');
    await this.#set(IMPATIENT, 'ONLINE');
    await this.#untilWeight(MARKED, WEIGHT);
    await this.#untilWeight(IMPATIENT, WEIGHT);
    await this.#expectNew({ [IMPATIENT.name]: ALL, [MARKED.name]: ALL, [TESTED.name]: OTHERS });
  }

  /** Another ipvssync goes on with what the one before has begun. */
  async restart(): Promise<void> {
    await this.#site.stopSynchroniser();
    await this.#site.startSynchroniser();
    await this.#expectUnbroken();
    await this.#untilWeight(TESTED, 0);
  }

  /** A services file without it does the same. */
  async removeFromServices(): Promise<void> {
    await this.#site.reload(servicesXml(this.#net, [MARKED, TESTED]));
    await this.#untilWeight(MARKED, 0);
    await this.#expectNew({ [IMPATIENT.name]: ALL, [MARKED.name]: OTHERS, [TESTED.name]: OTHERS });
  }

  /** When its clients have closed, the real leaves, long before its time. */
  async endConnections(...ending: readonly Virtual[]): Promise<void> {
    for (const each of ending) await this.#untilWeight(each, 0);
    const startedMs = monotonicMs();
    await this.#load.close(ending.flatMap((each) => this.#of(each)));
    for (const each of ending) await this.#untilWeight(each, undefined);
    this.#lab.measure('closeToDeletionMs', monotonicMs() - startedMs);
    await this.#expectUnbroken();
  }

  async end(): Promise<void> {
    await this.#load.stopShort();
    const { connections, failures } = await this.#load.report();
    assert.deepEqual(failures, [], 'short connections that failed');
    assert.equal(connections.length, VIRTUALS.length * LONG_CONNECTIONS);
  }

  /** Those that the leaving real had at the beginning. */
  #of(of: Virtual): readonly LongConnection[] {
    return this.#long.filter(({ target, real }) => target === of.name && real === LEAVING);
  }

  async #set({ keys, family, realPort }: Virtual, state: string): Promise<void> {
    const real = `raddr=${this.#leaving[family]} rport=${realPort}`;
    assert.match(await this.#site.ask(`rset ${keys} ${real} rstate=${state}`), /^Set: /);
  }

  /** New connections are answered by all of these, and by nobody else. */
  async #expectNew(expected: Readonly<Record<string, readonly string[]>>): Promise<void> {
    const counts = await this.#load.countShort(4);
    const answering = Object.entries(counts).map(([name, reals]) => [name, Object.keys(reals).sort()]);
    assert.deepEqual(Object.fromEntries(answering), expected);
    await this.#expectUnbroken();
  }

  /** Every connection has had answers since, but for those whose time was up. */
  async #expectUnbroken(): Promise<void> {
    await this.#load.exchange(2);
    this.#checkBroken((await this.#load.report()).connections);
  }

  /** @throws When others broke than those whose time was up, or these too early. */
  #checkBroken(connections: readonly LongConnection[]): void {
    const mayBreak = this.#of(IMPATIENT).map(({ id }) => id);
    const endMs = this.#leftAtMs + IMPATIENT.drainTimeoutSec * 1000;
    const wrong = connections.filter(
      ({ id, broken }) => broken && !(mayBreak.includes(id) && broken.atMs >= endMs),
    );
    assert.deepEqual(wrong, [], `broken, and not those whose time was up at ${endMs} ms`);
  }

  async #untilAll(of: Virtual): Promise<void> {
    await this.#lab.waitUntil(() => this.#weights(of), {
      what: `all reals of ${of.name}`,
      timeoutMs: TIMEOUT_MS,
      accept: (weights) => Object.values(weights).filter((weight) => weight === WEIGHT).length === ALL.length,
    });
  }

  /** Until the leaving real has the weight, `undefined` for out of the table. */
  async #untilWeight(of: Virtual, weight: number | undefined): Promise<void> {
    const real = joinAddress(this.#leaving[of.family], of.realPort);
    await this.#lab.waitUntil(async () => (await this.#weights(of))[real], {
      what: `${LEAVING} of ${of.name} at weight ${weight}`,
      timeoutMs: TIMEOUT_MS,
      accept: (seen) => seen === weight,
    });
  }

  async #weights({ service }: Virtual): Promise<Readonly<Record<string, number>>> {
    const weights = weightsOf(await readIpvs(this.#net.director.namespace))[service];
    assert(weights);
    return weights;
  }

  get #leaving(): Node {
    const real = this.#net.reals.find(({ name }) => name === LEAVING);
    assert(real);
    return real;
  }
}
