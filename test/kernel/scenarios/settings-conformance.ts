import assert from 'node:assert/strict';
import { parseAddress } from '@surealived/shared/address';
import { openTable } from 'ipvssync/backend/backend';
import type { SettingsChange, SyncDaemon } from 'ipvssync/ipvs/settings';
import type { IpvsTable } from 'ipvssync/ipvs/table';
import { MemoryTable } from 'ipvssync/memory/memory-table';
import { buildNetwork } from '../lab/network.js';
import type { Scenario } from './scenario.js';

const NAMESPACE = 'lone';

/** The memory table must refuse what the kernel refuses, or tests that use it prove nothing. */
export const settingsConformance: Scenario = {
  name: 'settings-conformance',
  title: 'the kernel answers each change of timeouts and sync daemons as the memory table does',
  timeoutMs: 60_000,
  async run(lab) {
    await buildNetwork(lab, [{ name: NAMESPACE, legs: [] }]);
    const kernel = await openTable({ kind: 'kernel', netns: NAMESPACE });
    try {
      const memory = new MemoryTable();
      for (const change of CHANGES) await compare(kernel, memory, change);
    } finally {
      kernel.close();
    }
  },
};

function daemon(state: SyncDaemon['state'], rest: Partial<SyncDaemon> = {}): SyncDaemon {
  return {
    state,
    device: 'lo',
    syncId: 5,
    group: group('224.0.0.81'),
    port: 8848,
    ttl: 1,
    maxlenBytes: 0,
    ...rest,
  };
}

function group(text: string): SyncDaemon['group'] {
  const address = parseAddress(text);
  assert(address);
  return address;
}

const start = (...args: Parameters<typeof daemon>): SettingsChange => ({
  kind: 'startDaemon',
  daemon: daemon(...args),
});
const stop = (state: SyncDaemon['state']): SettingsChange => ({ kind: 'stopDaemon', daemon: daemon(state) });
const timeouts = (tcpSec: number, tcpFinSec: number, udpSec: number): SettingsChange => {
  const all = { tcpSec, tcpFinSec, udpSec };
  return { kind: 'setTimeouts', timeouts: all, before: all };
};

/** On `lo`, which is everywhere, but from where no IPv6 group is reached; a backup with its own largest message, since by default it is the interface's. */
const CHANGES: readonly SettingsChange[] = [
  timeouts(0, 0, 0),
  timeouts(1, 0, 86_400),
  timeouts(2_147_483, 7, 0),
  timeouts(0xffffffff, 7, 0),
  stop('master'),
  start('master', { device: 'nosuch0' }),
  start('master', { group: group('10.0.0.1') }),
  start('master', { maxlenBytes: 1200, ttl: 3, port: 9000, syncId: 255 }),
  start('master', { device: 'nosuch0' }),
  start('master'),
  start('backup', { maxlenBytes: 500, group: group('239.1.2.3') }),
  start('backup', { group: group('fd00::1') }),
  stop('master'),
  start('master'),
  stop('backup'),
  stop('backup'),
  start('backup', { maxlenBytes: 1472 }),
  stop('master'),
  start('master', { maxlenBytes: 60_000 }),
  stop('master'),
  stop('backup'),
  start('backup', { maxlenBytes: 65_530, group: group('ff02::1:2') }),
  stop('backup'),
];

async function compare(kernel: IpvsTable, memory: IpvsTable, change: SettingsChange): Promise<void> {
  const what = JSON.stringify(change);
  assert.deepEqual(await kernel.settings.apply(change), await memory.settings.apply(change), what);
  assert.deepEqual(await kernel.settings.read(), await memory.settings.read(), what);
}
