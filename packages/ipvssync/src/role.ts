import { ConfigError } from '@surealived/shared/errors';
import type { Host } from '@surealived/shared/process-host';
import type { SurealivedConfig } from '@surealived/shared/surealived-cfg';
import { openTable } from './backend.js';
import type { Options } from './options.js';
import { describeSettingsChange } from './settings.js';
import { repairSettings } from './settings-round.js';
import { wantedSettings, writeCommandedRole } from './sync-role.js';

/**
 * `--role`: notes the role, and makes the kernel's sync daemons those of the role that is noted then; of two such
 * commands at a time both end with the later one's role. Timeouts are left alone. Needs no snapshot.
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
    await writeCommandedRole(config.ipvs_sync_role_file, role);
    const want = () => ({
      timeouts: { tcpSec: 0, tcpFinSec: 0, udpSec: 0 },
      daemons: wantedSettings(config).daemons,
    });
    const { done, failures } = await repairSettings(table.settings, want);
    for (const change of done) host.stdout.write(`${describeSettingsChange(change)}\n`);
    for (const reason of failures) host.stderr.write(`ipvssync: ${reason}\n`);
    if (done.length === 0 && failures.length === 0) host.stdout.write(`nothing to change for role ${role}\n`);
    return failures.length === 0;
  } finally {
    table.close();
  }
}
