import assert from 'node:assert/strict';
import { readIpvs } from '../lab/ipvs.js';
import { joinAddress, type Weights, weightsOf } from '../lab/ipvs-entry.js';
import { Load } from '../lab/load.js';
import type { LoadTarget } from '../lab/load-protocol.js';
import { Synchroniser } from '../lab/synchroniser.js';
import type { Lab } from '../lab.js';
import {
  FAMILIES,
  type Family,
  FORWARDING,
  type Forwarding,
  type OneSegment,
  oneSegment,
  VIPS,
} from '../topologies/one-segment.js';
import type { Scenario } from './scenario.js';

const TIMEOUT_MS = 20_000;
const PORT = 80;
const ROUNDS = 80;
/** Two to each real. */
const LONG_CONNECTIONS = 6;
const SHORT_INTERVAL_MS = 40;

/** A connection whose real was deleted is reset with its next packet, in the place of hanging. */
const BREAK_AT_ONCE = { 'net.ipv4.vs.expire_nodest_conn': 1 };

interface Virtual extends LoadTarget {
  readonly method: Forwarding;
  readonly family: Family;
}

const VIRTUALS: readonly Virtual[] = FORWARDING.flatMap((method) =>
  FAMILIES.map((family) => ({
    name: `${method}-${family}`,
    address: VIPS[method][family],
    port: PORT,
    method,
    family,
  })),
);

/** Gives the weight of a real by the numbers of its virtual and its own. */
type WeightOf = (virtual: number, real: number) => number;

export const weightsUnderLoad: Scenario = {
  name: 'weights-under-load',
  title: 'no connection breaks and none is refused while weights, schedulers and reals change under load',
  timeoutMs: 120_000,
  async run(lab) {
    const storm = new Storm(lab, await oneSegment(lab));
    await storm.begin();
    await storm.changeWeights();
    await storm.changeServices();
    await storm.addAndRemoveReal();
    await storm.takeOut();
    await storm.end();
  },
};

class Storm {
  readonly #lab: Lab;
  readonly #net: OneSegment;
  readonly #synchroniser: Synchroniser;
  #load: Load | undefined;

  constructor(lab: Lab, net: OneSegment) {
    this.#lab = lab;
    this.#net = net;
    this.#synchroniser = new Synchroniser(net.director.namespace, {});
  }

  async begin(): Promise<void> {
    this.#synchroniser.writeSnapshot(...this.#snapshot('wrr', () => 1));
    await this.#net.director.namespace.sysctl(BREAK_AT_ONCE);
    const [load] = await Promise.all([Load.start(this.#net.client), this.#synchroniser.follow()]);
    this.#load = load;
    await this.#untilTable('the first table', () => 1, 'wrr');
    for (const virtual of VIRTUALS) {
      const opened = (await load.open(virtual, LONG_CONNECTIONS)).map(({ real }) => real).sort();
      assert.deepEqual(opened, ['r1', 'r1', 'r2', 'r2', 'r3', 'r3'], virtual.name);
    }
    await load.startShort(VIRTUALS, SHORT_INTERVAL_MS);
  }

  /** Every real of every virtual gets another weight in each round, and each is at 0 in turn. */
  async changeWeights(): Promise<void> {
    const startedMs = performance.now();
    for (let round = 0; round < ROUNDS; round++) {
      await this.#setWeights((virtual, real) =>
        (virtual + real + round) % 3 === 0 ? 0 : 1 + ((round * 37 + virtual * 11 + real * 23) % 100),
      );
    }
    this.#lab.measure('roundMs', (performance.now() - startedMs) / ROUNDS);
  }

  /** Another scheduler, persistence: the services are edited in place. */
  async changeServices(): Promise<void> {
    this.#synchroniser.rotateDiff();
    this.#synchroniser.writeSnapshot(...this.#snapshot('wlc', () => 5));
    this.#synchroniser.setReloadFlag();
    await this.#untilTable('the other scheduler', () => 5, 'wlc');
  }

  /** A fourth real, the director itself, comes and goes again; without drain it may have no connections. */
  async addAndRemoveReal(): Promise<void> {
    for (const command of ['addreal', 'delreal']) {
      for (const virtual of VIRTUALS) {
        this.#synchroniser.appendDiff(
          `cmd=${command} ${virtualKeys(virtual, 'wlc')} vfwmark=0 ` +
            `rname=local raddr=${this.#net.director[virtual.family]} rport=${PORT} rweight=0`,
        );
      }
    }
    await this.#untilTable('the fourth real to be gone', () => 5, 'wlc');
  }

  /** A real at weight 0 gets no new connection, and what it has goes on. */
  async takeOut(): Promise<void> {
    await this.#setWeights((_, real) => (real === 0 ? 0 : 10), 'wlc');
    const counts = await this.#running.countShort(4);
    for (const [virtual, reals] of Object.entries(counts)) {
      const others = Object.keys(reals).filter((real) => !['r2', 'r3'].includes(real));
      assert.deepEqual(others, [], `${virtual}: ${JSON.stringify(counts)}`);
    }
  }

  async end(): Promise<void> {
    await this.#running.exchange(2);
    await this.#running.stopShort();
    const { connections, failures } = await this.#running.report();
    assert.deepEqual(
      connections.filter(({ broken }) => broken),
      [],
      'broken connections',
    );
    assert.deepEqual(failures, [], 'short connections that failed');
    this.#lab.measure('edits', ROUNDS * VIRTUALS.length * this.#net.reals.length);
    assert.equal(connections.length, VIRTUALS.length * LONG_CONNECTIONS);
    this.#lab.measure(
      'exchanges',
      connections.reduce((total, { exchanges }) => total + exchanges, 0),
    );
  }

  async #setWeights(weightOf: WeightOf, scheduler = 'wrr'): Promise<void> {
    VIRTUALS.forEach((virtual, index) => {
      this.#reals(virtual, index, weightOf).forEach((real) => {
        this.#synchroniser.appendDiff(`cmd=chgreal ${virtualKeys(virtual, scheduler)} vfwmark=0 ${real}`);
      });
    });
    await this.#untilTable('the weights', weightOf, scheduler);
  }

  async #untilTable(what: string, weightOf: WeightOf, scheduler: string): Promise<void> {
    const expected: Weights = Object.fromEntries(
      VIRTUALS.map(({ address, family }, index) => [
        `tcp ${joinAddress(address, PORT)}`,
        Object.fromEntries(
          this.#net.reals.map((real, number) => [joinAddress(real[family], PORT), weightOf(index, number)]),
        ),
      ]),
    );
    const look = async (): Promise<void> => {
      const table = await readIpvs(this.#net.director.namespace);
      assert.deepEqual(weightsOf(table), expected);
      assert(table.every((service) => service.scheduler === scheduler));
    };
    await this.#lab.waitUntil(look, { what, timeoutMs: TIMEOUT_MS, intervalMs: 5, accept: () => true });
  }

  #snapshot(scheduler: string, weightOf: WeightOf): readonly string[] {
    return VIRTUALS.flatMap((virtual, index) => [
      `virtual ${virtualKeys(virtual, scheduler)}`,
      ...this.#reals(virtual, index, weightOf).map((real) => `real ${real}`),
    ]);
  }

  #reals({ family }: Virtual, index: number, weightOf: WeightOf): readonly string[] {
    return this.#net.reals.map(
      (real, number) =>
        `rname=${real.name} raddr=${real[family]} rport=${PORT} rweight=${weightOf(index, number)}`,
    );
  }

  get #running(): Load {
    assert(this.#load);
    return this.#load;
  }
}

function virtualKeys({ name, address, port, method }: Virtual, scheduler: string): string {
  return `vname=${name} vproto=tcp vaddr=${address} vport=${port} vrt=${method} vsched=${scheduler}`;
}
