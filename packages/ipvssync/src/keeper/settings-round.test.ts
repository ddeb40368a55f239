import { describe, expect, it } from 'vitest';
import { describeSettingsChange, type SettingsChange, type SettingsStore } from '../ipvs/settings.js';
import { daemon } from '../ipvs/settings.test-kit.js';
import { MemoryTable } from '../memory/memory-table.js';
import { lookAtSettings, repairSettings } from './settings-round.js';

const AS_THEY_ARE = { tcpSec: 0, tcpFinSec: 0, udpSec: 0 };
const wanting = (...states: readonly ('master' | 'backup')[]) => ({
  timeouts: AS_THEY_ARE,
  daemons: states.map((state) => daemon(state)),
});
const start = (state: 'master' | 'backup'): SettingsChange => ({
  kind: 'startDaemon',
  daemon: daemon(state),
});

async function statesOf(store: SettingsStore): Promise<string[]> {
  return (await store.read()).daemons.map(({ state }) => state);
}

describe('repairSettings', () => {
  it('does not even read where nothing is wanted', async () => {
    const store: SettingsStore = {
      read: () => Promise.reject(new Error('read')),
      apply: () => Promise.reject(new Error('written')),
    };
    const want = () => ({ timeouts: AS_THEY_ARE, daemons: undefined });
    expect(await repairSettings(store, want)).toEqual({ done: [], failures: [] });
  });

  it('repairs once, and has nothing to do then', async () => {
    const { settings } = new MemoryTable();
    const want = () => ({ timeouts: { ...AS_THEY_ARE, udpSec: 10 }, daemons: [daemon('backup')] });
    const { done, failures } = await repairSettings(settings, want);
    expect(done.map(describeSettingsChange)).toEqual([
      '~ timeouts udp 300s -> 10s',
      '+ sync daemon backup on lo syncid 5 group 224.0.0.81:8848 ttl 1',
    ]);
    expect(failures).toEqual([]);
    expect(await repairSettings(settings, want)).toEqual({ done: [], failures: [] });
  });

  it('says what is refused, and leaves the old role in force', async () => {
    const { settings } = new MemoryTable();
    await settings.apply(start('backup'));
    const want = () => ({
      timeouts: AS_THEY_ARE,
      daemons: [daemon('master', { device: 'nosuch0' }), daemon('backup')],
    });
    const { done, failures } = await repairSettings(settings, want);
    expect(done).toEqual([]);
    expect(failures).toEqual([
      'start sync daemon master on nosuch0 syncid 5 group 224.0.0.81:8848 ttl 1: ENODEV (no such network interface)',
    ]);
    expect(await statesOf(settings)).toEqual(['backup']);
  });

  it('takes it for done where somebody else was quicker', async () => {
    const { settings } = new MemoryTable();
    const racing: SettingsStore = {
      read: () => settings.read(),
      apply: async (change) => {
        await settings.apply(change);
        return settings.apply(change);
      },
    };
    expect(await repairSettings(racing, () => wanting('master'))).toEqual({ done: [], failures: [] });
    expect(await statesOf(settings)).toEqual(['master']);
  });

  it('follows a role that is commanded while it works', async () => {
    const { settings } = new MemoryTable();
    let role: 'master' | 'backup' = 'master';
    const store: SettingsStore = {
      read: () => settings.read(),
      apply: (change) => {
        role = 'backup';
        return settings.apply(change);
      },
    };
    await repairSettings(store, () => wanting(role));
    expect(await statesOf(settings)).toEqual(['backup']);
  });
});

describe('lookAtSettings', () => {
  it('asks for the role after it has read, so that a command in between is not undone', async () => {
    const { settings } = new MemoryTable();
    await settings.apply(start('backup'));
    let role: 'master' | 'backup' = 'backup';
    const store: SettingsStore = {
      async read() {
        role = 'master'; // "--role master" notes its role and then changes the kernel
        await settings.apply(start('master'));
        await settings.apply({ kind: 'stopDaemon', daemon: daemon('backup') });
        return settings.read();
      },
      apply: (change) => settings.apply(change),
    };
    expect(await lookAtSettings(store, () => wanting(role))).toEqual([]);
  });
});
