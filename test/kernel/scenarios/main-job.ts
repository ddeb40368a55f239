import assert from 'node:assert/strict';
import { listIpvs } from '../lab/ipvs.js';
import { joinAddress, type Weights, weightsOf } from '../lab/ipvs-entry.js';
import { Site } from '../lab/site.js';
import type { Lab } from '../lab.js';
import { type NatTopology, natTopology, type RealServer } from '../topologies/nat.js';
import type { Scenario } from './scenario.js';

const FOREIGN = 'tcp 10.9.9.9:99';
const SEEN_TIMEOUT_MS = 10_000;

export const mainJob: Scenario = {
  name: 'main-job',
  title: 'both daemons keep the kernel table right: failures, operator, foreign services, traffic',
  timeoutMs: 120_000,
  async run(lab) {
    const net = await natTopology(lab, 6);
    await net.director.run(['ipvsadm', '-A', '-t', '10.9.9.9:99', '-s', 'rr']);
    const site = await Site.start(lab, net.director, servicesXml(net));
    const job = new Job(lab, net, site);
    await job.until('every real', job.healthy());
    await job.failAndRecover();
    await job.operate();
    await job.traffic();
    await job.foreign();
  },
};

/** Three virtuals of two reals each: HTTP over IPv4, HTTP over IPv6, a firewall mark. */
function servicesXml({ vip, reals }: NatTopology): string {
  const real = ({ name }: RealServer, address: string, port: number): string =>
    `<real name="${name}" addr="${address}" port="${port}" weight="10"/>`;
  const [r1, r2, r3, r4, r5, r6] = reals as [
    RealServer,
    RealServer,
    RealServer,
    RealServer,
    RealServer,
    RealServer,
  ];
  const http = 'proto="http" testport="80" url="/" host="lab" loopdelay="0.5" timeout="2"';
  return `<surealived>
    <virtual name="web" addr="${vip.ipv4}" port="80" proto="tcp" sched="wrr" rt="masq">
      <tester ${http}/>${real(r1, r1.ipv4, 80)}${real(r2, r2.ipv4, 80)}
    </virtual>
    <virtual name="web6" addr="${vip.ipv6}" port="80" proto="tcp" sched="rr" rt="masq" pers="60">
      <tester ${http}/>${real(r3, r3.ipv6, 80)}${real(r4, r4.ipv6, 80)}
    </virtual>
    <virtual name="mark" fwmark="7" proto="fwmark" sched="wlc" rt="dr">
      <tester proto="tcp" testport="80" loopdelay="0.5" timeout="2" remove_on_fail="1"/>
      ${real(r5, r5.ipv4, 0)}${real(r6, r6.ipv4, 0)}
    </virtual>
  </surealived>`;
}

class Job {
  readonly #lab: Lab;
  readonly #net: NatTopology;
  readonly #site: Site;
  readonly #web: string;
  readonly #web6: string;

  constructor(lab: Lab, net: NatTopology, site: Site) {
    this.#lab = lab;
    this.#net = net;
    this.#site = site;
    this.#web = `tcp ${net.vip.ipv4}:80`;
    this.#web6 = `tcp [${net.vip.ipv6}]:80`;
  }

  /** The whole table with every real at its weight, changed in places. */
  healthy(
    changes: Partial<Record<'web' | 'web6' | 'mark', Record<string, number | undefined>>> = {},
  ): Weights {
    const pair = (
      first: number,
      port: number,
      family: 'ipv4' | 'ipv6',
      change = {},
    ): Record<string, number> => {
      const all = [first, first + 1].map((i) => [joinAddress(this.#real(i)[family], port), 10]);
      const merged = { ...Object.fromEntries(all), ...change };
      return Object.fromEntries(
        Object.entries(merged).filter(([, weight]) => weight !== undefined),
      ) as Record<string, number>;
    };
    return {
      [FOREIGN]: {},
      [this.#web]: pair(1, 80, 'ipv4', changes.web),
      [this.#web6]: pair(3, 80, 'ipv6', changes.web6),
      'fwmark 7': pair(5, 0, 'ipv4', changes.mark),
    };
  }

  async until(what: string, expected: Weights): Promise<void> {
    await this.#lab.waitUntil(
      async () => assert.deepEqual(weightsOf(await listIpvs(this.#net.director)), expected),
      {
        what: `${what}: ${JSON.stringify(expected)}`,
        timeoutMs: SEEN_TIMEOUT_MS,
        accept: () => true,
      },
    );
  }

  /** A stopped server goes to weight 0, or out of the table with remove_on_fail; a restarted one comes back. */
  async failAndRecover(): Promise<void> {
    const failing = [this.#real(1), this.#real(3), this.#real(5)] as const;
    await Promise.all(failing.map(({ web }) => web.stop()));
    await this.until(
      'the stopped servers',
      this.healthy({
        web: { [`${failing[0].ipv4}:80`]: 0 },
        web6: { [`[${failing[1].ipv6}]:80`]: 0 },
        mark: { [`${failing[2].ipv4}:0`]: undefined },
      }),
    );
    await Promise.all(failing.map(({ web }) => web.start()));
    await this.until('every real again', this.healthy());
  }

  /** What rset sets is in `ipvsadm -Ln`. */
  async operate(): Promise<void> {
    const first = this.#real(1);
    const find = `vproto=tcp vaddr=${this.#net.vip.ipv4} vport=80 raddr=${first.ipv4} rport=80`;
    const set = async (change: string, weight: number | undefined): Promise<void> => {
      assert.match(await this.#site.ask(`rset ${find} ${change}`), /^Set: /);
      await this.until(`rset ${change}`, this.healthy({ web: { [`${first.ipv4}:80`]: weight } }));
    };
    await set('rstate=OFFLINE', 0);
    await set('rstate=DOWN', undefined);
    await set('rstate=ONLINE rweight=50%', 5);
    await set('rweight=33', 33);
    await set('rweight=10', 10);
    const mark = `vproto=fwmark vfwmark=7 raddr=${this.#real(5).ipv4} rport=0`;
    assert.match(
      await this.#site.ask(`rset ${mark} rweight=3`),
      /^Set: rstate=ONLINE, weight=3, inpercent=FALSE/,
    );
    await this.until('rset of a mark', this.healthy({ mark: { [`${this.#real(5).ipv4}:0`]: 3 } }));
    await this.#site.ask(`rset ${mark} rweight=100%`);
    await this.until('every real again', this.healthy());
  }

  /** A client gets answers from both reals, and never from the dead one. */
  async traffic(): Promise<void> {
    const url = `http://${this.#net.vip.ipv4}/`;
    assert.deepEqual(await this.#net.http.count(url, 8), { r1: 4, r2: 4 });
    await this.#real(1).web.stop();
    await this.until('r1 out', this.healthy({ web: { [`${this.#real(1).ipv4}:80`]: 0 } }));
    assert.deepEqual(await this.#net.http.count(url, 8), { r2: 8 });
    await this.#real(1).web.start();
    await this.until('r1 back', this.healthy());
    assert.deepEqual(await this.#net.http.count(url, 8), { r1: 4, r2: 4 });
    const six = await this.#net.http.count(`http://[${this.#net.vip.ipv6}]/`, 4);
    assert.equal(
      Object.values(six)[0],
      4,
      `persistence keeps the client on one real: ${JSON.stringify(six)}`,
    );
  }

  /** A service of somebody else survives without -u, and goes with it; a start changes only what differs. */
  async foreign(): Promise<void> {
    await this.#site.stopSynchroniser();
    await this.#site.startSynchroniser();
    await this.until('a start on a table that is right', this.healthy());
    const written = this.#site.synchroniserEvents().filter(({ msg }) => msg === 'table synchronised');
    assert.deepEqual(
      written.map(({ fields }) => fields.operations).filter((count) => count !== 0),
      [],
    );
    await this.#site.stopSynchroniser();
    await this.#site.startSynchroniser('-u');
    const { [FOREIGN]: _gone, ...managed } = this.healthy();
    await this.until('the table without foreign services', managed);
  }

  #real(number: number): RealServer {
    const real = this.#net.reals[number - 1];
    assert(real);
    return real;
  }
}
