import { IPIP } from '@surealived/shared/model';
import type { SnapshotVirtual } from '@surealived/shared/snapshot/format';
import type { FollowStatus } from '../follow/follow-status.js';
import type { DestinationConnections, Service, ServiceTraffic } from '../ipvs/table.js';
import { service } from '../ipvs/table.test-kit.js';
import type { StatusFacts } from './status-document.js';

/** An hour after the follower's clock began. */
export const NOW_MS = 3_600_000;

/** A virtual of the snapshot, with the destinations of a service. */
export function virtual(name: string, of: Service): SnapshotVirtual {
  return {
    ...of,
    protocol: of.protocol as SnapshotVirtual['protocol'],
    name,
    forwarding: 'dr',
    schedulerFlags: [],
    drainTimeoutSec: 0,
    reals: of.destinations.map(({ address, port, weight }) => ({
      address,
      port,
      weight,
      name: 'r',
      forwarding: 'dr' as const,
      tunnel: IPIP,
      lowerThreshold: 0,
      upperThreshold: 0,
    })),
  };
}

/** The traffic of a service: as many bytes as its `factor` says thousands, and so on. */
export function traffic(
  of: Service,
  factor: number,
  ...connections: readonly (readonly [active: number, inactive: number, persistent: number])[]
): ServiceTraffic {
  const counts = (unit: number) => ({
    connections: unit,
    packetsIn: 10 * unit,
    packetsOut: 9 * unit,
    bytesIn: 1000 * unit,
    bytesOut: 2000 * unit,
  });
  const destinations = of.destinations.map(({ address, port }, i): DestinationConnections => {
    const [active, inactive, persistent] = connections[i] ?? [0, 0, 0];
    return { address, port, active, inactive, persistent };
  });
  return { service: of, totals: counts(100 * factor), perSecond: counts(factor), destinations };
}

export const WEB = service('tcp 10.0.0.1:80', {}, ['10.0.0.11:80', 1], ['10.0.0.12:80', 1]);
export const DNS = service('udp [fd00::1]:53', {}, ['[fd00::11]:53', 1]);
export const FOREIGN = service('fwmark 7', {}, ['10.0.0.91:0', 1]);

/** A follower to whom nothing has happened but its start, a minute ago. */
export function followStatus(changes: Partial<FollowStatus> = {}): FollowStatus {
  const round = { endedAtMs: NOW_MS - 20_000, isWhole: true, operations: 0, refused: 0, durationMs: 1.04 };
  const first = { ...round, endedAtMs: NOW_MS - 60_000, operations: 5 };
  return {
    nowMs: NOW_MS,
    generation: 17,
    virtuals: [virtual('web', WEB), virtual('dns', DNS)],
    isIncomplete: false,
    trouble: undefined,
    progress: {
      last: round,
      lastChange: first,
      readBackAtMs: NOW_MS - 20_000,
      driftAtMs: undefined,
      counts: { operations: 5, refused: 0 },
    },
    nextReadBackAtMs: NOW_MS + 10_000,
    failing: [],
    retryAtMs: Number.POSITIVE_INFINITY,
    settingsFailure: undefined,
    settingsRetryAtMs: Number.POSITIVE_INFINITY,
    heldBack: undefined,
    leftAlone: [],
    drains: [],
    driftCount: 0,
    latency: { count: 0, medianMs: undefined, p99Ms: undefined },
    ...changes,
  };
}

export function statusFacts(
  follow: Partial<FollowStatus> = {},
  changes: Partial<StatusFacts> = {},
): StatusFacts {
  return {
    programVersion: '1.2.3',
    pid: 4242,
    wallNow: new Date('2026-11-20T10:06:36Z'),
    uptimeSec: 61.04,
    backend: { kind: 'kernel' },
    snapshotFile: '/var/lib/surealived/ipvsfull.cfg',
    follow: followStatus(follow),
    syncRole: 'unmanaged',
    traffic: [traffic(DNS, 1, [0, 3, 0]), traffic(WEB, 2, [4, 1, 0], [3, 0, 1])],
    ...changes,
  };
}

/** A follower to whom everything has happened. */
export function troubledFacts(): StatusFacts {
  const drained = service('tcp 10.0.0.1:80', {}, ['10.0.0.13:80', 0], ['10.0.0.14:80', 0]);
  const [first, second] = drained.destinations as [Service['destinations'][0], Service['destinations'][0]];
  const drain = { service: WEB, timeoutSec: 600, connections: 1, isOver: false, isCounted: true };
  const missing = service('tcp 10.0.0.3:443');
  return statusFacts(
    {
      generation: undefined,
      virtuals: [virtual('web', WEB), virtual('odd\x1b[2J', missing)],
      isIncomplete: true,
      trouble: 'full:1: older than what is in force',
      progress: {
        last: {
          endedAtMs: NOW_MS - 1_500,
          isWhole: false,
          operations: 1,
          refused: 2,
          durationMs: 3.26,
        },
        lastChange: {
          endedAtMs: NOW_MS - 1_500,
          isWhole: false,
          operations: 1,
          refused: 2,
          durationMs: 3.26,
        },
        readBackAtMs: NOW_MS - 20_000,
        driftAtMs: NOW_MS - 200_000,
        counts: { operations: 1204, refused: 8 },
      },
      nextReadBackAtMs: Number.POSITIVE_INFINITY,
      failing: [
        { name: 'all', reason: 'list services: EIO', sinceMs: NOW_MS - 90_000 },
        { name: 'tcp 10.0.0.3:443', reason: 'add tcp 10.0.0.3:443: ENOENT', sinceMs: NOW_MS - 130_000 },
      ],
      retryAtMs: NOW_MS + 4_000,
      settingsFailure: { name: 'all', reason: 'start sync daemon: ENODEV', sinceMs: NOW_MS - 7_300_000 },
      settingsRetryAtMs: NOW_MS - 10,
      heldBack: { deletions: ['udp 10.0.0.9:53', 'tcp 10.0.0.1:80 real 10.0.0.15:80'], maxDeletes: 1 },
      leftAlone: [{ service: FOREIGN, reason: 'protected', isDesired: false }],
      drains: [
        { ...drain, destination: first, sinceMs: NOW_MS - 12_000 },
        { ...drain, destination: second, sinceMs: NOW_MS - 600_500, isOver: true },
      ],
      driftCount: 3,
      latency: { count: 1204, medianMs: 1, p99Ms: 12 },
    },
    {
      backend: { kind: 'kernel', netns: 'edge' },
      syncRole: 'master',
      traffic: [
        traffic(FOREIGN, 3, [1, 0, 0]),
        traffic({ ...WEB, destinations: [...WEB.destinations, first] }, 2, [4, 1, 0], [3, 0, 1], [2, 1, 0]),
      ],
    },
  );
}
