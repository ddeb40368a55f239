import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** How long the event loop of this process was held up. */
export interface Blocks {
  readonly tookMs: number;
  /** Sum of all turns above 3 ms: shorter ones are the ordinary work of the tests. */
  readonly totalMs: number;
  readonly longestMs: number;
  /** How long the main thread could have run but had to wait for a core: nothing of ours, but of a busy machine. */
  readonly waitedMs: number;
}

const BLOCK_MS = 3;
const AFTERWARDS_MS = 50;

/** A turn of the event loop that takes long is seen as a gap between two `setImmediate`s. */
export async function measureBlocks(work: () => Promise<void>): Promise<Blocks> {
  const waitedBeforeMs = readWaitedMs();
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
  const tookMs = performance.now() - startMs - AFTERWARDS_MS;
  return { tookMs, totalMs, longestMs, waitedMs: readWaitedMs() - waitedBeforeMs };
}

/** Of the main thread so far (proc(5), schedstat); 0 where the kernel does not count it. */
function readWaitedMs(): number {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
}
