import fc from 'fast-check';
import { addressFromBytes } from '../address.js';
import {
  FORWARDING_METHODS,
  findTunnelFault,
  fullPrefix,
  MAX_FWMARK,
  MAX_THRESHOLD,
  realKey,
  SCHEDULER_FLAGS,
  TUNNEL_FLAGS,
  TUNNEL_TYPES,
  virtualKey,
} from '../model.js';
import type { SnapshotReal, SnapshotVirtual } from './format.js';

const address = fc
  .oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }))
  .map((bytes) => addressFromBytes(bytes.length === 4 ? 4 : 6, bytes));
const port = fc.integer({ min: 0, max: 65_535 });
const forwarding = fc.constantFrom(...FORWARDING_METHODS);
const name = fc.stringMatching(/^[a-zä=:"<>.-]{1,20}$/);
const threshold = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: MAX_THRESHOLD }));

const tunnel = fc
  .record({
    type: fc.constantFrom(...TUNNEL_TYPES),
    port: fc.integer({ min: 0, max: 65_535 }),
    flags: fc.constantFrom(...TUNNEL_FLAGS),
  })
  .filter((any) => findTunnelFault(any) === undefined);

const real: fc.Arbitrary<SnapshotReal> = fc.record({
  name,
  address,
  port,
  forwarding,
  weight: fc.integer({ min: 0, max: 65_535 }),
  lowerThreshold: threshold,
  upperThreshold: threshold,
  tunnel,
});

const scheduling = fc
  .oneof(fc.constantFrom('sh', 'mh'), fc.stringMatching(/^[a-z0-9_-]{1,15}$/))
  .chain((scheduler) =>
    fc.record({
      scheduler: fc.constant(scheduler),
      schedulerFlags: fc.subarray([...(SCHEDULER_FLAGS.get(scheduler) ?? [])]),
    }),
  );

const head = {
  name,
  forwarding,
  persistenceEngine: fc.constantFrom('', 'sip'),
  persistenceSec: fc.integer({ min: 0, max: 86_400 }),
  onePacket: fc.boolean(),
  drainTimeoutSec: fc.integer({ min: 0, max: 86_400 }),
  reals: fc.uniqueArray(real, { selector: realKey, maxLength: 5 }),
};
const byAddress = fc.record({
  ...head,
  address,
  port,
  protocol: fc.constantFrom('tcp', 'udp', 'sctp'),
  fwmark: fc.constant(0),
});
const byMark = fc.record({
  ...head,
  address: fc.constantFrom(4, 6).map((family) => addressFromBytes(family, new Uint8Array(16))),
  port: fc.constant(0),
  protocol: fc.constant('fwmark'),
  fwmark: fc.integer({ min: 1, max: MAX_FWMARK }),
});

/** Any table that a snapshot can hold. */
export const virtuals: fc.Arbitrary<SnapshotVirtual[]> = fc.uniqueArray(
  fc
    .tuple(fc.oneof(byAddress, byMark), scheduling, fc.integer({ min: 1, max: 128 }))
    .map(([id, schedule, prefix]) => {
      const persistencePrefix = Math.min(prefix, fullPrefix(id.address));
      return { ...id, ...schedule, persistencePrefix } as SnapshotVirtual;
    }),
  { selector: virtualKey, maxLength: 5 },
);

/** The example of the format's description, byte for byte. */
export const EXAMPLE = `meta version=1.0 mdate=2026-11-20 mtime=10:06:36

DIFF file=/var/lib/surealived/diffs/diff_sync.1795169196

virtual vname=web vproto=tcp vaddr=192.168.0.1 vport=80 vrt=dr vsched=wrr
real rname=w1 raddr=10.0.0.11 rport=80 rweight=10
real rname=w2 raddr=10.0.0.12 rport=80 rweight=20 rl_thresh=50 ru_thresh=100
real rname=w3 raddr=10.0.0.13 rport=80 rweight=5 rrt=masq

virtual vname=mark vproto=fwmark vaddr=0.0.0.0 vport=0 vrt=tun vsched=rr vfwmark=7

virtual vname=udp vproto=udp vaddr=192.168.0.3 vport=53 vrt=dr vsched=rr vops=1
`;
