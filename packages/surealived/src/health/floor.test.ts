import { ADMIN_STATES } from '@surealived/shared/model';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseHeld, type FloorCandidate, floorOf } from './floor.js';

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

interface Candidate extends FloorCandidate {
  readonly name: string;
}

/** `a` is online, `a3` failed third, `aO` is OFFLINE, `aD2` failed second and is DOWN, `aZ1` failed and has no weight. */
function candidates(text: string): readonly Candidate[] {
  return text.split(' ').map((word) => {
    const [, name = '', mark = '', failure] = /^([a-z])([ODZ]?)(\d?)$/.exec(word) ?? [];
    const adminState = mark === 'O' ? 'OFFLINE' : mark === 'D' ? 'DOWN' : 'ONLINE';
    return {
      name,
      online: failure === '',
      adminState,
      weight: mark === 'Z' ? 0 : 10,
      failure: Number(failure),
    };
  });
}

const heldOf = (text: string, floor: number): string =>
  chooseHeld(candidates(text), floor)
    .map(({ name }) => name)
    .join('');

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
    // of the same moment: the later in the file
    ['a0 b0 c0', 1, 'c'],
    ['a1 b0 c0', 2, 'ca'],
  ])('of %s with a floor of %i holds %s', (text, floor, held) => {
    expect(heldOf(text, floor)).toBe(held);
  });

  const candidate = fc.record({
    online: fc.boolean(),
    adminState: fc.constantFrom(...ADMIN_STATES),
    weight: fc.constantFrom(0, 1, 10),
  });
  /** In any order of failure. */
  const pool = fc.array(candidate, { maxLength: 12 }).chain((all) =>
    fc
      .shuffledSubarray(
        all.map((_, index) => index),
        { minLength: all.length },
      )
      .map((order) => all.map((one, index) => ({ ...one, failure: order[index] ?? 0 }))),
  );
  const floor = fc.integer({ min: 0, max: 14 });

  it('holds what keeps the pool at its floor, the last to fail, and nobody whom tests or operator decide otherwise', () => {
    fc.assert(
      fc.property(pool, floor, (all, least) => {
        const held = chooseHeld(all, least);
        const wanted = all.filter(({ adminState, weight }) => adminState === 'ONLINE' && weight > 0);
        const online = wanted.filter((one) => one.online);
        for (const one of held) {
          expect(wanted).toContain(one);
          expect(one.online).toBe(false);
        }
        const size = online.length + held.length;
        expect(size).toBe(Math.max(online.length, Math.min(least, wanted.length)));
        const left = wanted.filter((one) => !one.online && !held.includes(one));
        for (const { failure } of left) for (const one of held) expect(one.failure).toBeGreaterThan(failure);
      }),
    );
  });

  it('gives the same answer to the same question, and changes nothing', () => {
    fc.assert(
      fc.property(pool, floor, (all, least) => {
        const before = structuredClone(all);
        expect(chooseHeld(all, least)).toEqual(chooseHeld(all, least));
        expect(all).toEqual(before);
      }),
    );
  });

  it('changes the fewest: one more that fails is held itself, one that recovers releases at most one other', () => {
    fc.assert(
      fc.property(pool, floor, fc.nat(), (all, least, which) => {
        const index = all.length === 0 ? 0 : which % all.length;
        const one = all[index];
        if (!one) return;
        const turned = { ...one, online: !one.online, failure: all.length };
        const after = all.map((other, at) => (at === index ? turned : other));
        const others = (held: readonly FloorCandidate[]) =>
          held.filter((real) => real !== one && real !== turned);
        const [heldBefore, heldAfter] = [others(chooseHeld(all, least)), others(chooseHeld(after, least))];
        const releases = turned.online ? [heldBefore.slice(1)] : [];
        expect([heldBefore, ...releases]).toContainEqual(heldAfter);
      }),
    );
  });
});
