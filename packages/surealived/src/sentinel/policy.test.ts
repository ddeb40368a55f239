import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CLOSED,
  decide,
  isRest,
  restMs,
  SENTINEL_PHASES,
  type SentinelEvent,
  type SentinelPhase,
  type Standing,
} from './policy.js';

/** Plays events such as `up due connected ended:12` (the seconds that the connection lived). */
function play(events: string, from: Standing = CLOSED): Standing {
  return events.split(' ').reduce((standing, text) => {
    const [event, livedSec = '0'] = text.split(':');
    return decide(standing, event as SentinelEvent, Number(livedSec) * 1000);
  }, from);
}

const OPEN = 'up due connected';

describe('a sentinel', () => {
  it.each<[string, string, SentinelPhase, number]>([
    ['wants no connection to a real that fails', 'down', 'closed', 0],
    ['rests after a success before it connects', 'up', 'resting', 0],
    ['connects when it has rested', 'up due', 'connecting', 0],
    ['is open then', OPEN, 'open', 0],
    ['stays open while tests succeed, or come to nothing', `${OPEN} up void up`, 'open', 0],
    ['gives the connection up when a test fails', `${OPEN} down`, 'closed', 0],
    ['comes back when one succeeds again', `${OPEN} down down up`, 'resting', 0],
    ['asks for a test when the connection ends', `${OPEN} ended:60 ask`, 'testing', 0],
    ['waits for the end of a test that is under way', `${OPEN} ended:60`, 'broken', 0],
    ['needs no other one where that fails', `${OPEN} ended:60 down`, 'closed', 0],
    ['asks for another one where that succeeds', `${OPEN} ended:60 up`, 'testing', 0],
    ['asks for another one where that comes to nothing', `${OPEN} ended:60 void`, 'testing', 0],
    ['waits for a verdict', `${OPEN} ended:60 ask void void`, 'testing', 0],
    ['believes the verdict that the real is dead', `${OPEN} ended:60 ask down`, 'closed', 0],
    ['goes on soon where an old idle connection was closed', `${OPEN} ended:10 ask up`, 'resting', 0],
    ['looks again soon where a young one was closed', `${OPEN} ended:9 ask up`, 'resting', 1],
    [
      'asks for another test when that ends, too',
      `${OPEN} ended:9 ask up due connected ended ask`,
      'testing',
      2,
    ],
    [
      'asks for another test when it finds nobody then',
      `${OPEN} ended:99 ask up due unreachable`,
      'broken',
      1,
    ],
    [
      'asks for no more tests than that',
      `${OPEN} ended:99 ask up due due ask up due due ask up`,
      'backoff',
      2,
    ],
    [
      'backs off from a habit of closing',
      `${OPEN} ended:9 ask up due connected ended:9 ask up`,
      'backoff',
      2,
    ],
    [
      'and connects again after that',
      `${OPEN} ended:9 ask up due connected ended:9 ask up due`,
      'connecting',
      2,
    ],
    ['backs off when it cannot connect', 'up due unreachable', 'backoff', 1],
    ['backs off when nobody answers in time', 'up due due', 'backoff', 1],
    [
      'counts failures of both kinds',
      'up due due due unreachable due connected ended:1 ask up',
      'backoff',
      3,
    ],
    [
      'forgets them after a long life',
      'up due due due unreachable due connected ended:99 ask up',
      'resting',
      0,
    ],
    ['forgets them when the real fails', 'up due due due unreachable down up', 'resting', 0],
    ['stays away while tests succeed', 'up due due up up', 'backoff', 1],
    ['waits for a descriptor', 'up due crowded', 'crowded', 0],
    ['tries again to get one', 'up due crowded up due', 'connecting', 0],
    ['backs off from a server that talks on and on', `${OPEN} flooded:2`, 'backoff', 1],
    ['bears one that took long for that', `${OPEN} flooded:3600`, 'resting', 0],
  ])('%s', (_what, events, phase, strikes) => {
    expect(play(events)).toMatchObject({ phase, strikes });
  });

  it('looks soon at a server that may be dying', () => {
    const standing = play(`${OPEN} ended:60 ask up`);
    expect([restMs(standing, 0), restMs(standing, 1)]).toEqual([25, 50]);
  });

  it.each<[SentinelPhase, number, number, number]>([
    ['resting', 0, 1000, 2000],
    ['backoff', 1, 5000, 10_000],
    ['backoff', 2, 10_000, 20_000],
    ['backoff', 5, 80_000, 160_000],
    ['backoff', 6, 150_000, 300_000],
    ['backoff', 100_000, 150_000, 300_000],
    ['crowded', 3, 30_000, 60_000],
  ])('in phase %s after %i strikes waits %i to %i ms', (phase, strikes, least, most) => {
    const standing = { phase, strikes, mayBeDying: false };
    expect([restMs(standing, 0), restMs(standing, 1)]).toEqual([least, most]);
  });

  it('never asks for a test of which it would not hear, and always ends its rest', () => {
    const events: fc.Arbitrary<SentinelEvent> = fc.constantFrom('up', 'down', 'void', 'due', 'ask');
    const standings = fc.record({
      phase: fc.constantFrom(...SENTINEL_PHASES),
      strikes: fc.nat(1000),
      mayBeDying: fc.boolean(),
    });
    fc.assert(
      fc.property(standings, events, (standing, event) => {
        const next = decide(standing, event);
        // a test is asked for after an end alone
        if (next.phase === 'testing') expect(['broken', 'testing']).toContain(standing.phase);
        if (isRest(next.phase)) expect(restMs(next, 0.5)).toBeGreaterThan(0);
        // a failed test leaves nothing open
        if (event === 'down') expect(next.phase).toBe('closed');
      }),
    );
  });
});
