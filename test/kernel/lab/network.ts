import type { Lab } from '../lab.js';
import { runIpBatches } from './ip-batch.js';
import type { Namespace, Sysctls } from './namespace.js';

/** One network interface of a host, plugged into a segment. */
export interface Leg {
  readonly segment: string;
  readonly device: string;
  /** With prefix length and, if need be, more words of `ip address add`: `fd00:1::1/64 preferred_lft 0`. */
  readonly addresses: readonly string[];
  /** A bridge of the host that the interface is put into, and that has the addresses in its place. */
  readonly bridge?: string;
}

export interface Host {
  readonly name: string;
  readonly legs: readonly Leg[];
  /** As `ip route add` takes them: `default via 10.0.2.1`; the family follows from the gateway. */
  readonly routes?: readonly string[];
  readonly sysctls?: Sysctls;
}

/** Holds the bridges; a name of its own, so that no host of a plan should be called so. */
const SWITCH = 'switch';

/**
 * Builds hosts as network namespaces and their segments as bridges.
 *
 * @returns The namespaces by host name.
 */
export async function buildNetwork(lab: Lab, hosts: readonly Host[]): Promise<Map<string, Namespace>> {
  const namespaces = await lab.createNamespaces([SWITCH, ...hosts.map(({ name }) => name)]);
  await runIpBatches([
    { namespace: SWITCH, lines: switchLines(hosts) },
    ...hosts.map((host) => ({ namespace: host.name, lines: hostLines(host) })),
  ]);
  const byName = new Map(namespaces.map((namespace) => [namespace.name, namespace]));
  await Promise.all(hosts.map(({ name, sysctls }) => sysctls && byName.get(name)?.sysctl(sysctls)));
  return byName;
}

function switchLines(hosts: readonly Host[]): string[] {
  const plugs = hosts.flatMap(({ name, legs }) => legs.map((leg) => ({ ...leg, host: name })));
  const bridges = [...new Set(plugs.map(({ segment }) => segment))].flatMap((segment) => [
    `link add name ${segment} type bridge`,
    `link set dev ${segment} up`,
  ]);
  const cables = plugs.flatMap(({ host, device, segment }, index) => [
    `link add name port${index} type veth peer name ${device} netns ${host}`,
    `link set dev port${index} master ${segment} up`,
  ]);
  return [...bridges, ...cables];
}

function hostLines({ legs, routes = [] }: Host): string[] {
  const interfaces = legs.flatMap(({ device, bridge, addresses }) => [
    `link set dev ${device} up`,
    ...(bridge === undefined ? [] : bridgeLines(bridge, device)),
    ...addresses.map((address) => addressLine(address, bridge ?? device)),
  ]);
  return ['link set lo up', ...interfaces, ...routes.map((route) => `route add ${route}`)];
}

function bridgeLines(bridge: string, device: string): string[] {
  return [
    `link add name ${bridge} type bridge`,
    `link set dev ${device} master ${bridge}`,
    `link set dev ${bridge} up`,
  ];
}

/** Without `nodad` an IPv6 address is of no use until the kernel gets round to it, and a route from it is refused. */
function addressLine(address: string, device: string): string {
  return `addr add ${address} dev ${device}${address.includes(':') ? ' nodad' : ''}`;
}
