import { describe, expect, it } from 'vitest';
import { service } from '../ipvs/table.test-kit.js';
import { NOW_MS, statusFacts, traffic, troubledFacts, WEB } from './status.test-kit.js';
import { type StatusDocument, statusDocument, statusHead } from './status-document.js';

const rates = (unit: number) => ({
  connections: unit,
  packetsIn: 10 * unit,
  packetsOut: 9 * unit,
  bytesIn: 1000 * unit,
  bytesOut: 2000 * unit,
});
const NONE = { active: 0, inactive: 0, persistent: 0 };

describe('statusDocument', () => {
  it('has all there is to say of a follower that fares well', () => {
    const round = { whole: true, refused: 0, durationMs: 1 };
    expect(statusDocument(statusFacts())).toEqual({
      version: 1,
      programVersion: '1.2.3',
      pid: 4242,
      time: '2026-11-20T10:06:36.000Z',
      uptimeSec: 61,
      table: 'kernel',
      netns: null,
      asDesired: true,
      snapshot: {
        file: '/var/lib/surealived/ipvsfull.cfg',
        generation: 17,
        virtuals: 2,
        reals: 3,
        trouble: null,
        incomplete: false,
      },
      lastRound: { ...round, agoSec: 20, operations: 0 },
      lastChange: { ...round, agoSec: 60, operations: 5 },
      readBack: { agoSec: 20, inSec: 10 },
      operations: { done: 5, refused: 0 },
      failing: [],
      heldBack: null,
      leftAlone: [],
      draining: [],
      drift: { count: 0, agoSec: null },
      latency: { count: 0, medianMs: null, p99Ms: null },
      settings: { syncRole: 'unmanaged', failure: null },
      trafficTrouble: null,
      virtuals: [
        {
          virtual: 'tcp 10.0.0.1:80',
          name: 'web',
          inTable: true,
          connections: { active: 7, inactive: 1, persistent: 1 },
          totals: rates(200),
          perSecond: rates(2),
          reals: [
            { real: '10.0.0.11:80', active: 4, inactive: 1, persistent: 0 },
            { real: '10.0.0.12:80', active: 3, inactive: 0, persistent: 1 },
          ],
        },
        {
          virtual: 'udp [fd00::1]:53',
          name: 'dns',
          inTable: true,
          connections: { active: 0, inactive: 3, persistent: 0 },
          totals: rates(100),
          perSecond: rates(1),
          reals: [{ real: '[fd00::11]:53', active: 0, inactive: 3, persistent: 0 }],
        },
      ],
    } satisfies StatusDocument);
  });

  it('says what fails, waits, drains and is left alone', () => {
    const document = statusDocument(troubledFacts());
    const settings = { reason: 'start sync daemon: ENODEV', sinceSec: 7300, retryInSec: 0 };
    expect(document).toMatchObject({
      netns: 'edge',
      asDesired: false,
      snapshot: { generation: null, trouble: 'full:1: older than what is in force', incomplete: true },
      lastRound: { agoSec: 1.5, whole: false, operations: 1, refused: 2, durationMs: 3.3 },
      readBack: { agoSec: 20, inSec: null },
      failing: [
        { virtual: null, reason: 'list services: EIO', sinceSec: 90, retryInSec: 4 },
        {
          virtual: 'tcp 10.0.0.3:443',
          reason: 'add tcp 10.0.0.3:443: ENOENT',
          sinceSec: 130,
          retryInSec: 4,
        },
      ],
      heldBack: { maxDeletes: 1, deletions: ['udp 10.0.0.9:53', 'tcp 10.0.0.1:80 real 10.0.0.15:80'] },
      leftAlone: [{ virtual: 'fwmark 7', reason: 'protected', inSnapshot: false }],
      drift: { count: 3, agoSec: 200 },
      settings: { syncRole: 'master', failure: settings },
    });
    const draining = { virtual: 'tcp 10.0.0.1:80', timeoutSec: 600 };
    expect(document.draining).toEqual([
      {
        ...draining,
        real: '10.0.0.13:80',
        sinceSec: 12,
        connections: { active: 2, inactive: 1, persistent: 0 },
        drained: false,
      },
      { ...draining, real: '10.0.0.14:80', sinceSec: 600.5, connections: null, drained: true },
    ]);
    expect(document.virtuals.map(({ name, inTable, connections }) => [name, inTable, connections])).toEqual([
      ['web', true, { active: 9, inactive: 2, persistent: 1 }],
      ['odd\x1b[2J', false, NONE],
      [null, true, { ...NONE, active: 1 }],
    ]);
  });

  it('goes once through the reals of a virtual, however many of them drain', () => {
    const reals = Array.from({ length: 250 }, (_, i) => [`10.0.1.${i}:80`, 0] as const);
    const all = service('tcp 10.0.0.1:80', {}, ...reals);
    let looks = 0;
    const counted = traffic(all, 1).destinations.map((one) => ({
      ...one,
      get address() {
        looks++;
        return one.address;
      },
    }));
    const drain = { service: all, timeoutSec: 600, connections: 0, isOver: false, isCounted: true };
    const drains = all.destinations.map((destination) => ({ ...drain, destination, sinceMs: NOW_MS }));
    const { draining } = statusHead(
      statusFacts({ drains }, { traffic: [{ ...traffic(all, 1), destinations: counted }] }),
    );
    expect(draining.filter(({ connections }) => connections !== null)).toHaveLength(reals.length);
    expect(looks).toBeLessThan(5 * reals.length);
  });

  it('stands without the traffic', () => {
    const document = statusDocument(statusFacts({}, { traffic: 'list services: EIO' }));
    expect(document).toMatchObject({ asDesired: false, trafficTrouble: 'list services: EIO', virtuals: [] });
  });

  it.each([
    ['files are refused', { trouble: 'full: torn' }],
    ['a diff line was refused', { isIncomplete: true }],
    ['a virtual fails', { failing: [{ name: 'tcp 10.0.0.1:80', reason: 'EPERM', sinceMs: NOW_MS }] }],
    ['deletions are held back', { heldBack: { deletions: ['tcp 10.0.0.1:80'], maxDeletes: 0 } }],
    ['a setting fails', { settingsFailure: { name: 'all', reason: 'EPERM', sinceMs: NOW_MS } }],
  ])('is not as desired where %s', (_what, change) => {
    expect(statusDocument(statusFacts(change)).asDesired).toBe(false);
  });

  it.each([
    ['something drains', { drains: troubledFacts().follow.drains }],
    ['a service is left alone', { leftAlone: [{ service: WEB, reason: 'protected', isDesired: true }] }],
    ['there was drift', { driftCount: 1 }],
  ] as const)('is as desired where %s', (_what, change) => {
    expect(statusDocument(statusFacts(change)).asDesired).toBe(true);
  });

  it.each([
    [{ kind: 'memory', file: undefined }, 'memory'],
    [{ kind: 'memory', file: '/tmp/t' }, 'memory:/tmp/t'],
  ] as const)('names the table %j', (backend, table) => {
    expect(statusDocument(statusFacts({}, { backend }))).toMatchObject({ table, netns: null });
  });
});
