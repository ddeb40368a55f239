import { accessSync, constants } from 'node:fs';
import { isExpected, messageOf } from '@surealived/shared/errors';
import type { Host } from '@surealived/shared/process-host';
import type { SurealivedConfig } from '@surealived/shared/surealived-cfg';
import type { Options } from '../cli/options.js';
import { readFullSnapshot, refuseEmpty, refuseWithout } from '../handover/full-snapshot.js';
import { wantedSettings } from '../keeper/sync-role.js';

/**
 * `-t`: looks at all that a start needs, and says what the full snapshot holds, or everything that would keep ipvssync
 * from starting. With `--wait` that needs no snapshot. @returns Whether nothing would.
 */
export function testConfig(
  { allowEmpty, wait }: Pick<Options, 'allowEmpty' | 'wait'>,
  config: SurealivedConfig,
  { stdout, stderr }: Host,
): boolean {
  const { full_sync_file, lock_sync_file } = config;
  const lookAtSnapshot = (): void => {
    refuseWithout(full_sync_file);
    const snapshot = readFullSnapshot(full_sync_file);
    if (!allowEmpty) refuseEmpty(snapshot, full_sync_file);
    const { virtuals } = snapshot;
    const reals = virtuals.reduce((sum, virtual) => sum + virtual.reals.length, 0);
    stdout.write(`${full_sync_file}: ${virtuals.length} virtuals, ${reals} reals\n`);
  };
  const lookAtLock = (): void => {
    refuseWithout(lock_sync_file);
    accessSync(lock_sync_file, constants.R_OK);
  };
  const lookAtSettings = (): unknown => wantedSettings(config);
  const looks = wait ? [lookAtSettings] : [lookAtSnapshot, lookAtLock, lookAtSettings];
  let isSound = true;
  for (const look of looks) {
    try {
      look();
    } catch (error) {
      if (!isExpected(error)) throw error;
      stderr.write(`${messageOf(error)}\n`);
      isSound = false;
    }
  }
  return isSound;
}
