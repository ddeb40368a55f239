/**
 * Runs in a namespace of its own: the same random operations on the kernel's table and on the one in memory must give
 * the same results, errors included, and the same table.
 *
 * The arguments are a seed and a number of runs; a difference is shrunk and ends it with status 1.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { type Address, addressFromBytes, parseAddress } from '@surealived/shared/address';
import fc from 'fast-check';
import { describeOperation } from 'ipvssync/ipvs/describe';
import type { OperationResult } from 'ipvssync/ipvs/operation-result';
import { describeSettingsChange, type SettingsChange } from 'ipvssync/ipvs/settings';
import type { Destination, IpvsTable, Operation, Service, ServiceHead } from 'ipvssync/ipvs/table';
import { KernelTable } from 'ipvssync/kernel/kernel-table';
import { ModuleLoader } from 'ipvssync/kernel/modules';
import { openNetlinkSocket } from 'ipvssync/kernel/netlink-socket';
import { INITIAL_SETTINGS } from 'ipvssync/memory/memory-settings';
import { MemoryTable } from 'ipvssync/memory/memory-table';

const [seed = 1, runs = 100] = process.argv.slice(2).map(Number);

const NETLINK_TIMEOUT_MS = 10_000;
const MAX_U32 = 0xffffffff;

const address = fc
  .constantFrom(
    ...['10.0.0.1', '10.0.0.2', '127.0.0.1', '0.0.0.0', '224.0.0.1', '255.255.255.255'],
    ...['fd00::1', 'fd00::2', '::1', '::', 'ff02::1', 'fe80::1', '::ffff:10.0.0.1'],
  )
  .map(addressOf);

const identity = fc.oneof(
  fc.record({
    protocol: fc.constantFrom('tcp', 'udp', 'sctp'),
    address: fc.constantFrom('10.0.0.1', 'fd00::1').map(addressOf),
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

/** On `lo`, which every namespace has; see `settings-conformance` for more of them. */
const settingsChange = fc.oneof(
  fc.record({
    kind: fc.constantFrom('startDaemon', 'startDaemon', 'stopDaemon'),
    daemon: fc.record({
      state: fc.constantFrom('master', 'backup'),
      device: fc.constantFrom('lo', 'lo', 'lo', 'nosuch0'),
      syncId: fc.constantFrom(0, 255),
      group: fc.constantFrom('224.0.0.81', '224.0.0.81', '10.0.0.1').map(addressOf),
      port: fc.constantFrom(8848, 9000),
      ttl: fc.constantFrom(1, 3),
      maxlenBytes: fc.constantFrom(500, 1472),
    }),
  }),
  fc
    .record({
      tcpSec: fc.constantFrom(0, 7, MAX_U32),
      tcpFinSec: fc.constantFrom(0, 7),
      udpSec: fc.constantFrom(0, 7),
    })
    .map((timeouts) => ({ kind: 'setTimeouts', timeouts, before: timeouts })),
) as fc.Arbitrary<SettingsChange>;

/** A batch, and maybe something else after it. */
const step = fc.record({
  operations: fc.array(operation, { minLength: 1, maxLength: 40 }),
  change: fc.option(settingsChange, { nil: undefined, freq: 2 }),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** To what a kernel begins with. */
async function reset(table: IpvsTable): Promise<void> {
  await table.apply((await table.read()).map((service) => ({ kind: 'deleteService', service })));
  const { daemons, timeouts: before } = await table.settings.read();
  for (const daemon of daemons) await table.settings.apply({ kind: 'stopDaemon', daemon });
  await table.settings.apply({ kind: 'setTimeouts', timeouts: INITIAL_SETTINGS.timeouts, before });
}

async function outcome(table: IpvsTable, steps: readonly Step[]): Promise<readonly unknown[]> {
  const lines: string[] = [];
  for (const { operations, change } of steps) {
    const results = await table.apply(operations);
    lines.push(...results.map((result, i) => describeResult(operations[i]?.kind, result)));
    if (change) lines.push(describeResult(change.kind, await table.settings.apply(change)));
  }
  return [...lines, ...describe(await table.read()), textOf(await table.settings.read())];
}

function describeResult(kind: string | undefined, result: OperationResult): string {
  return `${kind} ${result.ok ? 'ok' : result.errno}`;
}

/** One text for each service, in one order. */
function describe(services: readonly Service[]): readonly string[] {
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

function textOf(value: unknown): string {
  return JSON.stringify(value, (key, part) => (key === 'address' || key === 'group' ? part.text : part));
}

function addressOf(text: string): Address {
  return parseAddress(text) ?? assert.fail(text);
}

const kernel = KernelTable.open(
  openNetlinkSocket(NETLINK_TIMEOUT_MS),
  new ModuleLoader(async () => 'not tried'),
);
const report = await fc.check(
  fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 4 }), async (steps) => {
    await reset(kernel);
    const inMemory = await outcome(new MemoryTable(), steps);
    assert.deepEqual(await outcome(kernel, steps), inMemory);
  }),
  { seed, numRuns: runs },
);
kernel.close();
if (report.failed) {
  const [taken = []] = report.counterexample ?? [];
  const steps = taken
    .flatMap(({ operations, change }) => [
      ...operations.map((one) => `${describeOperation(one)}\n`),
      ...(change ? [`${describeSettingsChange(change)}\n`] : []),
    ])
    .join('');
  console.error(
    `run ${report.counterexamplePath}, kernel (+) and memory (-) after\n${steps}${report.errorInstance}`,
  );
  process.exitCode = 1;
} else console.log(`${runs} runs are alike`);
