import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Health, INITIAL_HEALTH, isChangePending, observe } from './damping.js';

/** The states after each verdict; + is up and online. */
function statesAfter(verdicts: string, rise: number, fall: number): string {
  let health: Health = INITIAL_HEALTH;
  return [...verdicts]
    .map((verdict) => {
      health = observe(health, verdict === '+', { rise, fall });
      return health.online ? '+' : '-';
    })
    .join('');
}

describe('observe', () => {
  it.each([
    // rise, fall, verdicts, states
    [1, 1, '+-+--+---+', '+-+--+---+'],
    [1, 2, '+-+--+---+', '++++-++--+'],
    [1, 3, '+-+--+---+', '++++++++-+'],
    [2, 1, '+-+--+++-++', '+-----++--+'],
    [2, 3, '+-+--+---+-++', '++++++++----+'],
    [3, 1, '-++-+++', '------+'],
    [1, 1, '', ''],
  ])('with rise %i and fall %i turns %s into %s', (rise, fall, verdicts, states) => {
    expect(statesAfter(verdicts, rise, fall)).toBe(states);
  });

  it('changes state exactly after the last `fall` failures or `rise` successes in a row', () => {
    const threshold = fc.integer({ min: 1, max: 5 });
    fc.assert(
      fc.property(fc.stringMatching(/^[+-]{0,40}$/), threshold, threshold, (verdicts, rise, fall) => {
        const states = `+${statesAfter(verdicts, rise, fall)}`;
        for (let i = 1; i < states.length; i++) {
          const past = verdicts.slice(0, i);
          const expected =
            states[i - 1] === '+' ? !past.endsWith('-'.repeat(fall)) : past.endsWith('+'.repeat(rise));
          expect(states[i] === '+').toBe(expected);
        }
      }),
    );
  });

  it.each([
    [false, { online: true, successes: 0, failures: 2 }],
    [true, { online: false, successes: 2, failures: 0 }],
  ])('decides by thresholds that a reload has lowered to what was counted already: %s', (isUp, health) => {
    expect(observe(health, isUp, { rise: 3, fall: 3 })).toMatchObject({ online: isUp });
    expect(observe(health, isUp, { rise: 2, fall: 2 })).toMatchObject({ online: isUp });
  });

  it('gives back the same object where nothing changes, so that a steady real costs nothing', () => {
    const steady = observe(INITIAL_HEALTH, true, { rise: 1, fall: 1 });
    expect(observe(steady, true, { rise: 1, fall: 1 })).toBe(steady);
  });
});

it.each([
  // rise, fall, verdicts, whether a change is pending after each
  [1, 1, '+-+-', '....'],
  [1, 3, '+-+---+', '.!.!!..'],
  [3, 1, '-++-+++-', '.!!.!!..'],
])(
  'with rise %i and fall %i and the verdicts %s, tells where a change is pending: %s',
  (rise, fall, verdicts, pending) => {
    let health: Health = INITIAL_HEALTH;
    const found = [...verdicts].map((verdict) => {
      health = observe(health, verdict === '+', { rise, fall });
      return isChangePending(health) ? '!' : '.';
    });
    expect(isChangePending(INITIAL_HEALTH)).toBe(false);
    expect(found.join('')).toBe(pending);
  },
);
