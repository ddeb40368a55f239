import { expect, it } from 'vitest';
import { combineLoads, shareFigures, writeLoad } from './load-figures.js';

const sentinels = (each: number) => ({
  sentinelsOpen: each,
  sentinelsBackedOff: each,
  sentinelBreaks: each,
  sentinelTests: each,
  lagMs: 3.5,
  worstLagMs: 20,
});

it('the load of several workers is the sum of their tests, and the worst of their stalls', () => {
  const loads = [
    { ...sentinels(1), running: 3, waiting: 0, longStalls: 1, stalledMs: 1500.5 },
    { ...sentinels(2), running: 4, waiting: 2, longStalls: 0, stalledMs: 100 },
  ];
  const figures = loads.map((load) => {
    const shared = shareFigures();
    writeLoad(load, shared);
    return shared;
  });
  expect(combineLoads(figures)).toEqual({
    ...sentinels(3),
    running: 7,
    waiting: 2,
    longStalls: 1,
    stalledMs: 1500.5,
  });
});
