import type { EngineLoad } from '../admin/context.js';

/** The figures in their order, and how those of several workers become one: a stall of the whole process is one, not many. */
export const LOAD_FIGURES = {
  running: 'sum',
  waiting: 'sum',
  longStalls: 'max',
  stalledMs: 'max',
  lagMs: 'max',
  worstLagMs: 'max',
  sentinelsOpen: 'sum',
  sentinelsBackedOff: 'sum',
  sentinelBreaks: 'sum',
  sentinelTests: 'sum',
} as const satisfies Record<keyof EngineLoad, 'sum' | 'max'>;

const NAMES = Object.keys(LOAD_FIGURES) as readonly (keyof EngineLoad)[];

/** Where one thread writes and another reads. */
export function shareFigures(): Float64Array {
  return new Float64Array(new SharedArrayBuffer(NAMES.length * Float64Array.BYTES_PER_ELEMENT));
}

export function writeLoad(load: EngineLoad, figures: Float64Array): void {
  for (const [index, name] of NAMES.entries()) figures[index] = load[name];
}

export function combineLoads(workers: readonly Float64Array[]): EngineLoad {
  const combined = NAMES.map((name, index) => {
    const figures = workers.map((figures) => figures[index] ?? 0);
    const value = LOAD_FIGURES[name] === 'sum' ? figures.reduce((a, b) => a + b, 0) : Math.max(0, ...figures);
    return [name, value] as const;
  });
  return Object.fromEntries(combined) as unknown as EngineLoad;
}
