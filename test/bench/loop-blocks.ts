import { setTimeout as delay } from 'node:timers/promises';

/** How long the event loop of this process was held up. */
export interface Blocks {
  readonly tookMs: number;
  /** Sum of all turns above 3 ms: shorter ones are the ordinary work of the tests. */
  readonly totalMs: number;
  readonly longestMs: number;
}

const BLOCK_MS = 3;
const AFTERWARDS_MS = 50;

/** A turn of the event loop that takes long is seen as a gap between two `setImmediate`s. */
export async function measureBlocks(work: () => Promise<void>): Promise<Blocks> {
  const startMs = performance.now();
  let lastMs = startMs;
  let totalMs = 0;
  let longestMs = 0;
  let isOver = false;
  const turn = (): void => {
    const nowMs = performance.now();
    const gapMs = nowMs - lastMs;
    lastMs = nowMs;
    if (gapMs > BLOCK_MS) totalMs += gapMs;
    longestMs = Math.max(longestMs, gapMs);
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  await work();
  await delay(AFTERWARDS_MS); // what follows in the next turns belongs to it
  isOver = true;
  return { tookMs: performance.now() - startMs - AFTERWARDS_MS, totalMs, longestMs };
}
