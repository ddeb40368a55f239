import { statSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';

/** About 40,000 reals: with more, optimised code pays off even in a single round. */
const MAX_SNAPSHOT_BYTES = 4 << 20;

/**
 * Tells V8 that the process will be over within a second: optimised code and a growing young generation would then take
 * more fresh memory than they save time.
 *
 * @param snapshot The file whose size decides.
 */
export function prepareShortRun(snapshot: string): void {
  const size = statSync(snapshot, { throwIfNoEntry: false })?.size ?? 0;
  if (size > MAX_SNAPSHOT_BYTES) return;
  setFlagsFromString('--no-opt');
  setFlagsFromString('--semi-space-growth-factor=1');
}
