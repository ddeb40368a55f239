import type { SnapshotVirtual } from '@surealived/shared/snapshot/format';
import type { TableStatus } from '../keeper/table-status.js';

/** How a daemon fares at a moment: its table, and what was handed over. */
export interface FollowStatus extends TableStatus {
  /** Of the snapshot in force, where its writer gives any. */
  readonly generation: number | undefined;
  readonly virtuals: readonly SnapshotVirtual[];
  /** Whether a diff line was refused, so that a verdict is missing until the next full snapshot. */
  readonly isIncomplete: boolean;
  /** Why the files are refused, or cannot be read. */
  readonly trouble: string | undefined;
}
