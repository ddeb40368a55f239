import { createLogger } from '@surealived/shared/log';
import { expect, it } from 'vitest';
import { daemon } from '../ipvs/settings.test-kit.js';
import { MemoryTable } from '../memory/memory-table.js';
import { SettingsKeeper } from './settings-keeper.js';

it('repairs drift, tells a failure once and its end, and tries it again when it is due', async () => {
  const lines: string[] = [];
  const sink = { write: (line: string) => lines.push(line.replace(/^\S+ \S+ /, '').trim()) };
  const { settings } = new MemoryTable();
  let nowMs = 0;
  let device = 'nosuch0';
  const keeper = new SettingsKeeper({
    store: settings,
    want: () => ({
      timeouts: { tcpSec: 600, tcpFinSec: 0, udpSec: 0 },
      daemons: [daemon('backup', { device })],
    }),
    log: createLogger('test', { level: 'debug', format: 'text', sink }),
    clock: { nowMs: () => nowMs, wallNow: () => new Date(0) },
  });
  const taken = (): string[] => lines.splice(0);
  await keeper.repair();
  expect(taken()).toEqual([
    'info  setting changed change="~ timeouts tcp 900s -> 600s"',
    expect.stringMatching(
      /^error setting failing setting=all reason="start sync daemon backup on nosuch0 .*ENODEV/,
    ),
  ]);
  device = 'lo';
  nowMs = 1_999;
  await keeper.retryIfDue();
  expect(taken()).toEqual([]);
  nowMs = 2_000;
  await keeper.retryIfDue();
  expect(taken()).toEqual([
    'info  setting changed change="+ sync daemon backup on lo syncid 5 group 224.0.0.81:8848 ttl 1"',
    'info  setting recovered setting=all',
  ]);
  await settings.apply({ kind: 'stopDaemon', daemon: daemon('backup') });
  await keeper.repair();
  expect(taken()).toHaveLength(1);
});

it('takes an error of the system for one that passes', async () => {
  const lines: string[] = [];
  const { settings } = new MemoryTable();
  const keeper = new SettingsKeeper({
    store: settings,
    want: () => {
      throw Object.assign(new Error('EMFILE: too many open files'), { syscall: 'open' });
    },
    log: createLogger('test', {
      level: 'debug',
      format: 'text',
      sink: { write: (line) => lines.push(line) },
    }),
    clock: { nowMs: () => 0, wallNow: () => new Date(0) },
  });
  await keeper.repair();
  expect(lines.join()).toContain('setting failing setting=all reason="EMFILE: too many open files"');
});
