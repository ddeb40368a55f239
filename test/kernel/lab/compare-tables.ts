/**
 * Runs in a namespace of its own: the same random operations on the kernel's table and on the one in memory must give
 * the same results, errors included, and the same table.
 *
 * The arguments are a seed and a number of runs; a difference is shrunk and ends it with status 1.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { addressFromBytes, parseAddress } from '@surealived/shared/address';
import fc from 'fast-check';
import { describeOperation } from 'ipvssync/describe';
import { KernelTable } from 'ipvssync/kernel/kernel-table';
import { ModuleLoader } from 'ipvssync/kernel/modules';
import { openNetlinkSocket } from 'ipvssync/kernel/netlink-socket';
import { MemoryTable } from 'ipvssync/memory/memory-table';
import type { Destination, IpvsTable, Operation, Service, ServiceHead } from 'ipvssync/table';

const [seed = 1, runs = 100] = process.argv.slice(2).map(Number);

const NETLINK_TIMEOUT_MS = 10_000;
const MAX_U32 = 0xffffffff;

const address = fc
  .constantFrom(
    ...['10.0.0.1', '10.0.0.2', '127.0.0.1', '0.0.0.0', '224.0.0.1', '255.255.255.255'],
    ...['fd00::1', 'fd00::2', '::1', '::', 'ff02::1', 'fe80::1', '::ffff:10.0.0.1'],
  )
  .map((text) => parseAddress(text) ?? assert.fail(text));

const identity = fc.oneof(
  fc.record({
    protocol: fc.constantFrom('tcp', 'udp', 'sctp'),
    address: fc.constantFrom('10.0.0.1', 'fd00::1').map((text) => parseAddress(text) ?? assert.fail(text)),
    port: fc.constantFrom(0, 80),
    fwmark: fc.constant(0),
  }),
  fc.record({
    protocol: fc.constant('fwmark'),
    address: fc.constantFrom(4, 6).map((family) => addressFromBytes(family, new Uint8Array(16))),
    port: fc.constant(0),
    fwmark: fc.constantFrom(1, MAX_U32),
  }),
);

/** Mostly what the kernel takes: it has more to say of those. */
const service = identity.chain((id) =>
  fc
    .record({
      scheduler: fc.constantFrom('rr', 'wrr', 'lc', 'sh', 'mh', 'mh', 'none', 'nosuch'),
      schedulerFlags: fc.integer({ min: 0, max: 7 }),
      persistenceSec: fc.constantFrom(0, 1, 300),
      persistencePrefix: fc.constantFrom(
        ...(id.address.family === 4 ? [0, 1, 24, 32] : [0, 1, 64, 128, 129]),
      ),
      persistenceEngine: fc.constantFrom('', '', 'sip', 'nosuch'),
      onePacket: fc.boolean(),
    })
    .map((settings) => ({ ...id, ...settings }) as ServiceHead),
);

const threshold = fc.constantFrom(0, 0, 1, 50, MAX_U32);
const destination = fc.record({
  address,
  port: fc.constantFrom(0, 80),
  forwarding: fc.constantFrom('dr', 'masq', 'tun', 'tun', 'local'),
  weight: fc.constantFrom(-1, 0, 1, 10, 65_535, 0x7fffffff),
  lowerThreshold: threshold,
  upperThreshold: threshold,
  tunnel: fc.record({
    type: fc.constantFrom('ipip', 'gue', 'gre', 'type-3'),
    port: fc.constantFrom(0, 0, 6080),
    flags: fc.constantFrom('nocsum', 'csum', 'remcsum', 'flags-3'),
  }),
}) as fc.Arbitrary<Destination>;

const operation = fc.oneof(
  fc.record({
    kind: fc.constantFrom('addService', 'addService', 'editService', 'deleteService'),
    service,
    before: service,
  }),
  fc
    .record({
      kind: fc.constantFrom('addDestination', 'addDestination', 'editDestination', 'deleteDestination'),
      service,
      destination,
    })
    .map((of) => ({ ...of, before: of.destination })),
) as fc.Arbitrary<Operation>;

async function clear(table: IpvsTable): Promise<void> {
  await table.apply((await table.read()).map((service) => ({ kind: 'deleteService', service })));
}

async function outcome(table: IpvsTable, operations: readonly Operation[]): Promise<readonly unknown[]> {
  const results = await table.apply(operations);
  const lines = results.map((result, i) => `${operations[i]?.kind} ${result.ok ? 'ok' : result.errno}`);
  return [...lines, ...describe(await table.read())];
}

/** One text for each service, in one order. */
function describe(services: readonly Service[]): readonly string[] {
  const textOf = (value: unknown): string =>
    JSON.stringify(value, (key, part) => (key === 'address' ? part.text : part));
  return services
    .map(({ destinations, ...head }) => {
      const own = Object.entries(head).sort(([a], [b]) => (a < b ? -1 : 1));
      const reals = destinations.map((one) =>
        textOf(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1))),
      );
      return [textOf(own), ...reals.sort()].join('\n  ');
    })
    .sort();
}

const kernel = KernelTable.open(
  openNetlinkSocket(NETLINK_TIMEOUT_MS),
  new ModuleLoader(async () => 'not tried'),
);
const operationsOfRun = fc.array(operation, { minLength: 1, maxLength: 60 });
const report = await fc.check(
  fc.asyncProperty(operationsOfRun, async (operations) => {
    await clear(kernel);
    const inMemory = await outcome(new MemoryTable(), operations);
    assert.deepEqual(await outcome(kernel, operations), inMemory);
  }),
  { seed, numRuns: runs },
);
kernel.close();
if (report.failed) {
  const [operations = []] = report.counterexample ?? [];
  const steps = operations.map((one) => `${describeOperation(one)}\n`).join('');
  console.error(
    `run ${report.counterexamplePath}, kernel (+) and memory (-) after\n${steps}${report.errorInstance}`,
  );
  process.exitCode = 1;
} else console.log(`${runs} runs are alike`);
