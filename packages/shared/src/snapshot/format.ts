/**
 * The hand-over between surealived and ipvssync (spec section 5): a full snapshot and the diff lines that follow it.
 *
 * @module
 */
import type { ForwardingMethod, RealId, Tunnel, VirtualId } from '../model.js';

/** Written into `meta`; a reader takes any 1.x, since unknown keys are ignored. */
export const SNAPSHOT_VERSION = '1.0';

/** A real as it shall stand in IPVS. */
export interface SnapshotReal extends RealId {
  readonly name: string;
  /** Effective weight, 0..65535. */
  readonly weight: number;
  /** Connections below which an overloaded real is used again; 0 for none. */
  readonly lowerThreshold: number;
  /** Connections at which the real takes no new ones; 0 for none. */
  readonly upperThreshold: number;
  readonly forwarding: ForwardingMethod;
  /** `IPIP` unless `forwarding` is `tun`. */
  readonly tunnel: Tunnel;
}

/** What each diff line says of the virtual. */
export interface DiffVirtual extends VirtualId {
  readonly name: string;
  /** Default of its reals. */
  readonly forwarding: ForwardingMethod;
  readonly scheduler: string;
}

/** A virtual's own settings, without its reals. */
export interface SnapshotVirtualHead extends DiffVirtual {
  /** Flags of its scheduler, by name and in the order of `SCHEDULER_FLAGS`. */
  readonly schedulerFlags: readonly string[];
  /** Seconds; 0 for none. */
  readonly persistenceSec: number;
  /** Bits of a client's address that count for persistence: 1..32 or 1..128, or all, see `fullPrefix`. */
  readonly persistencePrefix: number;
  /** Persistence engine, `sip`; empty for none. */
  readonly persistenceEngine: string;
  /** One-packet scheduling (UDP only). */
  readonly onePacket: boolean;
  /** Seconds that a real which leaves stays at weight 0 for its connections; 0 for none. */
  readonly drainTimeoutSec: number;
}

export interface SnapshotVirtual extends SnapshotVirtualHead {
  readonly reals: readonly SnapshotReal[];
}

/** Written into `meta` beside the checksum: what the keys of the seal mean. */
export const SEAL_FORMAT = '1';

/** Of generations and times, which are milliseconds since 1970; 15 digits are exact. */
export const MAX_EPOCH_MS = 999_999_999_999_999;

/** What stands in a reload flag that asks for the snapshot whatever its generation is; other flags are empty. */
export const ANY_GENERATION = 'any-generation\n';

export interface Snapshot {
  /** Rises from snapshot to snapshot of one state; `undefined` where the writer has none, as the original. */
  readonly generation: number | undefined;
  /** The diff file that continues this snapshot, where it names one. */
  readonly diffFile: string | undefined;
  readonly virtuals: readonly SnapshotVirtual[];
}

export const DIFF_COMMANDS = ['addreal', 'chgreal', 'delreal'] as const;
export type DiffCommand = (typeof DIFF_COMMANDS)[number];

/** One change of one real. Diff lines do not carry all settings of the virtual. */
export interface DiffEntry {
  readonly command: DiffCommand;
  readonly virtual: DiffVirtual;
  readonly real: SnapshotReal;
  /** When it was decided, in milliseconds since 1970; the original does not tell. */
  readonly atMs?: number | undefined;
}
