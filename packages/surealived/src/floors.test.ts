import type { DiffEntry } from '@surealived/shared/snapshot/format';
import noTest from '@surealived/testers/testers/no-test';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CountOrPercent, TestingConfig, VirtualConfig } from './config/model.js';
import { bad, directorOf, good, realConfigs } from './director.test-kit.js';
import { currentWeight, diffEntries, isHeld, isPresent, isRamping, wantedWeight } from './state.js';

const count = (value: number): CountOrPercent => ({ value, isPercent: false });
const percent = (value: number): CountOrPercent => ({ value, isPercent: true });

/** `a b c d` with a floor of two. */
function floored(own: Partial<VirtualConfig> = {}, testing: Partial<TestingConfig> = {}) {
  const kit = directorOf(['a', 'b', 'c', 'd'], testing, { minOnline: count(2), ...own });
  const { director, virtual, realOf } = kit;
  const held = () =>
    virtual.reals
      .filter(isHeld)
      .map(({ config }) => config.name)
      .join('');
  const fail = (names: string): void => {
    for (const name of names) kit.observe(name, bad);
  };
  const recover = (names: string): void => {
    for (const name of names) kit.observe(name, good);
  };
  const set = (names: string, change: Parameters<typeof director.operate>[2]): void => {
    for (const name of names) director.operate(virtual, realOf(name), change);
  };
  const reload = (change: Partial<VirtualConfig>) => director.reconfigure([{ ...virtual.config, ...change }]);
  return { ...kit, held, fail, recover, set, reload };
}

const lines = ({ entries }: ReturnType<ReturnType<typeof floored>['reload']>) =>
  entries.map(({ command, real }) => `${command} ${real.name} ${real.weight}`);

describe('a virtual with a floor', () => {
  it('keeps the last to fail where they are: nothing is passed on, and the log says so', () => {
    const { director, fail, held, changes, entries, realOf } = floored();
    fail('dba');
    expect(changes).toEqual(['d 0', 'b 0']);
    expect(held()).toBe('a');
    expect(currentWeight(realOf('a'))).toBe(10);
    fail('c');
    expect(changes).toHaveLength(2);
    expect(held()).toBe('ac');
    expect(entries.filter(({ level }) => level === 'warn')).toMatchObject([
      { msg: 'real held', virtual: 'web', real: 'a', weight: 10, floor: 2 },
      { msg: 'real held', virtual: 'web', real: 'c', weight: 10, floor: 2 },
    ]);
    expect(director.statistics).toMatchObject({ holds: 2, offlineTransitions: 4 });
  });

  it('releases the first to fail when others recover, after these are in', () => {
    const { fail, recover, held, changes, entries } = floored();
    fail('abcd');
    expect(held()).toBe('cd');
    recover('a');
    expect(changes.slice(2)).toEqual(['a 10', 'c 0']);
    expect(held()).toBe('d');
    recover('b');
    expect(changes.slice(4)).toEqual(['b 10', 'd 0']);
    expect(held()).toBe('');
    recover('c');
    expect(changes.slice(6)).toEqual(['c 10']);
    expect(entries.filter(({ msg }) => msg === 'real no longer held')).toMatchObject([
      { level: 'info', real: 'c', weight: 0 },
      { level: 'info', real: 'd', weight: 0 },
    ]);
  });

  it('passes nothing on when a held real recovers itself, and lets no weight climb that never went away', () => {
    const { fail, recover, held, changes, time } = floored({ slowStartMs: 4000 });
    fail('abcd');
    recover('d');
    expect(held()).toBe('c');
    expect(changes).toEqual(['a 0', 'b 0']);
    expect(time.waiting).toBe(0);
    recover('a');
    expect(changes.slice(2)).toEqual(['a 1', 'c 0']);
    // whose weight did go away
    recover('c');
    expect(changes.slice(4)).toEqual(['c 1']);
  });

  it('holds a real with what its weight had climbed to, until an operator sets another', () => {
    const { fail, recover, held, set, changes, time } = floored({ slowStartMs: 9000, minOnline: count(3) });
    fail('a');
    recover('a');
    time.pass(2000);
    fail('b');
    expect(changes).toEqual(['a 0', 'a 1', 'a 2', 'a 3', 'b 0']);
    fail('a');
    time.pass(9000);
    expect(held()).toBe('a');
    expect(changes).toHaveLength(5);
    set('a', { override: { kind: 'absolute', weight: 7 } });
    expect(held()).toBe('a');
    expect(changes.slice(5)).toEqual(['a 7']);
  });

  it('lets a real that was held while it climbed climb on from there when it recovers', () => {
    const { fail, recover, held, changes, time } = floored({ slowStartMs: 9000, minOnline: count(3) });
    fail('a');
    recover('a');
    time.pass(2000);
    fail('ba');
    expect(held()).toBe('a');
    expect(changes).toEqual(['a 0', 'a 1', 'a 2', 'a 3', 'b 0']);
    recover('a');
    expect(held()).toBe('');
    time.pass(2000);
    expect(changes.slice(5)).toEqual(['a 4', 'a 5']);
    time.pass(5000);
    expect(changes.at(-1)).toBe('a 10');
  });

  it('keeps held reals in IPVS where others leave it', () => {
    const { virtual, fail, recover, changes, realOf } = floored({}, { removeOnFail: true });
    fail('abcd');
    expect(changes).toEqual(['a gone', 'b gone']);
    expect(isPresent(virtual, realOf('c'))).toBe(true);
    recover('a');
    expect(changes.slice(2)).toEqual(['a 10', 'c gone']);
  });

  it('never holds whom the operator has taken out, and brings back another in its place, first', () => {
    const { fail, set, held, changes } = floored();
    fail('ab');
    set('c', { adminState: 'OFFLINE' });
    expect(held()).toBe('b');
    expect(changes.slice(2)).toEqual(['b 10', 'c 0']);
    fail('c');
    expect(held()).toBe('b');
    set('d', { adminState: 'DOWN' });
    expect(held()).toBe('ab');
    expect(changes.slice(4)).toEqual(['a 10', 'd gone']);
    set('b', { adminState: 'DOWN' });
    expect(held()).toBe('a');
    expect(changes.slice(6)).toEqual(['b gone']);
    set('d', { adminState: 'ONLINE' });
    expect(held()).toBe('a');
    // it failed after a, and is wanted again
    set('c', { adminState: 'ONLINE' });
    expect(held()).toBe('c');
    expect(changes.slice(7)).toEqual(['d 10', 'c 10', 'a 0']);
  });

  it('waits until an operator has set several at once, and holds no one on the way', () => {
    const { director, virtual, fail, held, changes, entries } = floored();
    fail('cd');
    const set = (adminState: 'OFFLINE' | 'ONLINE') =>
      director.operateAll(
        virtual,
        virtual.reals.map((real) => [real, { adminState }] as const),
      );
    set('OFFLINE');
    set('ONLINE');
    expect(held()).toBe('');
    expect(changes.slice(2).join()).toBe('a 0,b 0,c 0,d 0,a 10,b 10,c 0,d 0');
    expect(entries.filter(({ msg }) => msg === 'real held')).toEqual([]);
  });

  it('does not count a real that an operator has given no weight', () => {
    const { fail, set, held, changes } = floored();
    fail('ab');
    set('c', { override: { kind: 'absolute', weight: 0 } });
    expect(held()).toBe('b');
    expect(changes.slice(2)).toEqual(['b 10', 'c 0']);
  });

  it('rounds a percentage of all its reals up', () => {
    const { fail, held } = floored({ minOnline: percent(51) });
    fail('abcd');
    expect(held()).toBe('bcd');
  });

  it('leaves reals alone that need no test', () => {
    const { observe, held, changes } = floored({ minOnline: percent(100) }, { tester: noTest });
    for (const name of 'abcd') observe(name, good);
    expect([held(), changes]).toEqual(['', []]);
  });

  it('holds what failed last before a restart, and then what fails after it', () => {
    const { director, virtual, held, changes, realOf, fail } = floored();
    const offline = (names: string) => [...names].map((name) => ({ virtual, real: realOf(name) }));
    for (const { real } of offline('bca')) real.health = { online: false, successes: 0, failures: 0 };
    // dumps may name one that is not offline, for it needs no test
    director.resume(offline('bcda'));
    expect(held()).toBe('a');
    expect(changes).toEqual([]);
    expect(director.offlineOf(virtual).map(({ config }) => config.name)).toEqual(['b', 'c', 'a']);
    fail('d');
    expect(held()).toBe('ad');
    expect(director.offlineOf(virtual).map(({ config }) => config.name)).toEqual(['b', 'c', 'a', 'd']);
  });
});

describe('a reload', () => {
  it('of a floor that was not there holds the last of the file that fail, by diff lines alone', () => {
    const { fail, held, reload } = floored({ minOnline: count(0) });
    fail('dcb');
    expect(held()).toBe('');
    const reconfiguration = reload({ minOnline: percent(75) });
    expect(lines(reconfiguration)).toEqual(['chgreal c 10', 'chgreal d 10']);
    expect(reconfiguration.needsSnapshot).toBe(false);
    expect(held()).toBe('cd');
  });

  it('of a smaller floor, or of none, releases', () => {
    const { fail, held, reload } = floored({ minOnline: count(3) }, { removeOnFail: true });
    fail('abcd');
    expect(held()).toBe('bcd');
    expect(lines(reload({ minOnline: count(2) }))).toEqual(['delreal b 10']);
    expect(lines(reload({ minOnline: count(0) }))).toEqual(['delreal c 10', 'delreal d 10']);
    expect(held()).toBe('');
  });

  it('that takes a floor away forgets who failed when, since that is not noted without one', () => {
    const { fail, recover, held, reload } = floored();
    fail('dc');
    reload({ minOnline: count(0) });
    recover('d');
    fail('bda');
    reload({ minOnline: count(1) });
    expect(held()).toBe('d');
  });

  it('tells of another weight of a real that is held', () => {
    const { fail, reload } = floored({ minOnline: count(4) });
    fail('d');
    const reals = realConfigs(['a', 'b', 'c', 'd']).map((real) =>
      real.name === 'd' ? { ...real, weight: 20 } : real,
    );
    expect(lines(reload({ reals }))).toEqual(['chgreal d 20']);
  });

  it('counts the reals that are there then', () => {
    const { fail, held, reload } = floored();
    fail('cd');
    expect(held()).toBe('');
    expect(lines(reload({ reals: realConfigs(['a', 'b', 'c', 'd']).slice(1) }))).toEqual([
      'chgreal d 10',
      'delreal a 10',
    ]);
    expect(held()).toBe('d');
  });
});

it('looks at no other real without a floor', () => {
  const { director, virtual, realOf, changes } = floored({ minOnline: count(0) });
  const a = realOf('a');
  Object.defineProperty(virtual, 'reals', { get: () => expect.unreachable('looked at the reals') });
  director.observe(virtual, a, bad);
  director.operate(virtual, a, { adminState: 'OFFLINE' });
  expect(changes).toEqual(['a 0', 'a 0']);
});

const act = fc.record({
  who: fc.constantFrom('a', 'b', 'c', 'd'),
  what: fc.constantFrom(
    'fail',
    'recover',
    'ONLINE',
    'OFFLINE',
    'DOWN',
    'weight',
    'floor',
    'climb',
    'reals',
    'time',
  ),
  value: fc.integer({ min: 0, max: 5 }),
});

it('keeps the pool at its floor whatever happens, and tells each change of a weight', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 40 }), fc.boolean(), (acts, removeOnFail) => {
      const { virtual, director, fail, recover, set, reload, time } = floored(
        { slowStartMs: 4000 },
        { removeOnFail },
      );
      const weights = () =>
        new Map(
          virtual.reals
            .filter((real) => isPresent(virtual, real))
            .map((real) => [real.config.name, currentWeight(real)]),
        );
      /** As a reader of the diff lines has it. */
      const table = weights();
      const read = ({ command, real }: DiffEntry): void => {
        if (command === 'delreal') table.delete(real.name);
        else table.set(real.name, real.weight);
      };
      const readReload = (change: Partial<VirtualConfig>) => reload(change).entries.forEach(read);
      director.listen({ onChange: (_virtual, real) => diffEntries(virtual, real).forEach(read) });
      for (const { who, what, value } of acts) {
        const isThere = virtual.reals.some(({ config }) => config.name === who);
        if (what === 'floor') readReload({ minOnline: count(value) });
        else if (what === 'climb') readReload({ slowStartMs: value * 1000 });
        else if (what === 'reals')
          readReload({ reals: realConfigs(['a', 'b', 'c', 'd'], { weight: 3 * value }).slice(value % 3) });
        else if (what === 'time') time.pass(value * 500);
        else if (!isThere) continue;
        else if (what === 'fail') fail(who);
        else if (what === 'recover') recover(who);
        else if (what === 'weight') set(who, { override: { kind: 'absolute', weight: value } });
        else set(who, { adminState: what });
        expect(weights()).toEqual(table);
        const wanted = virtual.reals.filter((real) => real.adminState === 'ONLINE' && wantedWeight(real) > 0);
        const online = wanted.filter(({ health }) => health.online);
        for (const real of virtual.reals.filter(isHeld)) {
          expect(wanted).toContain(real);
          expect(online).not.toContain(real);
        }
        const pool = virtual.reals.filter((real) => currentWeight(real) > 0);
        const floor = virtual.config.minOnline.value;
        expect(pool).toHaveLength(Math.max(online.length, Math.min(floor, wanted.length)));
      }
      time.pass(60_000);
      expect(virtual.reals.filter(isRamping)).toEqual([]);
      expect(weights()).toEqual(table);
    }),
    { numRuns: 300 },
  );
});
