import { ADMIN_STATES, type AdminState } from '@surealived/shared/model';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { realConfig } from '../services.test-kit.js';
import { createReal, type Real } from '../state.js';
import { chooseHeld, floorOf } from './floor.js';

describe('floorOf', () => {
  it.each([
    // number or percent, of how many, floor
    ['3', 10, 3],
    ['3', 2, 3],
    ['0', 10, 0],
    ['30%', 10, 3],
    ['30%', 11, 4],
    ['1%', 10, 1],
    ['1%', 1, 1],
    ['100%', 7, 7],
    ['0%', 7, 0],
    ['50%', 0, 0],
  ])('makes of %s of %i reals %i', (text, realCount, floor) => {
    const value = Number.parseInt(text, 10);
    expect(floorOf({ value, isPercent: text.endsWith('%') }, realCount)).toBe(floor);
  });
});

interface Wellness {
  readonly online: boolean;
  readonly adminState: AdminState;
  readonly weight: number;
  /** The lower, the earlier it failed. */
  readonly failure: number;
}

function realOf({ online, adminState, weight }: Wellness, name: string): Real {
  const real = createReal(realConfig(name, { weight }));
  return Object.assign(real, { adminState, health: { online, successes: 0, failures: 0 } });
}

/** The reals, and those of them that are offline, in their order of failure. */
function poolOf(all: readonly Wellness[], names = ''): { reals: readonly Real[]; failed: readonly Real[] } {
  const places = all.map((one, index) => ({ ...one, real: realOf(one, names[index] ?? `r${index}`) }));
  const failed = places.filter(({ online }) => !online).sort((a, b) => a.failure - b.failure);
  return { reals: places.map(({ real }) => real), failed: failed.map(({ real }) => real) };
}

/** `a` is online, `a3` failed third, `aO` is OFFLINE, `aD2` failed second and is DOWN, `aZ1` failed and has no weight. */
function heldOf(text: string, floor: number): string {
  const words = text.split(' ').map((word) => {
    const [, name = '', mark = '', failure = ''] = /^([a-z])([ODZ]?)(\d?)$/.exec(word) ?? [];
    const adminState = mark === 'O' ? 'OFFLINE' : mark === 'D' ? 'DOWN' : 'ONLINE';
    return {
      name,
      online: failure === '',
      adminState,
      weight: mark === 'Z' ? 0 : 10,
      failure: Number(failure),
    } as const;
  });
  const { reals, failed } = poolOf(words, words.map(({ name }) => name).join(''));
  return chooseHeld(reals, failed, floor)
    .map(({ config }) => config.name)
    .join('');
}

describe('chooseHeld', () => {
  it.each([
    // reals, floor, who is held
    ['a b c', 3, ''],
    ['a b c1', 2, ''],
    ['a b2 c1', 2, 'b'],
    ['a3 b2 c1', 2, 'ba'],
    ['a3 b2 c1', 9, 'cba'],
    ['a3 b2 c1', 0, ''],
    // whom the operator has taken out is neither held nor counted
    ['aO b2 c1', 1, 'b'],
    ['aD3 b2 c1', 1, 'b'],
    ['aO b2 c1', 2, 'cb'],
    ['aO bD', 2, ''],
    // and neither is whoever takes no connections
    ['aZ b2 c1', 1, 'b'],
    ['aZ3 b2 c1', 1, 'b'],
  ])('of %s with a floor of %i holds %s', (text, floor, held) => {
    expect(heldOf(text, floor)).toBe(held);
  });

  it('counts the weight that an operator has set', () => {
    const { reals, failed } = poolOf([
      { online: true, adminState: 'ONLINE', weight: 10, failure: 0 },
      { online: false, adminState: 'ONLINE', weight: 0, failure: 1 },
    ]);
    for (const real of reals) real.override = { kind: 'absolute', weight: 10 - real.config.weight };
    expect(chooseHeld(reals, failed, 1)).toEqual(failed);
  });

  const wellness = fc.record({
    online: fc.boolean(),
    adminState: fc.constantFrom(...ADMIN_STATES),
    weight: fc.constantFrom(0, 1, 10),
    failure: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  const pool = fc.array(wellness, { maxLength: 12 });
  const floor = fc.integer({ min: 0, max: 14 });
  const isWanted = ({ adminState, config }: Real) => adminState === 'ONLINE' && config.weight > 0;

  it('holds what keeps the pool at its floor, the last to fail, and nobody of whom tests or operator say otherwise', () => {
    fc.assert(
      fc.property(pool, floor, (all, least) => {
        const { reals, failed } = poolOf(all);
        const held = chooseHeld(reals, failed, least);
        const wanted = reals.filter(isWanted);
        const online = wanted.filter(({ health }) => health.online);
        for (const real of held) {
          expect(wanted).toContain(real);
          expect(online).not.toContain(real);
        }
        expect(online.length + held.length).toBe(Math.max(online.length, Math.min(least, wanted.length)));
        expect(held).toEqual(held.length === 0 ? [] : failed.filter(isWanted).slice(-held.length));
      }),
    );
  });

  it('gives the same answer to the same question, and changes nothing', () => {
    fc.assert(
      fc.property(pool, floor, (all, least) => {
        const { reals, failed } = poolOf(all);
        const [before, order] = [structuredClone(reals), [...failed]];
        expect(chooseHeld(reals, failed, least)).toEqual(chooseHeld(reals, failed, least));
        expect([reals, failed]).toEqual([before, order]);
      }),
    );
  });

  it('changes the fewest: one more that fails changes nothing for others, one that recovers releases one at most', () => {
    fc.assert(
      fc.property(pool, floor, fc.nat(), (all, least, which) => {
        const { reals, failed } = poolOf(all);
        const real = reals[which % Math.max(reals.length, 1)];
        if (!real) return;
        const others = (order: readonly Real[]) =>
          chooseHeld(reals, order, least).filter((one) => one !== real);
        const before = others(failed);
        const online = !real.health.online;
        real.health = { ...real.health, online };
        const after = others(online ? failed.filter((one) => one !== real) : [...failed, real]);
        expect(online ? [before, before.slice(1)] : [before]).toContainEqual(after);
      }),
    );
  });
});
