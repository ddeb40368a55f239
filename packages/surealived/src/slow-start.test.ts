import { describe, expect, it } from 'vitest';
import type { VirtualConfig } from './config/model.js';
import { bad, directorOf, good, realConfigs } from './director.test-kit.js';
import type { Real } from './state.js';

/** A virtual with weights of 5, which climb in 4 seconds: a step a second. */
function climbing(names: readonly string[] = ['w1'], own: Partial<VirtualConfig> = {}) {
  const reals = realConfigs(names, { weight: 5 });
  const kit = directorOf(names, {}, { reals, slowStartMs: 4000, ...own });
  const reload = (change: Partial<VirtualConfig>) =>
    kit.director.reconfigure([{ ...kit.virtual.config, ...change }]);
  const told = () =>
    kit.entries
      .filter(({ msg }) => String(msg).startsWith('slow start'))
      .map(({ msg, reason }) => [msg, reason]);
  return { ...kit, reload, told };
}

describe('a real that recovers', () => {
  it('climbs to its weight in steps, which are told, with a line in the log for begin and end', () => {
    const { observe, changes, time, entries, realOf } = climbing();
    observe('w1', bad, good);
    expect(changes).toEqual(['w1 0', 'w1 1']);
    expect(realOf('w1').adjustment).toEqual({ kind: 'ramp', weight: 1 });
    time.pass(999);
    expect(changes).toHaveLength(2);
    time.pass(1);
    expect(changes.slice(2)).toEqual(['w1 2']);
    observe('w1', good);
    time.pass(3000);
    expect(changes.slice(3)).toEqual(['w1 3', 'w1 4', 'w1 5']);
    expect(realOf('w1').adjustment).toBeUndefined();
    expect(time.waiting).toBe(0);
    expect(entries.filter(({ msg }) => String(msg).startsWith('slow start'))).toMatchObject([
      { level: 'info', msg: 'slow start begins', virtual: 'web', real: 'w1', weight: 5, seconds: 4 },
      { level: 'info', msg: 'slow start over', virtual: 'web', real: 'w1', weight: 5, reason: 'complete' },
    ]);
  });

  it('climbs to what an operator set before', () => {
    const { director, virtual, observe, changes, time, realOf } = climbing();
    director.operate(virtual, realOf('w1'), { override: { kind: 'percent', percent: 60 } });
    observe('w1', bad, good);
    time.pass(4000);
    expect(changes).toEqual(['w1 3', 'w1 0', 'w1 1', 'w1 2', 'w1 3']);
  });

  it('has its whole weight at once where the virtual wants no slow start', () => {
    const { observe, changes, time } = climbing(['w1'], { slowStartMs: 0 });
    observe('w1', bad, good);
    expect(changes).toEqual(['w1 0', 'w1 5']);
    expect(time.waiting).toBe(0);
  });

  it.each(['OFFLINE', 'DOWN'] as const)(
    'does not climb while the operator wants it %s, nor after',
    (adminState) => {
      const { director, virtual, observe, changes, time, realOf } = climbing();
      director.operate(virtual, realOf('w1'), { adminState });
      observe('w1', bad, good);
      director.operate(virtual, realOf('w1'), { adminState: 'ONLINE' });
      expect(changes.at(-1)).toBe('w1 5');
      expect(time.waiting).toBe(0);
    },
  );

  it('does not climb with a weight that has no room for it', () => {
    const { observe, changes, told } = climbing(['w1'], { reals: realConfigs(['w1'], { weight: 1 }) });
    observe('w1', bad, good);
    expect(changes).toEqual(['w1 0', 'w1 1']);
    expect(told()).toEqual([]);
  });

  it('comes back into IPVS with the first of its weights where it was removed', () => {
    const { director, observe, changes, time } = climbing();
    const { config } = director.virtuals[0] ?? expect.unreachable();
    director.reconfigure([{ ...config, testing: { ...config.testing, removeOnFail: true } }]);
    observe('w1', bad, good);
    time.pass(1000);
    expect(changes).toEqual(['w1 gone', 'w1 1', 'w1 2']);
  });
});

it('has a real that was well from the start at its whole weight', () => {
  const { observe, changes, realOf } = climbing();
  observe('w1', good, good);
  expect(changes).toEqual([]);
  expect(realOf('w1').adjustment).toBeUndefined();
});

it('begins anew after another failure', () => {
  const { observe, changes, time, told } = climbing();
  observe('w1', bad, good);
  time.pass(2500);
  observe('w1', bad);
  time.pass(10_000);
  observe('w1', good);
  time.pass(1000);
  expect(changes).toEqual(['w1 0', 'w1 1', 'w1 2', 'w1 3', 'w1 0', 'w1 1', 'w1 2']);
  expect(told().slice(0, 2)).toEqual([
    ['slow start begins', undefined],
    ['slow start over', 'failed'],
  ]);
});

it('puts what an operator sets meanwhile in force at once', () => {
  const { director, virtual, observe, changes, time, told, realOf } = climbing();
  observe('w1', bad, good);
  time.pass(1000);
  director.operate(virtual, realOf('w1'), { override: { kind: 'absolute', weight: 4 } });
  time.pass(10_000);
  expect(changes).toEqual(['w1 0', 'w1 1', 'w1 2', 'w1 4']);
  expect(told().at(-1)).toEqual(['slow start over', 'operator']);
});

describe('a reload during a slow start', () => {
  it('goes on to another weight', () => {
    const { observe, changes, time, reload } = climbing();
    observe('w1', bad, good);
    time.pass(2000);
    const { entries } = reload({ reals: realConfigs(['w1'], { weight: 9 }) });
    expect(entries).toMatchObject([{ command: 'chgreal', real: { weight: 4 } }]);
    time.pass(2000);
    // five steps at least, where the weight has room for them
    expect(changes.slice(2)).toEqual(['w1 2', 'w1 3', 'w1 5', 'w1 7', 'w1 9']);
  });

  it('goes on in another time, which counts from the begin', () => {
    const { observe, changes, time, reload } = climbing();
    observe('w1', bad, good);
    time.pass(2000);
    expect(reload({ slowStartMs: 40_000 })).toMatchObject({
      entries: [{ command: 'chgreal', real: { weight: 1 } }],
      needsSnapshot: false,
    });
    time.pass(8000);
    expect(changes.at(-1)).toBe('w1 2');
    expect(reload({ slowStartMs: 5000 }).entries).toMatchObject([{ real: { weight: 5 } }]);
    const before = [...changes];
    time.pass(40_000);
    expect(changes).toEqual(before);
    expect(time.waiting).toBe(0);
  });

  it('ends it where it is wanted no more', () => {
    const { observe, time, reload, told, realOf } = climbing();
    observe('w1', bad, good);
    time.pass(1000);
    expect(reload({ slowStartMs: 0 })).toMatchObject({
      entries: [{ command: 'chgreal', real: { weight: 5 } }],
      needsSnapshot: false,
    });
    expect(realOf('w1').adjustment).toBeUndefined();
    expect(told().at(-1)).toEqual(['slow start over', 'reload']);
  });

  it('begins none, and forgets a real that it takes away', () => {
    const { observe, changes, time, reload, told } = climbing(['w1', 'w2']);
    observe('w1', bad, good);
    reload({ reals: realConfigs(['w1', 'w2', 'w3'], { weight: 5 }).slice(1) });
    const before = [...changes];
    time.pass(10_000);
    expect(changes).toEqual(before);
    expect(told()).toEqual([
      ['slow start begins', undefined],
      ['slow start over', 'reload'],
    ]);
  });
});

describe('many at a time', () => {
  it('share one timer, each with its own time', () => {
    const { observe, changes, time } = climbing(['w1', 'w2']);
    observe('w1', bad, good);
    time.pass(600);
    observe('w2', bad, good);
    expect(time.waiting).toBe(1);
    changes.length = 0;
    time.pass(1400);
    expect(changes).toEqual(['w1 2', 'w2 2', 'w1 3']);
    time.pass(10_000);
    expect(changes.slice(3)).toEqual(['w2 3', 'w1 4', 'w2 4', 'w1 5', 'w2 5']);
    expect(time.waiting).toBe(0);
  });

  it('make up for what they missed in one step while this process stood still', () => {
    const { observe, changes, time } = climbing();
    observe('w1', bad, good);
    time.stall(3500);
    time.pass(0);
    expect(changes.slice(2)).toEqual(['w1 4']);
    time.pass(500);
    expect(changes.at(-1)).toBe('w1 5');
  });

  it('take fewer and larger steps instead of holding up the tests, and all of them arrive', () => {
    const names = Array.from({ length: 3000 }, (_, i) => `w${i}`);
    const { virtual, observe, changes, time } = climbing(names, { slowStartMs: 1000 });
    for (const name of names) observe(name, bad, good);
    changes.length = 0;
    time.pass(200);
    expect(changes.length).toBeLessThanOrEqual(100);
    time.pass(1300);
    const ramping = () => virtual.reals.filter((real: Real) => real.adjustment !== undefined).length;
    expect(changes.length).toBeLessThanOrEqual(3000);
    time.pass(1500);
    expect(ramping()).toBe(0);
    expect(new Set(changes.filter((change) => change.endsWith(' 5')))).toHaveLength(3000);
    expect(time.waiting).toBe(0);
  });

  it('climb no further once the director has been stopped', () => {
    const { director, observe, changes, time } = climbing();
    observe('w1', bad, good);
    director.stop();
    time.pass(10_000);
    expect(changes).toEqual(['w1 0', 'w1 1']);
    expect(time.waiting).toBe(0);
  });
});
