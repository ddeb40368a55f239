import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Destination, Service } from '../ipvs/table.js';
import { arbitraryTable, destination, service, sorted } from '../ipvs/table.test-kit.js';
import { TableImage } from '../ipvs/table-image.js';
import { planChanges } from '../plan/plan.js';
import { answer, connect, ipvsKernel, RATES, TOTALS } from './fake-kernel.test-kit.js';
import { KernelTable } from './kernel-table.js';
import { ModuleLoader } from './modules.js';

const NO_MODULES = new ModuleLoader(async () => 'no modules here');

describe('KernelTable', () => {
  it('reads the whole table', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryTable, async (services) => {
        const table = KernelTable.open(connect(ipvsKernel(new TableImage(services))), NO_MODULES);
        expect(sorted(await table.read())).toEqual(sorted(services));
      }),
    );
  });

  it.each([
    ['some services', 40, 1, 16],
    ['fewer services where they have many destinations', 6, 60, 2],
    ['a single one where that has more', 3, 150, 1],
  ])('reads parts of %s', async (_what, services, reals, expected) => {
    const many = Array.from({ length: reals }, (_, i) => [`10.0.1.${i}:80`, 1] as const);
    const all = Array.from({ length: services }, (_, i) => service(`tcp 10.0.0.${i}:80`, {}, ...many));
    const table = KernelTable.open(connect(ipvsKernel(new TableImage(all))), NO_MODULES);
    const sizes: number[] = [];
    for await (const part of table.readParts()) sizes.push(part.length);
    expect(Math.max(...sizes)).toBe(expected);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(services);
  });

  it('reads the connections of the destinations of one service', async () => {
    const web = service('tcp 10.0.0.1:80', {}, ['10.0.0.11:80', 1], ['10.0.0.12:80', 1]);
    const image = new TableImage([web, service('udp 10.0.0.1:53', {}, ['10.0.0.21:53', 1])]);
    const table = KernelTable.open(connect(ipvsKernel(image)), NO_MODULES);
    const none = { active: 0, inactive: 0, persistent: 0 };
    expect(await table.readConnections(web)).toEqual(
      web.destinations.map(({ address, port }) => ({ address, port, ...none })),
    );
    expect(await table.readConnections(service('tcp 10.0.0.9:80'))).toEqual([]);
  });

  it('reads the traffic of all services, a part at a time, while it is written', async () => {
    const many = Array.from({ length: 150 }, (_, i) => [`10.0.1.${i}:80`, 1] as const);
    const services = [1, 2, 3, 4].map((i) => service(`tcp 10.0.0.${i}:80`, {}, ...many));
    const table = KernelTable.open(connect(ipvsKernel(new TableImage(services))), NO_MODULES);
    const reading = table.readTraffic();
    const [, , third, fourth] = services as [Service, Service, Service, Service];
    const [real] = third.destinations as [Destination];
    const results = await table.apply([
      { kind: 'deleteDestination', service: third, destination: real },
      { kind: 'deleteService', service: fourth },
    ]);
    expect(results).toEqual([{ ok: true }, { ok: true }]);
    const traffic = await reading;
    expect(traffic.map((one) => [one.service.address.text, one.destinations.length])).toEqual([
      ['10.0.0.1', 150],
      ['10.0.0.2', 150],
      ['10.0.0.3', 149],
      ['10.0.0.4', 0], // as the kernel has it
    ]);
    expect(traffic[0]).toMatchObject({
      totals: TOTALS,
      perSecond: RATES,
      destinations: [{ active: 0, inactive: 0, persistent: 0 }, ...Array(149).fill({})],
    });
  });

  it('writes what a plan says, so that the next plan is empty', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryTable, arbitraryTable, async (desired, actual) => {
        const table = KernelTable.open(connect(ipvsKernel(new TableImage(actual))), NO_MODULES);
        const policy = { deleteUnmanaged: true };
        const results = await table.apply(planChanges(desired, await table.read(), policy));
        expect(results.filter(({ ok }) => !ok)).toEqual([]);
        expect(sorted(await table.read())).toEqual(sorted(desired));
      }),
    );
  });

  it.each<[string, number, number[], number[]]>([
    ['of which the first send would have no real', 127, [5, 5], [127, 3]],
    ['of which the first send would have no real with a weight', 126, [0, 5], [126, 3]],
    ['of which the first send has a real with a weight', 126, [5, 0], [128, 1]],
    ['that fits into the first send', 125, [0, 5], [128]],
    ['that has too many reals without a weight', 0, Array.from({ length: 150 }, () => 0), [128, 23]],
  ])(
    'sends a new service and what it serves with in one go: one %s',
    async (_what, before, weights, sends) => {
      const transport = connect(ipvsKernel());
      const table = KernelTable.open(transport, NO_MODULES);
      transport.sent.length = 0;
      const web = service(
        'tcp 10.0.0.1:80',
        {},
        ...weights.map((weight, i) => [`10.0.1.${i + 1}:80`, weight] as const),
      );
      const others = Array.from({ length: before }, (_, i) => service(`udp 10.0.2.${i + 1}:53`));
      const results = await table.apply(planChanges([...others, web], [], { deleteUnmanaged: false }));
      expect(results.every(({ ok }) => ok)).toBe(true);
      expect(transport.sent.map((requests) => requests.length)).toEqual(sends);
    },
  );

  it('names the errno of each operation that is refused', async () => {
    const table = KernelTable.open(connect(ipvsKernel()), NO_MODULES);
    const web = service('tcp 10.0.0.1:80');
    const real = destination('10.0.0.11:80', 1);
    const results = await table.apply([
      { kind: 'addDestination', service: web, destination: real },
      { kind: 'addService', service: service('tcp 10.0.0.1:80', { scheduler: 'nosuch' }) },
      { kind: 'addService', service: web },
      { kind: 'addService', service: web },
      { kind: 'deleteDestination', service: web, destination: real },
    ]);
    expect(results.map((result) => (result.ok ? 'ok' : result.errno))).toEqual([
      'ESRCH',
      'ENOENT',
      'ok',
      'EEXIST',
      'ENOENT',
    ]);
  });

  it('says how to load IPVS where the kernel has none', () => {
    const transport = connect((requests) => requests.map((request) => answer(request, 2)));
    expect(() => KernelTable.open(transport, NO_MODULES)).toThrow(
      'the kernel has no IPVS: load it with "modprobe ip_vs"',
    );
    expect(transport.isClosed).toBe(true);
  });

  it('says which capability is missing', () => {
    const kernel = ipvsKernel();
    const transport = connect((requests) =>
      requests.flatMap((request) => (request.type === 16 ? kernel([request]) : [answer(request, 1)])),
    );
    expect(() => KernelTable.open(transport, NO_MODULES)).toThrow(/^IPVS needs CAP_NET_ADMIN/);
    expect(transport.isClosed).toBe(true);
  });
});
