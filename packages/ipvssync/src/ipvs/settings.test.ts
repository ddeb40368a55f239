import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryTable } from '../memory/memory-table.js';
import {
  describeSettingsChange,
  describeSettingsRefusal,
  planSettings,
  type Settings,
  type WantedSettings,
} from './settings.js';
import { arbitraryDaemons, arbitrarySettings, arbitraryTimeouts, daemon } from './settings.test-kit.js';

const DEFAULTS = { tcpSec: 900, tcpFinSec: 120, udpSec: 300 };
const AS_THEY_ARE = { tcpSec: 0, tcpFinSec: 0, udpSec: 0 };

const planned = (wanted: Partial<WantedSettings>, actual: Partial<Settings> = {}): string[] =>
  planSettings(
    { timeouts: AS_THEY_ARE, daemons: undefined, ...wanted },
    { timeouts: DEFAULTS, daemons: [], ...actual },
  ).map(describeSettingsChange);

describe('planSettings', () => {
  it('leaves what is not configured as it is', () => {
    expect(planned({}, { daemons: [daemon('master')] })).toEqual([]);
  });

  it('says which timeouts change, in seconds', () => {
    expect(planned({ timeouts: { tcpSec: 900, tcpFinSec: 60, udpSec: 30 } })).toEqual([
      '~ timeouts tcp_fin 120s -> 60s udp 300s -> 30s',
    ]);
    expect(planned({ timeouts: { tcpSec: 0, tcpFinSec: 120, udpSec: 0 } })).toEqual([]);
  });

  it('starts the new role before it stops the old one', () => {
    expect(planned({ daemons: [daemon('master')] }, { daemons: [daemon('backup')] })).toEqual([
      '+ sync daemon master on lo syncid 5 group 224.0.0.81:8848 ttl 1',
      '- sync daemon backup on lo syncid 5 group 224.0.0.81:8848 ttl 1',
    ]);
  });

  it('starts a daemon anew that differs, and leaves the other alone', () => {
    const actual = [daemon('master', { group: 'ff02::1' }), daemon('backup', { maxlenBytes: 1472 })];
    expect(planned({ daemons: [daemon('master'), daemon('backup')] }, { daemons: actual })).toEqual([
      '- sync daemon master on lo syncid 5 group [ff02::1]:8848 ttl 1',
      '+ sync daemon master on lo syncid 5 group 224.0.0.81:8848 ttl 1',
    ]);
  });

  it('stops all of them for no role', () => {
    expect(planned({ daemons: [] }, { daemons: [daemon('master'), daemon('backup')] })).toHaveLength(2);
  });

  it('makes a table as wanted without a refusal, and then has nothing left to do', async () => {
    const wanted = fc.record({
      timeouts: arbitraryTimeouts(0),
      daemons: fc.option(arbitraryDaemons, { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(wanted, arbitrarySettings, async (wanted, actual) => {
        const { settings } = new MemoryTable([], undefined, actual);
        for (const change of planSettings(wanted, await settings.read()))
          expect(await settings.apply(change)).toEqual({ ok: true });
        const after = await settings.read();
        expect(planSettings(wanted, after)).toEqual([]);
        expect(after.daemons.map(({ state }) => state)).toEqual(
          (wanted.daemons ?? actual.daemons).map(({ state }) => state),
        );
        expect(after.timeouts.udpSec).toBe(wanted.timeouts.udpSec || actual.timeouts.udpSec);
      }),
    );
  });
});

describe('describeSettingsRefusal', () => {
  it('says what was tried and what the errno means', () => {
    const change = { kind: 'startDaemon', daemon: daemon('master', { device: 'eth9' }) } as const;
    expect(describeSettingsRefusal(change, 'ENODEV')).toBe(
      'start sync daemon master on eth9 syncid 5 group 224.0.0.81:8848 ttl 1: ENODEV (no such network interface)',
    );
    const timeouts = { kind: 'setTimeouts', timeouts: { ...DEFAULTS, udpSec: 1 }, before: DEFAULTS } as const;
    expect(describeSettingsRefusal(timeouts, 'EINVAL')).toBe('set timeouts udp 300s -> 1s: EINVAL');
  });
});
