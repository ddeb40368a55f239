import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import type { HttpClient } from '../lab/http-client.js';
import { readIpvs } from '../lab/ipvs.js';
import { joinAddress, serviceName } from '../lab/ipvs-entry.js';
import { Load } from '../lab/load.js';
import type { LongConnection } from '../lab/load-protocol.js';
import { Synchroniser } from '../lab/synchroniser.js';
import type { Lab } from '../lab.js';
import {
  CLIENT_ADDRESSES,
  FAMILIES,
  type Family,
  type OneSegment,
  oneSegment,
  VIPS,
} from '../topologies/one-segment.js';
import type { Scenario } from './scenario.js';

const TIMEOUT_MS = 10_000;
const DATAGRAM_SERVER = fileURLToPath(new URL('../lab/datagram-server.js', import.meta.url));

const VIP = VIPS.dr;
const MARK = 7;
const MARKED_PORTS = [8080, 8081] as const;
const UNMARKED_PORT = 8082;
/** Bits of a client's address that count for persistence: the first two clients share them. */
const PREFIX: Readonly<Record<Family, number>> = { ipv4: 28, ipv6: 112 };
const ONE_PACKET_PORT = 53;
const UDP_PORT = 54;
const LIMITED = { name: 'limited', address: VIPS.tun.ipv4, port: 80 };
const LIMIT = 2;

/** Two ports of an address get the same mark. */
const MARKING = `table bridge lab {
  chain marks {
    type filter hook input priority 0
    ip daddr ${VIP.ipv4} tcp dport { ${MARKED_PORTS.join(', ')} } meta mark set ${MARK}
    ip6 daddr ${VIP.ipv6} tcp dport { ${MARKED_PORTS.join(', ')} } meta mark set ${MARK}
  }
}
`;

export const trafficSettings: Scenario = {
  name: 'traffic-settings',
  title:
    'marks set by nftables, persistence, thresholds and one-packet scheduling do to traffic what they say',
  timeoutMs: 90_000,
  async run(lab) {
    const net = await oneSegment(lab);
    const synchroniser = new Synchroniser(net.director.namespace, { ipvs_timeout_tcp_fin_sec: 1 });
    synchroniser.writeSnapshot(...FAMILIES.flatMap((family) => services(net, family)), ...limited(net));
    const [http, load] = await Promise.all([
      lab.startHttpClient(net.client),
      Load.start(net.client),
      synchroniser.run('--once'),
      net.director.namespace.run(['nft', '-f', '-'], { input: MARKING }),
      ...net.reals.map(startDatagramServer),
    ]);
    for (const family of FAMILIES) {
      await beMarked(http, family);
      await persist(http, family);
      await spreadPackets(load, family);
    }
    await obeyThresholds(lab, net, load);
    assert.equal(await synchroniser.run('--plan'), 'nothing to change\n');
  },
};

function services(net: OneSegment, family: Family): readonly string[] {
  const common = 'vrt=dr vsched=rr';
  const address = `vaddr=${VIP[family]}`;
  const reals = (port: number): string[] =>
    net.reals.map((real) => `real rname=${real.name} raddr=${real[family]} rport=${port} rweight=1`);
  const unspecified = family === 'ipv4' ? '0.0.0.0' : '::';
  return [
    `virtual vname=m vproto=fwmark vaddr=${unspecified} vport=0 vfwmark=${MARK} ${common}`,
    ...reals(0),
    `virtual vname=p vproto=tcp ${address} vport=80 ${common} vpers=60 vprefix=${PREFIX[family]}`,
    ...reals(80),
    `virtual vname=o vproto=udp ${address} vport=${ONE_PACKET_PORT} ${common} vops=1`,
    ...reals(ONE_PACKET_PORT),
    `virtual vname=u vproto=udp ${address} vport=${UDP_PORT} ${common}`,
    ...reals(UDP_PORT),
  ];
}

function limited({ reals }: OneSegment): readonly string[] {
  return [
    `virtual vname=${LIMITED.name} vproto=tcp vaddr=${LIMITED.address} vport=${LIMITED.port} vrt=tun vsched=rr`,
    ...reals.map(
      ({ name, ipv4 }) =>
        `real rname=${name} raddr=${ipv4} rport=80 rweight=1 rl_thresh=${LIMIT} ru_thresh=${LIMIT}`,
    ),
  ];
}

async function startDatagramServer({ name, namespace }: OneSegment['reals'][number]): Promise<void> {
  const argv = [process.execPath, DATAGRAM_SERVER, name, `${ONE_PACKET_PORT},${UDP_PORT}`];
  const started = await namespace.spawn([...argv, `${VIP.ipv4},${VIP.ipv6}`], { name: 'datagram server' });
  await started.waitForLine(/^ready$/, TIMEOUT_MS);
}

/** Both ports are one service, whose reals take turns; a third port has no mark and no service. */
async function beMarked(http: HttpClient, family: Family): Promise<void> {
  const answers: unknown[] = [];
  for (const port of [...MARKED_PORTS, ...MARKED_PORTS, ...MARKED_PORTS]) {
    answers.push((await http.get(`http://${joinAddress(VIP[family], port)}/`)).body?.trimEnd());
  }
  assert.deepEqual(answers.slice(0, 3).sort(), ['r1', 'r2', 'r3'], `${family}: ${answers}`);
  assert.deepEqual(answers.slice(3), answers.slice(0, 3), family);
  const { error } = await http.get(`http://${joinAddress(VIP[family], UNMARKED_PORT)}/`);
  assert.equal(error, 'ECONNREFUSED');
}

/** Clients of one network share a real, and clients of three networks have three. */
async function persist(http: HttpClient, family: Family): Promise<void> {
  const url = `http://${joinAddress(VIP[family], 80)}/`;
  const realOf: string[] = [];
  for (const localAddress of [...CLIENT_ADDRESSES[family], ...CLIENT_ADDRESSES[family]]) {
    const counts = await http.count(url, 2, { localAddress });
    const [real = ''] = Object.keys(counts);
    assert.deepEqual(counts, { [real]: 2 }, `${localAddress} has more than one real`);
    realOf.push(real);
  }
  const [first, neighbour, second, third, ...again] = realOf;
  assert.equal(neighbour, first, `of one network: ${realOf}`);
  assert.deepEqual([first, second, third].sort(), ['r1', 'r2', 'r3'], `of three networks: ${realOf}`);
  assert.deepEqual(again, realOf.slice(0, 4), `once more: ${realOf}`);
}

/** Datagrams from one port go to all reals in turn with one-packet scheduling, and to one real without. */
async function spreadPackets(load: Load, family: Family): Promise<void> {
  const target = { name: 'ops', address: VIP[family] };
  assert.deepEqual(await load.sendDatagrams({ ...target, port: ONE_PACKET_PORT }, 9), {
    r1: 3,
    r2: 3,
    r3: 3,
  });
  const plain = await load.sendDatagrams({ ...target, port: UDP_PORT }, 9);
  assert.deepEqual(Object.values(plain), [9], JSON.stringify(plain));
}

/** A real at its upper threshold gets no connection more; below the lower one it does. */
async function obeyThresholds(lab: Lab, net: OneSegment, load: Load): Promise<void> {
  const full = await load.open(LIMITED, 3 * LIMIT);
  assert.deepEqual(full.map(answered).sort(), ['r1', 'r1', 'r2', 'r2', 'r3', 'r3']);
  assert.deepEqual((await load.open(LIMITED, 2)).map(answered), ['ECONNREFUSED', 'ECONNREFUSED']);
  const [closed] = full.filter(({ real }) => real === 'r2');
  assert(closed);
  await load.close([closed]);
  await lab.waitUntil(() => connectionsOf(net, 'r2'), {
    what: 'the end of a connection of r2',
    timeoutMs: TIMEOUT_MS,
    accept: (count) => count < LIMIT,
  });
  assert.deepEqual((await load.open(LIMITED, 2)).map(answered), ['r2', 'ECONNREFUSED']);
  await load.exchange(2);
  const { connections } = await load.report();
  const broken = connections.filter((connection) => connection.broken?.reason !== 'ECONNREFUSED').length;
  assert.equal(broken, full.length + 1);
}

function answered({ real, broken }: LongConnection): string {
  return broken?.reason ?? real;
}

/** Also those that are closed and not yet forgotten: all of them count. */
async function connectionsOf(net: OneSegment, name: string): Promise<number> {
  const table = await readIpvs(net.director.namespace);
  const service = table.find(
    (candidate) => serviceName(candidate) === `tcp ${LIMITED.address}:${LIMITED.port}`,
  );
  const address = net.reals.find((real) => real.name === name)?.ipv4;
  const real = service?.reals.find((candidate) => candidate.address === address);
  assert(real);
  return (real.activeConnections ?? 0) + (real.inactiveConnections ?? 0);
}
