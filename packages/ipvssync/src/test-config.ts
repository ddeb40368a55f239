import { messageOf, SureAliveError } from '@surealived/shared/errors';
import type { Host } from '@surealived/shared/process-host';
import type { SurealivedConfig } from '@surealived/shared/surealived-cfg';
import { readFullSnapshot, refuseWithout } from './handover.js';

/** `-t`: reads the full snapshot and says what it holds, or all that is wrong with it. @returns Whether it is sound. */
export function testConfig({ full_sync_file }: SurealivedConfig, { stdout, stderr }: Host): boolean {
  try {
    refuseWithout(full_sync_file);
    const { virtuals } = readFullSnapshot(full_sync_file);
    const reals = virtuals.reduce((sum, virtual) => sum + virtual.reals.length, 0);
    stdout.write(`${full_sync_file}: ${virtuals.length} virtuals, ${reals} reals\n`);
    return true;
  } catch (error) {
    if (!(error instanceof SureAliveError)) throw error;
    stderr.write(`${messageOf(error)}\n`);
    return false;
  }
}
