/**
 * The services of `drain-under-load`, one for each way to leave.
 *
 * @module
 */
import { join } from 'node:path';
import type { LoadTarget } from '../lab/load-protocol.js';
import type { Lab } from '../lab.js';
import { type Family, type Forwarding, type OneSegment, VIPS } from '../topologies/one-segment.js';

export const PORT = 80;
export const WEIGHT = 10;
/** The real that leaves, everywhere. */
export const LEAVING = 'r1';

export interface Virtual extends LoadTarget {
  readonly method: Forwarding;
  readonly family: Family;
  readonly drainTimeoutSec: number;
  /** Attributes of the tester. */
  readonly tester: string;
}

const NO_TEST = 'proto="no-test"';
const HTTP =
  'proto="http" testport="80" url="/health" host="lab" loopdelay="0.5" timeout="20" remove_on_fail="1"';

function virtual(method: Forwarding, family: Family, drainTimeoutSec: number, tester = NO_TEST): Virtual {
  const name = `${method}-${family}`;
  return { name, address: VIPS[method][family], port: PORT, method, family, drainTimeoutSec, tester };
}

export const DIRECT = virtual('dr', 'ipv4', 600);
export const TUNNEL = virtual('tun', 'ipv6', 600, HTTP);
export const IMPATIENT = virtual('masq', 'ipv4', 4);
export const VIRTUALS = [DIRECT, TUNNEL, IMPATIENT];

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
      (real) => `<real name="${real.name}" addr="${real[one.family]}" port="${PORT}" weight="${WEIGHT}"/>`,
    );
    return `<virtual name="${one.name}" addr="${one.address}" port="${PORT}" proto="tcp" sched="rr" rt="${one.method}"
        drain_timeout="${one.drainTimeoutSec}">
      <tester ${one.tester}/>${lines.join('')}
    </virtual>`;
  });
  return `<surealived>${virtuals.join('\n')}</surealived>`;
}
