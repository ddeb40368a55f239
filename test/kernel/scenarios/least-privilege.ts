import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { listIpvs } from '../lab/ipvs.js';
import type { Namespace } from '../lab/namespace.js';
import { buildNetwork, type Host } from '../lab/network.js';
import { Synchroniser } from '../lab/synchroniser.js';
import type { Lab } from '../lab.js';
import type { Scenario } from './scenario.js';

const TIMEOUT_MS = 10_000;
const NOBODY = 65_534;
/** Another user, whose every program has this one capability and can gain no other. */
const NET_ADMIN_ALONE = [
  'setpriv',
  `--reuid=${NOBODY}`,
  `--regid=${NOBODY}`,
  '--clear-groups',
  '--no-new-privs',
  '--inh-caps=-all,+net_admin',
  '--ambient-caps=-all,+net_admin',
  '--bounding-set=-all,+net_admin',
];
const WEB = 'vname=web vproto=tcp vaddr=10.9.0.1 vport=80';

export const leastPrivilege: Scenario = {
  name: 'least-privilege',
  title:
    'ipvssync works with CAP_NET_ADMIN alone, on files it cannot write, and on another namespace by --netns',
  timeoutMs: 60_000,
  async run(lab) {
    const net = await buildNetwork(lab, [hostOf('own', '10.9.0.2'), hostOf('other', '10.9.0.3')]);
    const [own, other] = ['own', 'other'].map((name) => net.get(name)) as [Namespace, Namespace];
    await followUnprivileged(lab, own);
    await writeElsewhere(own, other);
  },
};

async function followUnprivileged(lab: Lab, director: Namespace): Promise<void> {
  const socket = join(runDirectory(lab), 'ipvssync.sock');
  const settings = { ipvs_timeout_udp_sec: 33, ipvssync_status_socket: socket };
  const synchroniser = new Synchroniser(director, settings, NET_ADMIN_ALONE);
  synchroniser.writeSnapshot(`virtual ${WEB} vrt=dr vsched=wrr`, realLine(1));
  const follower = await synchroniser.follow();
  await untilWeight(lab, director, 1);
  synchroniser.rotateDiff();
  synchroniser.appendDiff(
    `cmd=chgreal ${WEB} vfwmark=0 vrt=dr vsched=wrr rname=r raddr=10.9.0.11 rport=80 rweight=2`,
  );
  await untilWeight(lab, director, 2);
  synchroniser.writeSnapshot(`virtual ${WEB} vrt=dr vsched=wrr`, realLine(3));
  synchroniser.setReloadFlag();
  await follower.waitForLine(/"snapshot read"/, TIMEOUT_MS, follower.lineCount);
  assert.match(await director.run(['ipvsadm', '-L', '--timeout']), / 33$/m);
  assert.match(follower.output, /"read file cannot be removed, following goes on"/);
  assert.doesNotMatch(follower.output, /"level":"error"/);
  assert.equal(statSync(socket).uid, NOBODY);
  const { exit, document } = await synchroniser.status();
  assert.deepEqual([exit, document.asDesired, document.virtuals.length], [0, true, 1]);
  assert.deepEqual(await follower.stop(), { code: 0, signal: null });
}

/** As `RuntimeDirectory=` of systemd makes it. */
function runDirectory(lab: Lab): string {
  chmodSync(lab.scratchDir, 0o755);
  const directory = join(lab.scratchDir, 'run');
  mkdirSync(directory);
  chownSync(directory, NOBODY, NOBODY);
  return directory;
}

/** The one that writes lives in `own`; what it writes is in `other` alone. */
async function writeElsewhere(own: Namespace, other: Namespace): Promise<void> {
  const before = await listIpvs(own);
  const synchroniser = new Synchroniser(own, { ipvs_timeout_udp_sec: 44 });
  synchroniser.writeSnapshot('virtual vname=dns vproto=udp vaddr=10.9.0.2 vport=53 vrt=masq vsched=rr');
  await synchroniser.run('--once', '--netns', 'other');
  assert.deepEqual(
    (await listIpvs(other)).map(({ address, port }) => `${address}:${port}`),
    ['10.9.0.2:53'],
  );
  assert.match(await other.run(['ipvsadm', '-L', '--timeout']), / 44$/m);
  assert.deepEqual(await listIpvs(own), before);
  assert.match(await own.run(['ipvsadm', '-L', '--timeout']), / 33$/m);
  await synchroniser.run('--once', '--netns', '/run/netns/own', '-u');
  assert.equal((await listIpvs(own)).length, 1);
  await assert.rejects(synchroniser.run('--plan', '--netns', 'nosuch'), /network namespace nosuch: ENOENT/);
}

/** A real must be one that can be reached. */
function hostOf(name: string, address: string): Host {
  return { name, legs: [{ segment: 'lan', device: 'eth0', addresses: [`${address}/24`] }] };
}

function realLine(weight: number): string {
  return `real rname=r raddr=10.9.0.11 rport=80 rweight=${weight}`;
}

async function untilWeight(lab: Lab, director: Namespace, weight: number): Promise<void> {
  await lab.waitUntil(async () => (await listIpvs(director))[0]?.reals[0]?.weight, {
    what: `weight ${weight} in ${director.name}`,
    timeoutMs: TIMEOUT_MS,
    accept: (seen) => seen === weight,
  });
}
