import type { Namespace } from '../lab/namespace.js';
import { buildNetwork, type Host } from '../lab/network.js';
import type { Lab } from '../lab.js';

/** Two directors that share a virtual address, on one segment with everybody. */
export interface DirectorPair {
  readonly client: Namespace;
  /** The first holds the address at the beginning. */
  readonly directors: readonly [Namespace, Namespace];
  readonly realAddresses: readonly string[];
  readonly vip: string;
  /** Lets the second director have the address, and the client learn of it. */
  moveVip(): Promise<void>;
}

const VIP = '10.0.1.100';
/** So that the reals, which have the address on `lo`, keep silent about it. */
const SILENT = { 'net.ipv4.conf.all.arp_ignore': 1, 'net.ipv4.conf.all.arp_announce': 2 };
/** TCP connections are announced when they are established, at the second packet; by default it is the third. */
const ANNOUNCE_AT_ONCE = { 'net.ipv4.vs.sync_threshold': '2 50' };

function host(name: string, address: string, sysctls?: Host['sysctls']): Host {
  const legs = [{ segment: 'lan', device: 'eth0', addresses: [`${address}/24`] }];
  return { name, legs, ...(sysctls && { sysctls }) };
}

/** Direct routing (ipvsadm -g): client, two directors and two web servers, all on one segment. */
export async function directorPair(lab: Lab): Promise<DirectorPair> {
  const byName = await buildNetwork(lab, [
    host('client', '10.0.1.10'),
    host('d1', '10.0.1.1', ANNOUNCE_AT_ONCE),
    host('d2', '10.0.1.2', ANNOUNCE_AT_ONCE),
    host('r1', '10.0.1.11', SILENT),
    host('r2', '10.0.1.12', SILENT),
  ]);
  const find = (name: string): Namespace => byName.get(name) as Namespace;
  const [client, d1, d2, ...reals] = ['client', 'd1', 'd2', 'r1', 'r2'].map(find) as [
    Namespace,
    Namespace,
    Namespace,
    Namespace,
    Namespace,
  ];
  await d1.ip([`addr add ${VIP}/32 dev eth0`]);
  await Promise.all(
    reals.map(async (real) => {
      await real.ip([`addr add ${VIP}/32 dev lo`]);
      await lab.startWebServer(real);
    }),
  );
  return {
    client,
    directors: [d1, d2],
    realAddresses: ['10.0.1.11', '10.0.1.12'],
    vip: VIP,
    async moveVip() {
      await d1.ip([`addr del ${VIP}/32 dev eth0`]);
      await d2.ip([`addr add ${VIP}/32 dev eth0`]);
      await client.ip(['neigh flush dev eth0']); // in the place of a gratuitous ARP
    },
  };
}
