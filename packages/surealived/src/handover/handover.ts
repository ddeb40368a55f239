import type { DiffEntry, SnapshotVirtual } from '@surealived/shared/snapshot/format';

/** How the table that the tester wants reaches the synchroniser. Files are one way; another can stand beside it. */
export interface Handover {
  /** Writes everything once, before the first test. @throws when it cannot: nobody would follow. */
  start(): Promise<void>;
  /** Passes a change on at once. Never throws: what cannot be written is kept and tried again. */
  change(entries: readonly DiffEntry[]): void;
  /** Writes everything anew for whoever starts to read; one that follows need not look. Never throws. */
  refresh(): Promise<void>;
  /** Writes everything anew, and has the reader read it: more has changed than `change` can tell. Never throws. */
  rewrite(): Promise<void>;
  /** Writes what is still waiting. */
  stop(): Promise<void>;
}

/** The present state of every virtual; asked whenever everything is written. */
export type SnapshotSource = () => readonly SnapshotVirtual[];

/** For `--no-sync`: nobody follows. */
export const NO_HANDOVER: Handover = {
  start: async () => undefined,
  change: () => undefined,
  refresh: async () => undefined,
  rewrite: async () => undefined,
  stop: async () => undefined,
};
