import { existsSync } from 'node:fs';
import { ConfigError, HandoverMissingError, SnapshotError } from '@surealived/shared/errors';
import type { Snapshot } from '@surealived/shared/snapshot/format';
import { readGeneration, readSnapshot } from '@surealived/shared/snapshot/read';
import { readMixedTextFile } from '@surealived/shared/text-file';

/** About a million reals. */
const MAX_SNAPSHOT_BYTES = 256 << 20;

/** Reads a full snapshot, in which names may have any bytes. @throws SnapshotError with all that is wrong, also where it cannot be read. */
export function readFullSnapshot(file: string): Snapshot {
  try {
    return readSnapshot(readMixedTextFile(file, MAX_SNAPSHOT_BYTES), file);
  } catch (error) {
    throw error instanceof ConfigError ? new SnapshotError(error.problems) : error;
  }
}

/** @throws SnapshotError where a snapshot has no virtual. */
export function refuseEmpty({ virtuals }: Snapshot, file: string): void {
  if (virtuals.length === 0)
    throw new SnapshotError([{ file, line: 0, message: 'no virtual at all; --allow-empty takes it' }]);
}

/** @throws HandoverMissingError */
export function refuseWithout(file: string): void {
  if (!existsSync(file)) throw new HandoverMissingError(`${file}: missing; surealived must run first`);
}

/** The generation of a snapshot that is whole, without reading the rest; `undefined` for any other. */
export function readSealedGeneration(file: string): number | undefined {
  return readGeneration(readMixedTextFile(file, MAX_SNAPSHOT_BYTES));
}
