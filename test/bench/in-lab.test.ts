import { describe, expect, it } from 'vitest';
import { besidePeers } from './in-lab.js';
import type { Figure } from './report.js';

const FIGURE: Figure = { key: 'k', what: 'w', unit: 'ms', ours: 1, goal: { of: 'ours', atMost: 2 } };

describe('besidePeers', () => {
  it('has a line for each peer that was measured, and the goal once', () => {
    const measured = (name: string): number => ({ a: 3, c: 4 })[name] ?? Number.NaN;
    const { goal: _once, ...line } = FIGURE;
    expect(besidePeers(FIGURE, ['a', 'b', 'c'], measured)).toEqual([
      { ...FIGURE, peer: { name: 'a', value: 3 } },
      { ...line, peer: { name: 'c', value: 4 } },
    ]);
  });

  it('has ours alone where no peer was measured', () => {
    expect(besidePeers(FIGURE, ['a'], () => Number.NaN)).toEqual([FIGURE]);
  });
});
