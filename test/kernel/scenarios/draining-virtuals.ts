/**
 * The services of `drain-under-load`, one for each way to leave.
 *
 * @module
 */
import { join } from 'node:path';
import { joinAddress } from '../lab/ipvs-entry.js';
import type { LoadTarget } from '../lab/load-protocol.js';
import type { Lab } from '../lab.js';
import { type Family, type Forwarding, type OneSegment, VIPS } from '../topologies/one-segment.js';

export const WEIGHT = 10;
/** The real that leaves, everywhere. */
export const LEAVING = 'r1';

export interface Virtual extends LoadTarget {
  readonly family: Family;
  readonly drainTimeoutSec: number;
  /** What names it in the table, as `serviceName` does. */
  readonly service: string;
  /** What names it for `rset`. */
  readonly keys: string;
  /** Of its element. */
  readonly attributes: string;
  /** Attributes of its tester. */
  readonly tester: string;
  readonly realPort: number;
}

const NO_TEST = 'proto="no-test"';
const HTTP =
  'proto="http" testport="80" url="/health" host="lab" loopdelay="0.5" timeout="20" remove_on_fail="1"';
const PORT = 80;
const MARK = 7;

function tcp(method: Forwarding, family: Family, drainTimeoutSec: number, tester: string): Virtual {
  const address = VIPS[method][family];
  return {
    name: `${method}-${family}`,
    address,
    port: PORT,
    family,
    drainTimeoutSec,
    service: `tcp ${joinAddress(address, PORT)}`,
    keys: `vproto=tcp vaddr=${address} vport=${PORT}`,
    attributes: `addr="${address}" port="${PORT}" proto="tcp" rt="${method}"`,
    tester,
    realPort: PORT,
  };
}

/** What goes to its address has a mark, by `MARKING`. */
export const MARKED: Virtual = {
  ...tcp('dr', 'ipv4', 600, NO_TEST),
  name: 'mark',
  service: `fwmark ${MARK}`,
  keys: `vproto=fwmark vfwmark=${MARK}`,
  attributes: `fwmark="${MARK}" proto="fwmark" rt="dr"`,
  realPort: 0,
};
export const TESTED = tcp('tun', 'ipv6', 600, HTTP);
export const IMPATIENT = tcp('masq', 'ipv4', 4, NO_TEST);
export const VIRTUALS = [MARKED, TESTED, IMPATIENT];

/** For nft on the director. */
export const MARKING = `table bridge lab {
  chain marks {
    type filter hook input priority 0
    ip daddr ${MARKED.address} tcp dport ${MARKED.port} meta mark set ${MARK}
  }
}
`;

/** While it is there, the real fails its tests, and works. */
export function failureFile(lab: Lab, real: string): string {
  return join(lab.scratchDir, `${real}-fails`);
}

/** A directive for its web server: the page that the tester asks for. */
export function healthPage(lab: Lab, real: string): string {
  const failing = `if (-f ${failureFile(lab, real)}) { return 503; }`;
  return `location = /health { access_log off; ${failing} return 200 "well\\n"; }`;
}

/** @param leaving Names of the virtuals that have the leaving real no more. */
export function servicesXml(net: OneSegment, leaving: readonly Virtual[] = []): string {
  const virtuals = VIRTUALS.map((one) => {
    const reals = net.reals.filter(({ name }) => name !== LEAVING || !leaving.includes(one));
    const lines = reals.map(
      (real) =>
        `<real name="${real.name}" addr="${real[one.family]}" port="${one.realPort}" weight="${WEIGHT}"/>`,
    );
    return `<virtual name="${one.name}" ${one.attributes} sched="rr" drain_timeout="${one.drainTimeoutSec}">
      <tester ${one.tester}/>${lines.join('')}
    </virtual>`;
  });
  return `<surealived>${virtuals.join('\n')}</surealived>`;
}
