import type { HeldDeletions } from '../plan/deletions.js';
import type { Drain } from '../plan/drain.js';
import type { LeftAlone } from '../plan/protection.js';
import type { Failure } from './failures.js';
import type { LatencyWindow } from './latency.js';
import type { Progress } from './progress.js';

/** How a daemon's table fares at a moment. Times are of the monotonic clock. */
export interface TableStatus {
  readonly nowMs: number;
  readonly progress: Pick<Progress, 'last' | 'lastChange' | 'readBackAtMs' | 'driftAtMs' | 'counts'>;
  /** Infinite for never. */
  readonly nextReadBackAtMs: number;
  /** What is not as desired, by virtual; `WHOLE_TABLE` for all of it. */
  readonly failing: readonly Failure[];
  readonly retryAtMs: number;
  /** The same of timeouts and sync daemons. */
  readonly settingsFailure: Failure | undefined;
  readonly settingsRetryAtMs: number;
  readonly heldBack: HeldDeletions['waiting'];
  readonly leftAlone: readonly LeftAlone[];
  readonly drains: readonly Drain[];
  readonly driftCount: number;
  /** From verdicts to the table. */
  readonly latency: Pick<LatencyWindow, 'count' | 'medianMs' | 'p99Ms'>;
}
