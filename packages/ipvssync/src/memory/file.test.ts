import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { daemon } from '../ipvs/settings.test-kit.js';
import { service } from '../ipvs/table.test-kit.js';
import { openMemoryTable } from './file.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ipvssync-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('openMemoryTable', () => {
  it('finds again what it was told', async () => {
    const file = join(directory, 'table');
    const web = service('tcp 10.0.0.1:80');
    await openMemoryTable(file).apply([{ kind: 'addService', service: web }]);
    expect(readFileSync(file, 'utf8')).toBe('-A -t 10.0.0.1:80 -s wrr\n');
    expect(await openMemoryTable(file).read()).toEqual([web]);
  });

  it('keeps timeouts and sync daemons in lines that ipvsadm --restore takes', async () => {
    const file = join(directory, 'table');
    const timeouts = { tcpSec: 600, tcpFinSec: 60, udpSec: 30 };
    const { settings } = openMemoryTable(file);
    await settings.apply({ kind: 'setTimeouts', timeouts, before: timeouts });
    await settings.apply({ kind: 'startDaemon', daemon: daemon('backup', { maxlenBytes: 1100 }) });
    await settings.apply({ kind: 'startDaemon', daemon: daemon('master', { group: 'ff02::1:2' }) });
    expect(readFileSync(file, 'utf8').split('\n')).toEqual([
      '--set 600 60 30',
      '--start-daemon master --mcast-interface lo --syncid 5 --sync-maxlen 1452 --mcast-group ff02::1:2 --mcast-port 8848 --mcast-ttl 1',
      '--start-daemon backup --mcast-interface lo --syncid 5 --sync-maxlen 1100 --mcast-group 224.0.0.81 --mcast-port 8848 --mcast-ttl 1',
      '',
    ]);
    expect(await openMemoryTable(file).settings.read()).toEqual(await settings.read());
  });

  it.each([
    ['--set 1 2', 'expected --set or --start-daemon as ipvssync writes them, got "--set 1 2"'],
    ['--set 1 2 2147484', 'the kernel would refuse it: EINVAL'],
  ])('names the line of a setting that it refuses: %s', (line, message) => {
    const file = join(directory, 'table');
    writeFileSync(file, `-A -t 10.0.0.1:80 -s rr\n${line}\n`);
    expect(() => openMemoryTable(file)).toThrow(`${file}:2: ${message}`);
  });

  it('refuses a file that cannot be read as a table, and leaves it alone', () => {
    const file = join(directory, 'table');
    writeFileSync(file, 'precious\n');
    expect(() => openMemoryTable(file)).toThrow(`${file}:1: expected -A or -a, got "precious"`);
    expect(readFileSync(file, 'utf8')).toBe('precious\n');
  });

  it('begins empty without a file', async () => {
    expect(await openMemoryTable(undefined).read()).toEqual([]);
  });
});
