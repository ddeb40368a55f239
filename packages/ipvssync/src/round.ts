import type { HeldBack } from './deletions.js';
import type { LeftAlone } from './protection.js';
import type { Operation } from './table.js';

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
  /** From the start of planning to the last acknowledgement, with reading where there was any. */
  readonly durationMs: number;
}
