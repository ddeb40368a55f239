const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 60_000;
/** A process that lived as long has started well: its end is not one of a row. */
const HEALTHY_LIFE_MS = 60_000;

/**
 * How long to wait before a process is started again: a second, twice as long with each death in a row, a minute at most.
 *
 * @param previousMs The last wait; 0 before the first death.
 * @param livedMs How long the process lived.
 */
export function restartDelay(previousMs: number, livedMs: number): number {
  if (previousMs === 0 || livedMs >= HEALTHY_LIFE_MS) return FIRST_DELAY_MS;
  return Math.min(previousMs * 2, LONGEST_DELAY_MS);
}
