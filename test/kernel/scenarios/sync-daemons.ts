import assert from 'node:assert/strict';
import type { LabProcess } from '../lab/lab-process.js';
import type { Namespace } from '../lab/namespace.js';
import { Synchroniser } from '../lab/synchroniser.js';
import type { Lab } from '../lab.js';
import { type DirectorPair, directorPair } from '../topologies/director-pair.js';
import type { Scenario } from './scenario.js';

const TIMEOUT_MS = 10_000;
const REQUEST = 'GET / HTTP/1.1\r\nHost: lab\r\n\r\n';

export const syncDaemons: Scenario = {
  name: 'sync-daemons',
  title: 'connections of the master are in the backup and survive the move of the address; --role switches',
  timeoutMs: 60_000,
  async run(lab) {
    const net = await directorPair(lab);
    const [d1, d2] = net.directors;
    const [first, second] = [synchroniserOf(net, d1, 'master'), synchroniserOf(net, d2, 'backup')];
    let follower = await first.follow();
    await second.follow();
    await untilSettings(lab, d1, 'master', '600 120 20');
    await untilSettings(lab, d2, 'backup', '600 120 20');

    const connection = await net.client.spawn(['nc', net.vip, '80'], { name: 'connection' });
    const real = await ask(connection);
    await untilTakenOver(lab, d2, real);

    await net.moveVip();
    const startedMs = performance.now();
    assert.equal(
      await first.run('--role', 'backup'),
      `+ ${words('backup')}\n- ${words('master')} maxlen 1472\n`,
    );
    lab.measure('roleSwitchMs', performance.now() - startedMs);
    await second.run('--role', 'master');
    assert.equal(await ask(connection), real);
    const later = await net.client.spawn(['nc', net.vip, '80'], { name: 'later connection' });
    await untilTakenOver(lab, d1, await ask(later), 2);

    assert.equal(await first.run('--role', 'backup'), 'nothing to change for role backup\n');
    await follower.stop();
    follower = await first.follow();
    await tamper(lab, first, d1);
    assert.deepEqual(await rolesOf(d1), ['backup']);
    assert.deepEqual(await rolesOf(d2), ['master']);
  },
};

function synchroniserOf(
  { vip, realAddresses }: DirectorPair,
  director: Namespace,
  role: string,
): Synchroniser {
  const synchroniser = new Synchroniser(director, {
    ipvs_sync_role: role,
    ipvs_sync_interface: 'eth0',
    ipvs_sync_id: 5,
    ipvs_timeout_tcp_sec: 600,
    ipvs_timeout_udp_sec: 20,
  });
  synchroniser.writeSnapshot(
    `virtual vname=web vproto=tcp vaddr=${vip} vport=80 vrt=dr vsched=rr`,
    ...realAddresses.map((address) => `real rname=r raddr=${address} rport=80 rweight=1`),
  );
  return synchroniser;
}

function words(role: string): string {
  return `sync daemon ${role} on eth0 syncid 5 group 224.0.0.81:8848 ttl 1`;
}

/** One request on a connection that stays open. @returns Who answers. */
async function ask(connection: LabProcess): Promise<string> {
  const fromLine = connection.lineCount;
  connection.send(REQUEST);
  const [name] = await connection.waitForLine(/^r\d$/, TIMEOUT_MS, fromLine);
  return name;
}

/** What ipvsadm, an independent witness, says of the daemons. */
async function rolesOf(director: Namespace): Promise<string[]> {
  const text = await director.run(['ipvsadm', '-L', '--daemon']);
  return [...text.matchAll(/^(master|backup) sync daemon/gm)].map(([, role = '']) => role);
}

async function untilSettings(lab: Lab, director: Namespace, role: string, timeouts: string): Promise<void> {
  const described = `${role} sync daemon (mcast=eth0, syncid=5, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)\n`;
  await lab.waitUntil(
    async () => {
      assert.equal(await director.run(['ipvsadm', '-L', '--daemon']), described);
      const shown = await director.run(['ipvsadm', '-L', '--timeout']);
      assert.equal(shown, `Timeout (tcp tcpfin udp): ${timeouts}\n`);
      return true;
    },
    { what: `the settings of ${director.name}`, timeoutMs: TIMEOUT_MS },
  );
}

/** Waits until a director that did not see the connections has them, established and at the right real. */
async function untilTakenOver(lab: Lab, director: Namespace, real: string, count = 1): Promise<void> {
  const address = `10.0.1.1${real.slice(1)}:80`;
  await lab.waitUntil(
    async () => {
      const lines = (await director.run(['ipvsadm', '-Lnc'])).split('\n');
      const established = lines.filter((line) => line.includes('ESTABLISHED'));
      assert.equal(established.length, count);
      assert.ok(established.some((line) => line.trimEnd().endsWith(address)));
      return true;
    },
    { what: `${count} connections in ${director.name}, one of them to ${address}`, timeoutMs: TIMEOUT_MS },
  );
}

/** What somebody else changed is repaired when everything is read anew. */
async function tamper(lab: Lab, synchroniser: Synchroniser, director: Namespace): Promise<void> {
  await director.run(['ipvsadm', '--stop-daemon', 'backup']);
  await director.run(['ipvsadm', '--set', '0', '0', '77']);
  synchroniser.setReloadFlag();
  await untilSettings(lab, director, 'backup', '600 120 20');
}
