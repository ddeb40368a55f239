import type { Namespace } from '../lab/namespace.js';
import { buildNetwork, type Host } from '../lab/network.js';
import { run } from '../lab/run.js';
import type { WebServer } from '../lab/web-server.js';
import type { Lab } from '../lab.js';

export type Family = 'ipv4' | 'ipv6';
export const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];

export type Forwarding = 'masq' | 'dr' | 'tun';
export const FORWARDING: readonly Forwarding[] = ['masq', 'dr', 'tun'];

export interface Node extends Readonly<Record<Family, string>> {
  /** Also what its web server answers. */
  readonly name: string;
  readonly namespace: Namespace;
  readonly web: WebServer;
}

/** A client, a director and three reals on one segment, with a virtual address for each forwarding method. */
export interface OneSegment {
  readonly client: Namespace;
  /** With a web server of its own, for a local node. */
  readonly director: Node;
  readonly reals: readonly Node[];
}

/** The reals have those for `dr` and `tun`, too, and keep silent about them. */
export const VIPS: Readonly<Record<Forwarding, Readonly<Record<Family, string>>>> = {
  masq: { ipv4: '10.0.3.100', ipv6: 'fd00:3::100' },
  dr: { ipv4: '10.0.1.100', ipv6: 'fd00:1::100' },
  tun: { ipv4: '10.0.1.101', ipv6: 'fd00:1::101' },
};

/** Clients by their addresses, all of them in the one namespace. */
export const CLIENT_ADDRESSES: Readonly<Record<Family, readonly string[]>> = {
  ipv4: ['10.0.1.17', '10.0.1.18', '10.0.1.33', '10.0.1.49'],
  ipv6: ['fd00:1::1:11', 'fd00:1::1:12', 'fd00:1::2:11', 'fd00:1::3:11'],
};

/** Ports that every web server listens on. */
export const WEB_PORTS = [80, 8080, 8081] as const;

const DIRECTOR: Record<Family, string> = { ipv4: '10.0.1.1', ipv6: 'fd00:1::1' };
const REAL_NUMBERS = [1, 2, 3] as const;

/**
 * Builds it, with a web server on the director and on each real.
 *
 * What is masqueraded must come back through the director: the client calls those virtual addresses, by the route to
 * their networks, from addresses which the reals reach through the director alone, though all share one segment. So
 * nobody may be told of a shorter way (redirects).
 *
 * @param directives Gives what the web server of that name is to have besides; see `WebOptions`.
 */
export async function oneSegment(lab: Lab, directives = (_name: string) => ''): Promise<OneSegment> {
  await run(['modprobe', '-a', 'ipip', 'ip6_tunnel']); // each namespace made from now on has tunl0 and ip6tnl0
  const hosts = [CLIENT, DIRECTOR_HOST, ...REAL_NUMBERS.map(realHost)];
  const namespaces = await buildNetwork(lab, hosts);
  const find = (name: string): Namespace => namespaces.get(name) as Namespace;
  const reals = REAL_NUMBERS.map((number) => ({ name: `r${number}`, ...realAddresses(number) }));
  await Promise.all(reals.map(({ name }) => takeVirtualAddresses(find(name))));
  const [director, ...started] = await Promise.all(
    [{ name: 'director', ...DIRECTOR }, ...reals].map(async (node) => {
      const namespace = find(node.name);
      const options = { ports: WEB_PORTS, directives: directives(node.name) };
      return { ...node, namespace, web: await lab.startWebServer(namespace, options) };
    }),
  );
  return { client: find('client'), director: director as Node, reals: started };
}

const CLIENT: Host = {
  name: 'client',
  legs: [
    {
      segment: 'lan',
      device: 'eth0',
      addresses: [
        '10.0.1.10/24',
        '10.0.3.10/24',
        ...CLIENT_ADDRESSES.ipv4.map((address) => `${address}/24`),
        ...CLIENT_ADDRESSES.ipv6.map((address) => `${address}/64 preferred_lft 0`),
        'fd00:1::10/64',
        'fd00:3::10/64',
      ],
    },
  ],
};

/**
 * Its addresses are on a bridge, since the nftables of the lab's kernel know bridges alone (`table bridge`).
 *
 * Its virtual IPv6 addresses have no preferred lifetime: what it puts into a tunnel must not come from one of them,
 * since the real has that address itself and drops it.
 */
const DIRECTOR_HOST: Host = {
  name: 'director',
  legs: [
    {
      segment: 'lan',
      device: 'eth0',
      bridge: 'br0',
      addresses: [
        `${DIRECTOR.ipv4}/24`,
        `${DIRECTOR.ipv6}/64`,
        '10.0.3.1/24',
        'fd00:3::1/64',
        ...FORWARDING.flatMap((method) => [
          `${VIPS[method].ipv4}/32`,
          `${VIPS[method].ipv6}/128 preferred_lft 0`,
        ]),
      ],
    },
  ],
  sysctls: {
    'net.ipv4.ip_forward': 1,
    'net.ipv6.conf.all.forwarding': 1,
    'net.ipv4.conf.all.send_redirects': 0,
    'net.ipv4.conf.br0.send_redirects': 0,
  },
};

function realAddresses(number: number): Record<Family, string> {
  return { ipv4: `10.0.1.2${number}`, ipv6: `fd00:1::2${number}` };
}

function realHost(number: number): Host {
  const { ipv4, ipv6 } = realAddresses(number);
  return {
    name: `r${number}`,
    legs: [{ segment: 'lan', device: 'eth0', addresses: [`${ipv4}/24`, `${ipv6}/64`] }],
    routes: [`10.0.3.0/24 via ${DIRECTOR.ipv4}`, `fd00:3::/64 via ${DIRECTOR.ipv6}`],
    sysctls: {
      'net.ipv4.conf.all.arp_ignore': 1,
      'net.ipv4.conf.all.arp_announce': 2,
      'net.ipv4.conf.all.rp_filter': 0,
      'net.ipv4.conf.tunl0.rp_filter': 0,
      'net.ipv6.conf.eth0.accept_redirects': 0, // IPv6 has no way to keep the director from sending them
    },
  };
}

/** IPv6 needs no sysctl for silence: neighbours are not told of addresses on other interfaces. */
async function takeVirtualAddresses(real: Namespace): Promise<void> {
  await real.ip([
    `addr add ${VIPS.dr.ipv4}/32 dev lo`,
    `addr add ${VIPS.dr.ipv6}/128 dev lo nodad`,
    'link set tunl0 up',
    `addr add ${VIPS.tun.ipv4}/32 dev tunl0`,
    'link set ip6tnl0 up',
    `addr add ${VIPS.tun.ipv6}/128 dev ip6tnl0 nodad`,
  ]);
}
