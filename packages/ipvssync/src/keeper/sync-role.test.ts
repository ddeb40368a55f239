import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig, type SurealivedConfig } from '@surealived/shared/surealived-cfg';
import { expect, it, onTestFinished } from 'vitest';
import { daemon } from '../ipvs/settings.test-kit.js';
import { readCommandedRole, wantedSettings, writeCommandedRole } from './sync-role.js';

const BOOT = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

function roleFile(): string {
  const directory = mkdtempSync(join(tmpdir(), 'ipvssync-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return join(directory, 'sync.role');
}

const configured = (file: string, ...lines: readonly string[]): SurealivedConfig =>
  parseConfig([`ipvs_sync_role_file ${file}`, ...lines].join('\n'), 'f').config;

it('wants what the configuration says', () => {
  const config = configured(
    roleFile(),
    'ipvs_timeout_udp_sec 30',
    'ipvs_sync_role both',
    'ipvs_sync_interface eth0',
    'ipvs_sync_id 7',
    'ipvs_sync_group ff02::1:2',
    'ipvs_sync_port 9000',
    'ipvs_sync_ttl 3',
    'ipvs_sync_maxlen_bytes 65507',
  );
  const rest = { device: 'eth0', syncId: 7, group: 'ff02::1:2', port: 9000, ttl: 3, maxlenBytes: 65_487 };
  expect(wantedSettings(config)).toEqual({
    timeouts: { tcpSec: 0, tcpFinSec: 0, udpSec: 30 },
    daemons: [daemon('master', rest), daemon('backup', rest)],
  });
});

it('leaves the daemons alone without a role, and wants none with "none"', () => {
  const file = roleFile();
  expect(wantedSettings(configured(file)).daemons).toBeUndefined();
  expect(wantedSettings(configured(file, 'ipvs_sync_role none')).daemons).toEqual([]);
});

it.each(['master', 'unmanaged'])('lets the last command have precedence over "%s"', async (role) => {
  const file = roleFile();
  const config = configured(file, `ipvs_sync_role ${role}`, 'ipvs_sync_interface eth0');
  await writeCommandedRole(file, 'both');
  await writeCommandedRole(file, 'backup');
  expect(wantedSettings(config).daemons).toMatchObject([{ state: 'backup', device: 'eth0' }]);
});

it('forgets a command when the machine has booted since', () => {
  const file = roleFile();
  writeFileSync(file, 'role=backup boot_id=2f1e6a38-0000-4000-8000-000000000000\n');
  expect(readCommandedRole(file)).toBeUndefined();
  writeFileSync(file, `role=backup boot_id=${BOOT}\n`);
  expect(readCommandedRole(file)).toBe('backup');
});

it.each(['', 'backup', `role=primary boot_id=${BOOT}\n`, `role=backup boot_id=${BOOT}`])(
  'refuses a file that holds %j',
  (content) => {
    const file = roleFile();
    writeFileSync(file, content);
    expect(() => readCommandedRole(file)).toThrow(
      `${file}:1: expected what "ipvssync --role" writes; run it again`,
    );
  },
);

it('says which key a commanded role needs', async () => {
  const file = roleFile();
  await writeCommandedRole(file, 'master');
  expect(() => wantedSettings(configured(file))).toThrow(
    `${file}:1: role master needs ipvs_sync_interface in surealived.cfg, which is not given`,
  );
});
