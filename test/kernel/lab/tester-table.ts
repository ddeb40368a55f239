/**
 * The kernel's table against the tester's state, through ipvsadm alone.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { formatEndpoint } from '@surealived/shared/address';
import type { SnapshotReal, SnapshotVirtual } from '@surealived/shared/snapshot/format';
import type { Namespace } from './namespace.js';

const SERVICE_OPTIONS = { tcp: '-t', udp: '-u', sctp: '--sctp-service' } as const;
const METHOD_OPTIONS = { dr: '-g', masq: '-m', tun: '-i --tun-type ipip' } as const;

/** @throws AssertionError with what differs in any rule or threshold. */
export async function assertHolds(namespace: Namespace, state: readonly SnapshotVirtual[]): Promise<void> {
  const rules = (await namespace.run(['ipvsadm', '-Sn'])).trimEnd().split('\n');
  assert.deepEqual(rules.sort(), state.flatMap(rulesOf).sort());
  const limits = (await namespace.run(['ipvsadm', '-Ln', '--thresholds']))
    .split('\n')
    .flatMap((line) => /^ {2}-> (\S+) +(\d+) +(\d+) +\d+ +\d+ *$/.exec(line)?.slice(1).join(' ') ?? []);
  assert.deepEqual(limits.sort(), state.flatMap(({ reals }) => reals.map(limitsOf)).sort());
}

/** Only what a random tester's virtuals have. */
function rulesOf(virtual: SnapshotVirtual): string[] {
  const { scheduler, persistenceSec, onePacket, reals } = virtual;
  const name = nameOf(virtual);
  const settings = `${persistenceSec > 0 ? ` -p ${persistenceSec}` : ''}${onePacket ? ' -o' : ''}`;
  return [`-A ${name} -s ${scheduler}${settings}`, ...reals.map((real) => `-a ${name} ${ruleOf(real)}`)];
}

function nameOf({ protocol, fwmark, address, port }: SnapshotVirtual): string {
  return protocol === 'fwmark'
    ? `-f ${fwmark}`
    : `${SERVICE_OPTIONS[protocol]} ${formatEndpoint(address, port)}`;
}

function ruleOf({ address, port, forwarding, weight }: SnapshotReal): string {
  const [method, ...tunnel] = METHOD_OPTIONS[forwarding].split(' ');
  return ['-r', formatEndpoint(address, port), method, '-w', weight, ...tunnel].join(' ');
}

function limitsOf({ address, port, upperThreshold, lowerThreshold }: SnapshotReal): string {
  return `${formatEndpoint(address, port)} ${upperThreshold} ${lowerThreshold}`;
}
