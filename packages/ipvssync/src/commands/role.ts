import { ConfigError } from '@surealived/shared/errors';
import { withFileLock } from '@surealived/shared/file-lock';
import type { Host } from '@surealived/shared/process-host';
import type { SurealivedConfig, SyncRole } from '@surealived/shared/surealived-cfg';
import { openTable } from '../backend/backend.js';
import type { Options } from '../cli/options.js';
import { describeSettingsChange, type SettingsStore } from '../ipvs/settings.js';
import { repairSettings } from '../keeper/settings-round.js';
import { wantedSettings, writeCommandedRole } from '../keeper/sync-role.js';

/** Above what the kernel takes to stop both daemons, of some commands in a row. */
const LOCK_TIMEOUT_MS = 30_000;
const AS_THEY_ARE = { tcpSec: 0, tcpFinSec: 0, udpSec: 0 };

/**
 * `--role`: notes the role, and makes the kernel's sync daemons those of the role. Timeouts are left alone. Needs no
 * snapshot. Such commands wait for each other, so that file and kernel both end with the role of the last.
 *
 * @returns Whether the daemons are as the role wants them.
 * @throws SureAliveError, or an error of the file system: then nothing was changed.
 */
export async function switchRole(
  { role = 'none', config: configFile, backend }: Options,
  config: SurealivedConfig,
  host: Host,
): Promise<boolean> {
  if (role !== 'none' && config.ipvs_sync_interface === '') {
    const message = `role ${role} needs ipvs_sync_interface, which is not given`;
    throw new ConfigError([{ file: configFile, line: 0, message }]);
  }
  const table = await openTable(backend);
  try {
    const lock = { timeoutMs: LOCK_TIMEOUT_MS, create: true };
    return await withFileLock(`${config.ipvs_sync_role_file}.lock`, lock, () =>
      takeOver(role, table.settings, config, host),
    );
  } finally {
    table.close();
  }
}

async function takeOver(
  role: SyncRole,
  store: SettingsStore,
  config: SurealivedConfig,
  { stdout, stderr }: Host,
): Promise<boolean> {
  await writeCommandedRole(config.ipvs_sync_role_file, role);
  const want = () => ({ timeouts: AS_THEY_ARE, daemons: wantedSettings(config).daemons });
  const { done, failures } = await repairSettings(store, want);
  for (const change of done) stdout.write(`${describeSettingsChange(change)}\n`);
  for (const reason of failures) stderr.write(`ipvssync: ${reason}\n`);
  if (done.length === 0 && failures.length === 0) stdout.write(`nothing to change for role ${role}\n`);
  return failures.length === 0;
}
