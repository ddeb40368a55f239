import assert from 'node:assert/strict';
import type { HttpClient } from '../lab/http-client.js';
import { listIpvs } from '../lab/ipvs.js';
import { joinAddress } from '../lab/ipvs-entry.js';
import { Synchroniser } from '../lab/synchroniser.js';
import {
  FAMILIES,
  type Family,
  FORWARDING,
  type Forwarding,
  type OneSegment,
  oneSegment,
  VIPS,
} from '../topologies/one-segment.js';
import type { Scenario } from './scenario.js';

const ROUNDS = 2;

export const forwardingMethods: Scenario = {
  name: 'forwarding-methods',
  title: 'masquerading, direct routing and tunnels reach three reals and a local node, over IPv4 and IPv6',
  timeoutMs: 60_000,
  async run(lab) {
    const net = await oneSegment(lab);
    const synchroniser = new Synchroniser(net.director.namespace, {});
    synchroniser.writeSnapshot(
      ...FORWARDING.flatMap((method) => FAMILIES.flatMap((family) => service(net, method, family))),
    );
    const [http] = await Promise.all([lab.startHttpClient(net.client), synchroniser.run('--once')]);
    for (const method of FORWARDING) {
      for (const family of FAMILIES) await reachAll(http, method, family);
    }
    // a local node is for the kernel what it was written as, so that nothing is left to repair
    assert.equal(await synchroniser.run('--plan'), 'nothing to change\n');
    const written = await listIpvs(net.director.namespace);
    assert.equal(written.length, FORWARDING.length * FAMILIES.length);
  },
};

/** The director itself is the last real. */
function service(net: OneSegment, method: Forwarding, family: Family): readonly string[] {
  const reals = [...net.reals, net.director];
  return [
    `virtual vname=${method}-${family} vproto=tcp vaddr=${VIPS[method][family]} vport=80 vrt=${method} vsched=rr`,
    ...reals.map((real) => `real rname=${real.name} raddr=${real[family]} rport=80 rweight=1`),
  ];
}

async function reachAll(http: HttpClient, method: Forwarding, family: Family): Promise<void> {
  const counts = await http.count(`http://${joinAddress(VIPS[method][family], 80)}/`, 4 * ROUNDS);
  const expected = { r1: ROUNDS, r2: ROUNDS, r3: ROUNDS, director: ROUNDS };
  assert.deepEqual(counts, expected, `${method} over ${family}`);
}
