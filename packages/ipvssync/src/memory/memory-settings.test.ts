import { describe, expect, it } from 'vitest';
import type { SettingsChange } from '../ipvs/settings.js';
import { daemon } from '../ipvs/settings.test-kit.js';
import { destination, service } from '../ipvs/table.test-kit.js';
import { MemoryTable } from './memory-table.js';

const WEB = service('tcp 10.0.0.1:80');
const TUNNEL6 = destination('[fd00::1]:80', 1, { forwarding: 'tun' });
const start = (...args: Parameters<typeof daemon>): SettingsChange => ({
  kind: 'startDaemon',
  daemon: daemon(...args),
});
const stop = (state: 'master' | 'backup'): SettingsChange => ({ kind: 'stopDaemon', daemon: daemon(state) });

async function outcomes(table: MemoryTable, ...changes: readonly SettingsChange[]): Promise<string[]> {
  const results: string[] = [];
  for (const change of changes) {
    const result = await table.settings.apply(change);
    results.push(result.ok ? 'ok' : result.errno);
  }
  return results;
}

describe('MemorySettings', () => {
  it('begins as a kernel does', async () => {
    expect(await new MemoryTable().settings.read()).toEqual({
      timeouts: { tcpSec: 900, tcpFinSec: 120, udpSec: 300 },
      daemons: [],
    });
  });

  it('runs one daemon of each state', async () => {
    const changes = [start('master'), start('backup'), start('master'), stop('master'), stop('master')];
    expect(await outcomes(new MemoryTable(), ...changes)).toEqual(['ok', 'ok', 'EEXIST', 'ok', 'ESRCH']);
  });

  it('refuses what a daemon cannot work with', async () => {
    const table = new MemoryTable();
    expect(
      await outcomes(table, start('master', { device: 'nosuch0' }), start('master', { group: '10.0.0.1' })),
    ).toEqual(['ENODEV', 'EINVAL']);
  });

  it('refuses daemons beside reals of the other IP version, and those beside daemons', async () => {
    const mixed = new MemoryTable([{ ...WEB, destinations: [TUNNEL6] }]);
    expect(await outcomes(mixed, start('backup'))).toEqual(['EINVAL']);
    const synced = new MemoryTable([WEB]);
    await outcomes(synced, start('backup'));
    const add = { kind: 'addDestination', service: WEB, destination: TUNNEL6 } as const;
    const faulty = { ...add, destination: { ...TUNNEL6, weight: -1 } };
    const refused = { ok: false, errno: 'EINVAL' };
    expect(await synced.apply([add, faulty])).toEqual([refused, refused]);
  });

  it.each([
    ['master', '224.0.0.81', 0, 1472],
    ['master', 'ff02::1', 0, 1452],
    ['master', '224.0.0.81', 65_530, 65_507],
    ['backup', 'ff02::1', 65_530, 65_487],
    ['master', '224.0.0.81', 500, 500],
    ['backup', '224.0.0.81', 500, 1024],
  ] as const)('gives a %s with group %s and maxlen %i one of %i', async (state, group, asked, got) => {
    const table = new MemoryTable();
    await outcomes(table, start(state, { group, maxlenBytes: asked }));
    expect((await table.settings.read()).daemons).toMatchObject([{ maxlenBytes: got }]);
  });

  it('leaves a timeout of 0 as it is', async () => {
    const table = new MemoryTable();
    const timeouts = { tcpSec: 0, tcpFinSec: 0, udpSec: 60 };
    await outcomes(table, { kind: 'setTimeouts', timeouts, before: timeouts });
    expect((await table.settings.read()).timeouts).toEqual({ tcpSec: 900, tcpFinSec: 120, udpSec: 60 });
  });
});
