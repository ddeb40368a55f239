import assert from 'node:assert/strict';
import { listIpvs, readIpvs, restoreIpvs, saveIpvs } from '../lab/ipvs.js';
import { type IpvsReal, joinAddress, serviceName } from '../lab/ipvs-entry.js';
import type { Lab } from '../lab.js';
import { type NatTopology, natTopology } from '../topologies/nat.js';
import type { Scenario } from './scenario.js';

type Family = keyof NatTopology['vip'];

/** No daemon of ours takes part: it proves that the lab's kernel, network and tools are right. */
export const ipvsWorks: Scenario = {
  name: 'ipvs-works',
  title: 'the lab balances IPv4 and IPv6 by masquerading, and weight 0 takes a real out',
  timeoutMs: 60_000,
  async run(lab) {
    const startedMs = performance.now();
    const net = await natTopology(lab, 3);
    lab.measure('topologyMs', performance.now() - startedMs);
    await restoreIpvs(net.director, [...serviceRules(net, 'ipv4'), ...serviceRules(net, 'ipv6')]);
    for (const family of ['ipv4', 'ipv6'] as const) {
      assert.deepEqual(await net.http.count(vipUrl(net, family), 9), { r1: 3, r2: 3, r3: 3 }, family);
    }
    await takeOut(net);
    assert.deepEqual(await net.http.count(vipUrl(net, 'ipv4'), 8), { r1: 4, r3: 4 });
    await compareViews(lab, net);
    await failOne(net);
  },
};

function serviceRules({ vip, reals }: NatTopology, family: Family): string[] {
  const service = joinAddress(vip[family], 80);
  const add = reals.map((real) => `-a -t ${service} -r ${joinAddress(real[family], 80)} -m -w 1`);
  return [`-A -t ${service} -s rr`, ...add];
}

function vipUrl({ vip }: NatTopology, family: Family): string {
  return `http://${joinAddress(vip[family], 80)}/`;
}

async function takeOut({ director, vip, reals }: NatTopology): Promise<void> {
  const second = reals[1]?.ipv4;
  await director.run(['ipvsadm', '-e', '-t', `${vip.ipv4}:80`, '-r', `${second}:80`, '-m', '-w', '0']);
}

/** The three ways to read the table must agree, since other scenarios trust the fastest of them. */
async function compareViews(lab: Lab, { director, vip, reals }: NatTopology): Promise<void> {
  await lab.waitUntil(() => readIpvs(director), {
    what: 'the last connection to be seen as closed', // the client may be done before its last packet is through
    timeoutMs: 5000,
    accept: (table) =>
      table.every(({ reals: all }) => all.every(({ activeConnections }) => activeConnections === 0)),
  });
  const startedMs = performance.now();
  const fast = await readIpvs(director);
  lab.measure('procReadMs', performance.now() - startedMs);
  assert.deepEqual(fast.map(serviceName), [`tcp ${vip.ipv4}:80`, `tcp [${vip.ipv6}]:80`]);
  const weights = fast[0]?.reals.map(({ address, port, weight }) => ({ address, port, weight }));
  const expected = reals.map(({ ipv4 }, index) => ({ address: ipv4, port: 80, weight: index === 1 ? 0 : 1 }));
  assert.deepEqual(weights, expected);
  assert.deepEqual(await listIpvs(director), fast);
  const plain = fast.map((service) => ({ ...service, reals: service.reals.map(withoutCounts) }));
  assert.deepEqual(await saveIpvs(director), plain);
}

function withoutCounts({ address, port, forwarding, weight }: IpvsReal): IpvsReal {
  return { address, port, forwarding, weight };
}

/** A stopped web server must refuse and a paused one hang: other scenarios test how that is noticed. */
async function failOne({ http, reals: [first] }: NatTopology): Promise<void> {
  assert(first);
  const url = `http://${first.ipv4}/`;
  await first.web.stop();
  assert.equal((await http.get(url)).error, 'ECONNREFUSED');
  await first.web.start();
  assert.equal((await http.get(url)).body, 'r1\n');
  first.web.pause();
  assert.equal((await http.get(url, { timeoutMs: 300 })).error, 'ETIMEDOUT');
  first.web.resume();
  assert.equal((await http.get(url)).body, 'r1\n');
}
