import type { HttpClient } from '../lab/http-client.js';
import type { Namespace } from '../lab/namespace.js';
import { buildNetwork, type Host } from '../lab/network.js';
import type { WebServer } from '../lab/web-server.js';
import type { Lab } from '../lab.js';

export interface RealServer {
  /** Also what its web server answers: `r1`, `r2`, ... */
  readonly name: string;
  readonly namespace: Namespace;
  readonly ipv4: string;
  readonly ipv6: string;
  readonly web: WebServer;
}

export interface NatTopology {
  readonly http: HttpClient;
  readonly client: Namespace;
  readonly director: Namespace;
  readonly reals: readonly RealServer[];
  readonly vip: { readonly ipv4: string; readonly ipv6: string };
}

const VIP = { ipv4: '10.0.1.100', ipv6: 'fd00:1::100' } as const;
const MAX_REALS = 200;

/**
 * Client, director and reals for masquerading (ipvsadm -m): the client on one segment, the reals on another, and the
 * director between them as the reals' only way back.
 *
 * Forwarding is switched on for both families: without it the director drops what it should pass on to the reals.
 */
export async function natTopology(lab: Lab, realCount: number): Promise<NatTopology> {
  if (realCount > MAX_REALS) throw new RangeError(`${realCount} reals, at most ${MAX_REALS} have addresses`);
  const plans = Array.from({ length: realCount }, (_, index) => realPlan(index));
  const hosts = [CLIENT, DIRECTOR, ...plans.map(({ host }) => host)];
  const namespaces = await buildNetwork(lab, hosts);
  const find = (name: string): Namespace => namespaces.get(name) as Namespace;
  const [http, ...reals] = await Promise.all([
    lab.startHttpClient(find('client')),
    ...plans.map(async ({ host, ipv4, ipv6 }) => {
      const namespace = find(host.name);
      return { name: host.name, namespace, ipv4, ipv6, web: await lab.startWebServer(namespace) };
    }),
  ]);
  return { http, client: find('client'), director: find('director'), reals, vip: VIP };
}

/**
 * The client asks reals directly from addresses of their own. If it used those that it calls the VIP from, a port used
 * for both within minutes would make the director take the real's answer for one of the VIP's, and the request hang.
 * (No preferred lifetime: among IPv6 addresses Linux would choose the newest, if it were not deprecated.)
 */
const CLIENT: Host = {
  name: 'client',
  legs: [
    {
      segment: 'front',
      device: 'eth0',
      addresses: ['10.0.1.10/24', '10.0.1.11/24', 'fd00:1::10/64', 'fd00:1::11/64 preferred_lft 0'],
    },
  ],
  routes: ['10.0.2.0/24 via 10.0.1.1 src 10.0.1.11', 'fd00:2::/64 via fd00:1::1 src fd00:1::11'],
};

const DIRECTOR: Host = {
  name: 'director',
  legs: [
    {
      segment: 'front',
      device: 'eth0',
      addresses: ['10.0.1.1/24', `${VIP.ipv4}/32`, 'fd00:1::1/64', `${VIP.ipv6}/128`],
    },
    { segment: 'back', device: 'eth1', addresses: ['10.0.2.1/24', 'fd00:2::1/64'] },
  ],
  sysctls: { 'net.ipv4.ip_forward': 1, 'net.ipv6.conf.all.forwarding': 1 },
};

function realPlan(index: number): { host: Host; ipv4: string; ipv6: string } {
  const number = 11 + index;
  const ipv4 = `10.0.2.${number}`;
  const ipv6 = `fd00:2::${number}`; // the decimal digits read as hexadecimal: the address only has to be unique
  const host: Host = {
    name: `r${index + 1}`,
    legs: [{ segment: 'back', device: 'eth0', addresses: [`${ipv4}/24`, `${ipv6}/64`] }],
    routes: ['default via 10.0.2.1', 'default via fd00:2::1'],
  };
  return { host, ipv4, ipv6 };
}
