import assert from 'node:assert/strict';
import type { StatusDocument } from 'ipvssync/status/status-document';
import type { VirtualStatus } from 'ipvssync/status/status-virtuals';
import { listIpvs } from '../lab/ipvs.js';
import { joinAddress, serviceName } from '../lab/ipvs-entry.js';
import type { LabProcess } from '../lab/lab-process.js';
import type { Namespace } from '../lab/namespace.js';
import { Synchroniser } from '../lab/synchroniser.js';
import type { Lab } from '../lab.js';
import { type NatTopology, natTopology, type RealServer } from '../topologies/nat.js';
import type { Scenario } from './scenario.js';

const TIMEOUT_MS = 15_000;
const REQUESTS = 12;
const HELD = 3;
const STREAMS = 4;
const FOREIGN = 'tcp 10.9.9.9:99';

/** What `--status` says, beside what ipvsadm says. */
export const status: Scenario = {
  name: 'status',
  title:
    '--status has the connections, totals and rates of ipvsadm, and says what fails, drains and has drifted',
  timeoutMs: 120_000,
  async run(lab) {
    const net = await natTopology(lab, 2);
    const synchroniser = new Synchroniser(net.director, { resync_interval_sec: 0 });
    const service = `tcp ${net.vip.ipv4}:80`;
    const head = `virtual vname=web vproto=tcp vaddr=${net.vip.ipv4} vport=80 vrt=masq vsched=rr vdrain=600`;
    synchroniser.writeSnapshot(head, ...net.reals.map((real) => `real ${keysOf(real)}`));
    await net.director.run(['ipvsadm', '-A', '-t', '10.9.9.9:99', '-s', 'rr']);
    const follower = await synchroniser.follow();
    await until(
      lab,
      synchroniser,
      'a table that is as desired',
      ({ asDesired, virtuals }) => asDesired && virtuals.length === 2,
    );

    assert.equal((await synchroniser.status()).exit, 0);
    await countsOf(lab, net, synchroniser, service);
    await ratesOf(lab, net, synchroniser, service);
    await driftOf(lab, net, synchroniser, follower);
    const held = (await listIpvs(net.director)).find((one) => serviceName(one) === service)?.reals;
    const [first] = net.reals as [RealServer];
    const active = held?.find(({ address }) => address === first.ipv4)?.activeConnections;
    assert((active ?? 0) > 0, `nothing to drain: ${active}`);
    synchroniser.appendDiff(`cmd=delreal ${head.slice('virtual '.length)} ${keysOf(first)}`);
    const { draining } = await until(
      lab,
      synchroniser,
      'a real that drains',
      (document) => document.draining.length > 0,
    );
    assert.deepEqual(
      draining.map(({ real, timeoutSec, connections }) => [real, timeoutSec, connections?.active]),
      [[joinAddress(first.ipv4, 80), 600, active]],
    );

    synchroniser.writeSnapshot(head.replace('vsched=rr', 'vsched=nosuch'), `real ${keysOf(first)}`);
    follower.signal('SIGHUP');
    const { failing } = await until(
      lab,
      synchroniser,
      'what cannot be',
      (document) => document.failing.length > 0,
    );
    const [refused] = failing;
    assert.equal(refused?.virtual, service);
    assert.match(refused?.reason ?? '', /^edit .* ENOENT \(scheduler "nosuch" is not in the kernel/);
    assert((refused?.retryInSec ?? -1) > 0, `tried again in ${refused?.retryInSec} s`);
    assert.equal((await synchroniser.status()).exit, 1);
  },
};

/** Connections that are open and over: each count is that of ipvsadm. */
async function countsOf(
  lab: Lab,
  net: NatTopology,
  synchroniser: Synchroniser,
  service: string,
): Promise<void> {
  await net.http.count(`http://${net.vip.ipv4}/`, REQUESTS);
  for (let i = 0; i < HELD; i++) await net.client.spawn(['nc', net.vip.ipv4, '80'], { quiet: true });
  // the kernel adds to its totals every two seconds
  const isCounted = ({ totals, connections }: VirtualStatus): boolean =>
    totals.connections === REQUESTS + HELD && connections.active === HELD;
  const { virtuals, leftAlone } = await until(lab, synchroniser, 'connections and their totals', (document) =>
    document.virtuals.some(isCounted),
  );
  const [web, foreign] = virtuals as [VirtualStatus, VirtualStatus];
  assert.deepEqual([web.virtual, web.name, foreign.virtual, foreign.name], [service, 'web', FOREIGN, null]);
  assert.deepEqual(leftAlone, [{ virtual: FOREIGN, reason: 'unmanaged', inSnapshot: false }]);
  const { connections, packetsIn, packetsOut, bytesIn, bytesOut } = web.totals;
  assert.deepEqual(
    [connections, packetsIn, packetsOut, bytesIn, bytesOut],
    await figuresOf(net.director, service, '--stats'),
  );
  const listed = (await listIpvs(net.director)).find((one) => serviceName(one) === service);
  assert.deepEqual(
    web.reals.map(({ real, active, inactive }) => [real, active, inactive]).sort(),
    listed?.reals
      .map(({ address, port, activeConnections, inactiveConnections }) => [
        joinAddress(address, port),
        activeConnections,
        inactiveConnections,
      ])
      .sort(),
  );
  const table = await net.director.run(['ipvsadm', '-Lnc']);
  assert.equal(table.match(/ ESTABLISHED /g)?.length, web.connections.active);
  assert.equal(web.connections.inactive, REQUESTS);
}

/** Rates, which the kernel works out every two seconds: those that ipvsadm has before and after. */
async function ratesOf(
  lab: Lab,
  net: NatTopology,
  synchroniser: Synchroniser,
  service: string,
): Promise<void> {
  const inForce = async (): Promise<readonly number[]> => {
    const { virtuals } = await synchroniser.readStatus();
    return Object.values((virtuals[0] as VirtualStatus).perSecond);
  };
  await net.http.duringTraffic(`http://${net.vip.ipv4}/`, STREAMS, async () => {
    await lab.waitUntil(inForce, {
      what: 'rates above 0',
      timeoutMs: TIMEOUT_MS,
      accept: (rates) => rates.every((rate) => rate > 0),
    });
  });
  await lab.waitUntil(
    async () => {
      const before = await figuresOf(net.director, service, '--rate');
      const rates = await inForce();
      assert.deepEqual(await figuresOf(net.director, service, '--rate'), before);
      assert.deepEqual(rates, before);
      assert(rates.every((rate) => rate > 0));
    },
    { what: 'rates that are those of ipvsadm', timeoutMs: TIMEOUT_MS, accept: () => true },
  );
}

/** Somebody else's writing is counted. */
async function driftOf(
  lab: Lab,
  net: NatTopology,
  synchroniser: Synchroniser,
  follower: LabProcess,
): Promise<void> {
  const [first] = net.reals as [RealServer];
  const real = ['-t', `${net.vip.ipv4}:80`, '-r', `${first.ipv4}:80`];
  await net.director.run(['ipvsadm', '-e', ...real, '-m', '-w', '99']);
  follower.signal('SIGUSR2');
  const { drift } = await until(lab, synchroniser, 'drift', (document) => document.drift.count > 0);
  assert.equal(drift.count, 1);
  assert(drift.agoSec !== null && drift.agoSec * 1000 < TIMEOUT_MS, `${drift.agoSec} s ago`);
}

function until(
  lab: Lab,
  synchroniser: Synchroniser,
  what: string,
  accept: (document: StatusDocument) => boolean,
): Promise<StatusDocument> {
  return lab.waitUntil(() => synchroniser.readStatus(), { what, timeoutMs: TIMEOUT_MS, accept });
}

/** The five figures of a service that `ipvsadm -Ln --stats` or `--rate` prints. */
async function figuresOf(director: Namespace, service: string, option: string): Promise<readonly number[]> {
  const listing = await director.run(['ipvsadm', '-Ln', '--exact', option]);
  const [protocol = '', where = ''] = service.split(' ');
  const line = listing
    .split('\n')
    .find((text) => text.startsWith(protocol.toUpperCase()) && text.includes(` ${where} `));
  return line?.trim().split(/\s+/).slice(2).map(Number) ?? [];
}

function keysOf({ name, ipv4 }: RealServer): string {
  return `rname=${name} raddr=${ipv4} rport=80 rweight=10`;
}
