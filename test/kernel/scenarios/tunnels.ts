import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { scriptOf } from '../../daemons/daemon-process.js';
import { HandoverDirectory } from '../../daemons/handover-directory.js';
import type { Namespace } from '../lab/namespace.js';
import { buildNetwork, type Host } from '../lab/network.js';
import { run } from '../lab/run.js';
import type { Scenario } from './scenario.js';

const VIP = '10.0.1.100';
const GUE_PORT = 6080;

interface Real {
  readonly name: string;
  readonly address: string;
  /** What unwraps; the kernel's own devices take any sender, but of GRE no packet with a checksum. */
  readonly device: 'tunl0' | 'gre0' | 'gre1';
  /** Those of its line in the snapshot. */
  readonly keys: string;
}

const REALS: readonly Real[] = [
  { name: 'ipip', address: '10.0.1.21', device: 'tunl0', keys: '' },
  { name: 'gue', address: '10.0.1.22', device: 'tunl0', keys: `rtuntype=gue rtunport=${GUE_PORT}` },
  {
    name: 'gue-csum',
    address: '10.0.1.23',
    device: 'tunl0',
    keys: `rtuntype=gue rtunport=${GUE_PORT} rtunflags=csum`,
  },
  { name: 'gre', address: '10.0.1.24', device: 'gre0', keys: 'rtuntype=gre' },
  { name: 'gre-csum', address: '10.0.1.25', device: 'gre1', keys: 'rtuntype=gre rtunflags=csum' },
];

/** All on one segment: the reals answer the client themselves, as the VIP. */
const HOSTS: readonly Host[] = [
  { name: 'client', legs: [{ segment: 'front', device: 'eth0', addresses: ['10.0.1.10/24'] }] },
  {
    name: 'director',
    legs: [{ segment: 'front', device: 'eth0', addresses: ['10.0.1.1/24', `${VIP}/32`] }],
    sysctls: { 'net.ipv4.ip_forward': 1 },
  },
  ...REALS.map(({ name, address }) => ({
    name,
    legs: [{ segment: 'front', device: 'eth0', addresses: [`${address}/24`] }],
    sysctls: {
      'net.ipv4.conf.all.arp_ignore': 1,
      'net.ipv4.conf.all.arp_announce': 2,
      'net.ipv4.conf.all.rp_filter': 0,
    },
  })),
];

export const tunnels: Scenario = {
  name: 'tunnels',
  title: 'traffic reaches reals through tunnels in IP, UDP and GRE, with and without a checksum',
  timeoutMs: 60_000,
  async run(lab) {
    await run(['modprobe', '-a', 'ipip', 'ip_gre', 'fou']);
    const namespaces = await buildNetwork(lab, HOSTS);
    const find = (name: string): Namespace => namespaces.get(name) as Namespace;
    await Promise.all(REALS.map((real) => openTunnel(find(real.name), real)));
    const [http] = await Promise.all([
      lab.startHttpClient(find('client')),
      ...REALS.map(({ name }) => lab.startWebServer(find(name))),
    ]);
    await synchronise(find('director'));
    const each = Object.fromEntries(REALS.map(({ name }) => [name, 2]));
    assert.deepEqual(await http.count(`http://${VIP}/`, 2 * REALS.length), each);
  },
};

async function openTunnel(namespace: Namespace, { address, device, keys }: Real): Promise<void> {
  const make = device === 'gre1' ? [`link add gre1 type gre local ${address} icsum`] : [];
  await namespace.ip([...make, `link set ${device} up`, `addr add ${VIP}/32 dev ${device}`]);
  await namespace.sysctl({ [`net.ipv4.conf.${device}.rp_filter`]: 0 });
  if (keys.includes('gue')) await namespace.run(['ip', 'fou', 'add', 'port', String(GUE_PORT), 'gue']);
}

async function synchronise(director: Namespace): Promise<void> {
  using directory = new HandoverDirectory();
  const reals = REALS.map(
    ({ name, address, keys }) => `real rname=${name} raddr=${address} rport=80 rweight=1 ${keys}\n`,
  );
  writeFileSync(directory.lock, '');
  writeFileSync(
    directory.snapshot,
    `meta version=1.0\nvirtual vname=web vproto=tcp vaddr=${VIP} vport=80 vrt=tun vsched=rr\n${reals.join('')}`,
  );
  await director.run([process.execPath, scriptOf('ipvssync'), '-c', directory.config, '--once']);
}
