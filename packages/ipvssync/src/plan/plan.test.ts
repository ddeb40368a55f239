import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeOperation } from '../ipvs/describe.js';
import {
  type Destination,
  describeService,
  destinationKey,
  type Operation,
  type Service,
  type ServiceHead,
  serviceKey,
} from '../ipvs/table.js';
import { arbitraryTable, service, sorted } from '../ipvs/table.test-kit.js';
import { TableImage } from '../ipvs/table-image.js';
import { MemoryTable } from '../memory/memory-table.js';
import { planChanges, sliceByService } from './plan.js';

const KEEP = { deleteUnmanaged: false };
const DELETE = { deleteUnmanaged: true };
const lines = (operations: readonly Operation[]): string[] => operations.map(describeOperation);

/** What must stand in the table when `desired` was made of `actual`. */
function expected(
  desired: readonly Service[],
  actual: readonly Service[],
  deleteUnmanaged: boolean,
): Service[] {
  const keys = new Set(desired.map(serviceKey));
  return [...desired, ...(deleteUnmanaged ? [] : actual.filter((service) => !keys.has(serviceKey(service))))];
}

describe('planChanges', () => {
  it('brings any table to any other, without a refusal, and then has nothing to do', async () => {
    await fc.assert(
      fc.asyncProperty(
        arbitraryTable,
        arbitraryTable,
        fc.boolean(),
        async (desired, actual, deleteUnmanaged) => {
          const table = new MemoryTable(actual);
          const results = await table.apply(planChanges(desired, actual, { deleteUnmanaged }));
          expect(results.filter(({ ok }) => !ok)).toEqual([]);
          const reached = await table.read();
          expect(sorted(reached)).toEqual(sorted(expected(desired, actual, deleteUnmanaged)));
          expect(planChanges(desired, reached, { deleteUnmanaged })).toEqual([]);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('leaves no service empty on the way that serves before and after', () => {
    fc.assert(
      fc.property(arbitraryTable, arbitraryTable, (desired, actual) => {
        const before = new TableImage(actual);
        const after = new TableImage(desired);
        const serving = desired.map(serviceKey).filter((key) => before.canServe(key) && after.canServe(key));
        for (const operation of planChanges(desired, actual, KEEP)) {
          before.apply(operation);
          for (const key of serving) expect(before.canServe(key), describeOperation(operation)).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('sets to weight 0 what has to stay, and deletes the rest', () => {
    const actual = service(
      'tcp 10.0.0.1:80',
      {},
      ['10.0.0.11:80', 1],
      ['10.0.0.12:80', 3, { upperThreshold: 9 }],
      ['10.0.0.13:80', 0],
      ['10.0.0.14:80', 1],
    );
    const desired = service('tcp 10.0.0.1:80', {}, ['10.0.0.11:80', 0], ['10.0.0.15:80', 1]);
    const staying = ['10.0.0.12 80', '10.0.0.13 80'];
    const plan = planChanges([desired], [actual], KEEP, (service, destination) => {
      expect(service).toBe(desired);
      return staying.includes(destinationKey(destination));
    });
    expect(lines(plan)).toEqual([
      '+ tcp 10.0.0.1:80 real 10.0.0.15:80 forwarding dr weight 1',
      '~ tcp 10.0.0.1:80 real 10.0.0.11:80 weight 1 -> 0',
      '~ tcp 10.0.0.1:80 real 10.0.0.12:80 weight 3 -> 0 (drains)',
      '- tcp 10.0.0.1:80 real 10.0.0.14:80',
    ]);
    const image = new TableImage([actual]);
    for (const operation of plan) image.apply(operation);
    const kept = image
      .service(serviceKey(actual))
      ?.destinations.find(({ weight, upperThreshold }) => weight === 0 && upperThreshold === 9);
    expect(kept).toBeDefined();
  });

  it('keeps the operations of a service together', () => {
    fc.assert(
      fc.property(arbitraryTable, arbitraryTable, (desired, actual) => {
        const keys = planChanges(desired, actual, DELETE).map(({ service }) => serviceKey(service));
        const runs = keys.filter((key, i) => key !== keys[i - 1]);
        expect(runs).toEqual([...new Set(keys)]);
      }),
    );
  });

  it('adds before it edits, edits up before it edits down, and deletes last', () => {
    const actual = service(
      'tcp 10.0.0.1:80',
      {},
      ['10.0.0.11:80', 5],
      ['10.0.0.12:80', 0],
      ['10.0.0.13:80', 1],
    );
    const desired = service(
      'tcp 10.0.0.1:80',
      { scheduler: 'wlc', persistenceSec: 300 },
      ...([
        ['10.0.0.11:80', 0],
        ['10.0.0.12:80', 7, { upperThreshold: 9 }],
        ['10.0.0.14:80', 1],
      ] as const),
    );
    expect(lines(planChanges([desired], [actual], KEEP))).toEqual([
      '~ tcp 10.0.0.1:80 scheduler wrr -> wlc persistence 0s -> 300s',
      '+ tcp 10.0.0.1:80 real 10.0.0.14:80 forwarding dr weight 1',
      '~ tcp 10.0.0.1:80 real 10.0.0.12:80 weight 0 -> 7 upper 0 -> 9',
      '~ tcp 10.0.0.1:80 real 10.0.0.11:80 weight 5 -> 0',
      '- tcp 10.0.0.1:80 real 10.0.0.13:80',
    ]);
  });

  it('adds a service before its destinations', () => {
    expect(
      lines(planChanges([service('udp 10.0.0.1:53', { onePacket: true }, ['10.0.0.11:53', 1])], [], KEEP)),
    ).toEqual([
      '+ udp 10.0.0.1:53 scheduler wrr ops on',
      '+ udp 10.0.0.1:53 real 10.0.0.11:53 forwarding dr weight 1',
    ]);
  });

  it.each<[string, Partial<ServiceHead>]>([
    ['scheduler', { scheduler: 'rr' }],
    ['schedulerFlags', { schedulerFlags: 1 }],
    ['persistenceSec', { persistenceSec: 1 }],
    ['persistencePrefix', { persistencePrefix: 24 }],
    ['persistenceEngine', { persistenceEngine: 'sip' }],
    ['onePacket', { onePacket: true }],
  ])('edits a service that differs in its %s alone', (_field, settings) => {
    const [before, after] = [service('udp 10.0.0.1:53'), service('udp 10.0.0.1:53', settings)];
    for (const [from, to] of [
      [before, after],
      [after, before],
    ] as const)
      expect(planChanges([to], [from], KEEP)).toEqual([{ kind: 'editService', service: to, before: from }]);
  });

  it.each<[string, Partial<Destination>]>([
    ['weight', { weight: 2 }],
    ['forwarding', { forwarding: 'tun' }],
    ['tunnel type', { tunnel: { type: 'gre', port: 0, flags: 'nocsum' } }],
    ['tunnel port', { tunnel: { type: 'ipip', port: 1, flags: 'nocsum' } }],
    ['tunnel flags', { tunnel: { type: 'ipip', port: 0, flags: 'csum' } }],
    ['lowerThreshold', { lowerThreshold: 1, upperThreshold: 9 }],
    ['upperThreshold', { upperThreshold: 10 }],
  ])('edits a destination that differs in its %s alone', (_field, rest) => {
    const [before, after] = [{ upperThreshold: 9 }, { upperThreshold: 9, ...rest }].map((limits) =>
      service('tcp 10.0.0.1:80', {}, ['10.0.0.11:80', 1, limits]),
    ) as [Service, Service];
    for (const [from, to] of [
      [before, after],
      [after, before],
    ] as const)
      expect(planChanges([to], [from], KEEP).map(({ kind }) => kind)).toEqual(['editDestination']);
  });

  it('touches unknown services only where it may', () => {
    const foreign = service('tcp 10.0.0.9:80', {}, ['10.0.0.11:80', 1]);
    expect(planChanges([], [foreign], KEEP)).toEqual([]);
    expect(lines(planChanges([], [foreign], DELETE))).toEqual(['- tcp 10.0.0.9:80']);
  });

  it('does not touch what is protected, wanted or not', () => {
    fc.assert(
      fc.property(arbitraryTable, arbitraryTable, fc.boolean(), (desired, actual, deleteUnmanaged) => {
        const some = [...desired, ...actual].filter((_, i) => i % 2 === 0);
        const protect = new Set(some.map((service) => describeService(service).replace(' IPv6', '')));
        const plan = planChanges(desired, actual, { deleteUnmanaged, protect });
        const touched = plan.map(({ service }) => describeService(service).replace(' IPv6', ''));
        expect(touched.filter((name) => protect.has(name))).toEqual([]);
        const others = planChanges(desired, actual, { deleteUnmanaged }).filter(
          ({ service }) => !protect.has(describeService(service).replace(' IPv6', '')),
        );
        expect(plan).toEqual(others);
      }),
    );
  });

  it('is cut between services only', () => {
    fc.assert(
      fc.property(arbitraryTable, arbitraryTable, fc.integer({ min: 1, max: 9 }), (desired, actual, size) => {
        const plan = planChanges(desired, actual, DELETE);
        const slices = sliceByService(plan, size);
        expect(slices.flat()).toEqual(plan);
        const keys = slices.map((slice) => new Set(slice.map(({ service }) => serviceKey(service))));
        expect(keys.reduce((sum, { size }) => sum + size, 0)).toBe(
          new Set(keys.flatMap((set) => [...set])).size,
        );
        for (const slice of slices.slice(0, -1)) expect(slice.length).toBeGreaterThanOrEqual(size);
      }),
    );
  });

  it('takes the same number as different services for IPv4 and IPv6 marks, tcp and udp', () => {
    const names = ['fwmark 7', 'fwmark 7 IPv6', 'tcp 10.0.0.1:80', 'udp 10.0.0.1:80'];
    const all = names.map((name) => service(name));
    expect(planChanges(all, [...all].reverse(), DELETE)).toEqual([]);
    expect(lines(planChanges(all, all.slice(1), DELETE))).toEqual(['+ fwmark 7 scheduler wrr']);
  });
});
