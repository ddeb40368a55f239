/**
 * What the main thread and its workers tell each other.
 *
 * A real's tests under one configuration are a series. Each has a number that is never used again, so that what still
 * arrives of one that a reload has ended is known by it, and dropped.
 *
 * @module
 */
import type { Problem } from '@surealived/shared/errors';
import type { SurealivedConfig } from '@surealived/shared/surealived-cfg';
import type { Capacity } from '../engine/capacity.js';
import type { Outcome } from '../engine/outcome.js';
import type { Health } from '../health/damping.js';
import type { SentinelPhase } from '../sentinel/policy.js';
import type { OutcomeBatch } from './outcome-batch.js';

/** What a worker is begun with. */
export interface WorkerStart {
  readonly config: SurealivedConfig;
  /** Its part. */
  readonly capacity: Capacity;
  /** In shared memory: where it writes how busy it is, as `LOAD_FIGURES` says. */
  readonly figures: Float64Array;
  /** In shared memory: 1 from when it may be torn down. */
  readonly hasEnded: Int32Array;
  /** Where the main thread's clock begins (see clock-origin.ts). */
  readonly clockOriginMs: number;
}

/** A virtual as its worker shall test it from now on. */
export interface AssignedVirtual {
  /** As `packVirtual` makes it. */
  readonly text: string;
  /** The series of each of its reals, in order; a number that is new begins one. */
  readonly series: readonly number[];
  /** What the tests of each have said so far; for those that begin. */
  readonly health: readonly Health[];
}

export type ToWorker =
  | { readonly kind: 'load'; readonly config: SurealivedConfig }
  /** `removed` has the keys of virtuals. */
  | {
      readonly kind: 'assign';
      readonly virtuals: readonly AssignedVirtual[];
      readonly removed: readonly string[];
    }
  | { readonly kind: 'check'; readonly check: number; readonly series: number }
  | { readonly kind: 'stop' };

/** What is traced: the last test of a series, or a check. */
export type Traced = { readonly series: number } | { readonly check: number };

export type FromWorker =
  /** Without problems, the testers are there. */
  | { readonly kind: 'loaded'; readonly problems: readonly Problem[] }
  | ({ readonly kind: 'outcomes' } & OutcomeBatch)
  | { readonly kind: 'checked'; readonly check: number; readonly outcome: Outcome }
  /** A test of a series begins that is to be traced. */
  | { readonly kind: 'begun'; readonly series: number }
  | {
      readonly kind: 'said';
      readonly traced: Traced;
      readonly direction: 'sent' | 'received';
      /** By the clock of the main thread. */
      readonly atMs: number;
      readonly data: Uint8Array;
    }
  /** What the sentinel of a real does now; `undefined` when it has none any more. */
  | { readonly kind: 'sentinel'; readonly series: number; readonly phase: SentinelPhase | undefined }
  | { readonly kind: 'stalled'; readonly stallMs: number };
