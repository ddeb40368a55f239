import type { DesiredService, Operation } from '../ipvs/table.js';
import type { TableImage } from '../ipvs/table-image.js';
import type { HeldBack, Permit } from './deletions.js';
import type { LeftAlone, PlanPolicy } from './protection.js';

export interface SynchroniserPolicy extends PlanPolicy {
  /** How many services and reals may be deleted in a round; any number where left away. */
  readonly maxDeletes?: number;
}

/** What a round did. */
export interface Round {
  /** What the table acknowledged, in order. */
  readonly done: readonly Operation[];
  /** Operations that were refused, or withheld for the sake of a service. */
  readonly refusedCount: number;
  /** The services that are not as desired, by `describeService`, with the reasons of each. */
  readonly failures: ReadonlyMap<string, string>;
  /** What somebody else did to the services that are ours, seen where the table was read again. */
  readonly drift: readonly Operation[];
  /** Deletions that were not made because they are too many. */
  readonly heldBack: HeldBack | undefined;
  /** What a round over the whole table does not touch; `undefined` of a smaller one. */
  readonly leftAlone: readonly LeftAlone[] | undefined;
  /** From the start of planning to the last acknowledgement, with reading where that was not done before, in parts. */
  readonly durationMs: number;
}

/** What a round is to do, and how it fares. */
export interface Work {
  readonly desired: readonly DesiredService[];
  readonly plan: (image: TableImage) => Operation[];
  /** What may be deleted besides, as what was counted when it began to drain. */
  readonly isAllowed: Permit;
  /** Whether it is about the whole table. */
  readonly isWhole: boolean;
  readonly done: Operation[];
  readonly drift: Operation[];
  /** How many services and reals may still be deleted. */
  deletesLeft: number;
  heldBack: HeldBack | undefined;
}
