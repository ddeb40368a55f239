import { virtualKey } from '@surealived/shared/model';
import { BUILT_IN_TESTERS, TesterRegistry } from '@surealived/testers/registry';
import { describe, expect, it } from 'vitest';
import type { VirtualConfig } from '../config/model.js';
import { unpackVirtual } from '../config/transfer.js';
import { reconfigure } from '../reconfigure.js';
import { at, realConfig, virtualConfig } from '../services.test-kit.js';
import { createVirtual, type Real, type Virtual } from '../state.js';
import { type Assignment, Assignments } from './assignments.js';

const registry = new TesterRegistry(BUILT_IN_TESTERS);

/** A virtual with so many reals, in order of their ports. */
function config(name: string, last: number, reals: number, testPort = 80): VirtualConfig {
  const configs = Array.from({ length: reals }, (_, i) =>
    realConfig(`${name}${i}`, { port: i + 1, testPort }),
  );
  return virtualConfig(configs, {}, { name, address: at(`192.0.2.${last}`) });
}

/** What each worker is told, in short. */
function names(assignments: readonly Assignment[]): readonly (readonly string[])[] {
  return assignments.map(({ virtuals, removed }) => [
    ...virtuals.map(({ text, series }) => `${unpackVirtual(text, registry).name} ${series.join()}`),
    ...removed,
  ]);
}

function begun(configs: readonly VirtualConfig[], workers: number, sharesProbes = false) {
  const assignments = new Assignments({ workers, sharesProbes });
  let virtuals: readonly Virtual[] = configs.map(createVirtual);
  const first = assignments.update({ virtuals, removed: [], retested: [] });
  return {
    assignments,
    first,
    virtuals: () => virtuals,
    reload: (next: readonly VirtualConfig[]) => {
      const reconfiguration = reconfigure(virtuals, next);
      virtuals = reconfiguration.virtuals;
      return assignments.update(reconfiguration);
    },
  };
}

describe('Assignments', () => {
  it('gives each virtual to the worker with the fewest reals', () => {
    const configs = [config('a', 1, 3), config('b', 2, 1), config('c', 3, 1), config('d', 4, 2)];
    expect(names(begun(configs, 2).first)).toEqual([['a 1,2,3'], ['b 4', 'c 5', 'd 6,7']]);
  });

  it('tells workers what changed, and nothing else; a virtual stays where it is', () => {
    const [a, b] = [config('a', 1, 1), config('b', 2, 2)];
    const { reload } = begun([a, b], 2);
    expect(names(reload([a, b]))).toEqual([[], []]);
    const heavier = { ...b, reals: b.reals.map((real) => ({ ...real, weight: 99 })) };
    expect(names(reload([a, heavier]))).toEqual([[], ['b 2,3']]);
    expect(names(reload([a, config('b', 2, 3)]))).toEqual([[], ['b 2,3,4']]);
    expect(names(reload([a]))).toEqual([[], [virtualKey(b)]]);
    expect(names(reload([a, config('c', 3, 4)]))).toEqual([[], ['c 5,6,7,8']]);
  });

  it('keeps virtuals with the same reals together where they share tests', () => {
    const other = { ...config('b', 2, 1), reals: [realConfig('b0', { address: at('10.0.0.12') })] };
    const configs = [config('a', 1, 1), other, config('c', 3, 2), config('d', 4, 1)];
    const { first, reload } = begun(configs, 2, true);
    expect(names(first)).toEqual([['a 1', 'c 3,4', 'd 5'], ['b 2']]);
    const [elsewhere, sibling] = [config('e', 5, 1, 81), { ...other, name: 'f', address: at('192.0.2.6') }];
    expect(names(reload([...configs, elsewhere, config('g', 7, 1), sibling]))).toEqual([
      ['g 7'],
      ['e 6', 'f 8'],
    ]);
  });

  it('begins a new series for what is tested in another way, and forgets the old one', () => {
    const { assignments, reload, virtuals } = begun([config('a', 1, 2)], 1);
    const [virtual] = virtuals() as [Virtual];
    const [, second] = virtual.reals as [Real, Real];
    second.health = { online: false, successes: 0, failures: 1 };
    const before = config('a', 1, 2);
    const [first, other] = before.reals as [Real['config'], Real['config']];
    const [assignment] = reload([{ ...before, reals: [first, { ...other, testPort: 81 }] }]);
    expect(assignment?.virtuals[0]).toMatchObject({
      series: [1, 3],
      health: [{ online: true }, { online: false, failures: 1 }],
    });
    expect(assignments.series(2)).toBeUndefined();
    expect(assignments.series(3)).toMatchObject({ virtual, real: second });
    expect(assignments.find(virtual, second)).toEqual({ worker: 0, series: 3 });
  });

  it('knows nobody who tests what is gone', () => {
    const { assignments, reload, virtuals } = begun([config('a', 1, 1)], 3);
    const [virtual] = virtuals() as [Virtual];
    reload([]);
    expect(assignments.find(virtual, virtual.reals[0] as Real)).toBeUndefined();
    expect(assignments.series(1)).toBeUndefined();
  });
});
