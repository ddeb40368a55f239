import noTest from '@surealived/testers/testers/no-test';
import { describe, expect, it } from 'vitest';
import { bad, directorOf, good, none } from './director.test-kit.js';
import { realConfig, virtualConfig } from './services.test-kit.js';
import type { Real } from './state.js';

describe('Director', () => {
  it('passes a change on at once, and nothing while the state stays', () => {
    const { observe, changes, entries } = directorOf(['w1'], { thresholds: { rise: 2, fall: 2 } });
    observe('w1', good, bad, good, bad);
    expect(changes).toEqual([]);
    observe('w1', bad);
    expect(changes).toEqual(['w1 0']);
    observe('w1', bad, good, bad, good);
    expect(changes).toEqual(['w1 0']);
    observe('w1', good, good);
    expect(changes).toEqual(['w1 0', 'w1 10']);
    expect(entries.filter(({ level }) => level === 'info').map(({ msg, reason }) => [msg, reason])).toEqual([
      ['real offline', 'refused'],
      ['real online', undefined],
    ]);
  });

  it('passes on no change of a real that the operator holds where it is', () => {
    const { director, virtual, observe, changes } = directorOf(['w1']);
    director.operate(virtual, virtual.reals[0] as Real, { adminState: 'OFFLINE' });
    observe('w1', bad, good);
    expect(changes).toEqual(['w1 0']);
  });

  it('takes the only verdict of a constant tester for its last word, however many others would need', () => {
    const { director, virtual, observe, changes } = directorOf(['w1']);
    observe('w1', bad);
    const testing = { tester: noTest, thresholds: { rise: 3, fall: 3 } };
    director.reconfigure([virtualConfig([realConfig('w1')], testing)]);
    observe('w1', good);
    expect(changes).toEqual(['w1 0', 'w1 10']);
    expect(virtual.reals[0]?.health.online).toBe(true);
  });

  it('passes on every order of the operator, also a repeated one', () => {
    const { director, virtual, changes } = directorOf(['w1']);
    const real = virtual.reals[0] as Real;
    const order = { adminState: 'ONLINE', override: { kind: 'absolute', weight: 3 } } as const;
    director.operate(virtual, real, order);
    director.operate(virtual, real, order);
    director.operate(virtual, real, { override: undefined });
    expect(changes).toEqual(['w1 3', 'w1 3', 'w1 10']);
  });

  it('takes no real down for what this machine could not do', () => {
    const { director, observe, changes, entries } = directorOf(['w1']);
    observe('w1', none, none, none, good);
    expect(changes).toEqual([]);
    expect(director.statistics).toMatchObject({ obstacles: 3, failures: 0, successes: 1 });
    // told once, and once when it is over
    expect(entries).toMatchObject([
      {
        level: 'error',
        msg: 'test could not be made',
        virtual: 'web',
        real: 'w1',
        obstacle: 'socket: EMFILE',
      },
      { level: 'info', msg: 'test can be made again', virtual: 'web', real: 'w1' },
    ]);
  });

  it('counts tests, transitions, problems and bytes', () => {
    const { director, observe } = directorOf(['w1']);
    observe(
      'w1',
      good,
      { ...bad, connectionProblem: 'refused' },
      { ...bad, connectionProblem: 'silent' },
      good,
    );
    observe('w1', { ...bad, connectionProblem: 'unreachable' });
    expect(director.statistics).toMatchObject({
      successes: 2,
      failures: 3,
      onlineTransitions: 1,
      offlineTransitions: 2,
      refusedProblems: 1,
      silentProblems: 1,
      unreachableProblems: 1,
      sentBytes: 50,
      receivedBytes: 100,
    });
  });

  it('knows when the first round is over: every real had a test, made or not', () => {
    const { director, observe } = directorOf(['w1', 'w2', 'w3']);
    observe('w1', good, good, good);
    observe('w2', bad);
    expect(director.isEveryVirtualTested).toBe(false);
    observe('w3', none);
    expect(director.isEveryVirtualTested).toBe(true);
  });

  it('counts rounds: one is over when every real was tested once more', () => {
    const { director, virtual, observe } = directorOf(['w1', 'w2']);
    const rounds: number[] = [];
    director.listen({ onRound: ({ round }) => rounds.push(round) });
    observe('w1', good, good);
    observe('w2', bad, bad);
    expect(rounds).toEqual([1]);
    observe('w1', none);
    expect(rounds).toEqual([1, 2]);
    expect(virtual).toMatchObject({ round: 3, untested: 2 });
  });

  it('ends a round that a reload leaves nothing to wait for', () => {
    const { director, virtual, observe } = directorOf(['w1', 'w2']);
    const rounds: number[] = [];
    director.listen({ onRound: ({ round }) => rounds.push(round) });
    observe('w1', good);
    director.reconfigure([{ ...virtual.config, reals: virtual.config.reals.slice(0, 1) }]);
    expect(rounds).toEqual([1]);
    expect(director.isEveryVirtualTested).toBe(true);
  });

  it('remembers the last transitions of a real, with their reasons', () => {
    const { director, virtual, observe } = directorOf(['w1']);
    const real = virtual.reals[0] as Real;
    observe('w1', bad, bad, good);
    director.operate(virtual, real, { adminState: 'OFFLINE', override: { kind: 'percent', percent: 50 } });
    expect(real.history.map(({ what, detail }) => `${what} ${detail}`)).toEqual([
      'offline refused: connect: ECONNREFUSED',
      'online status 200',
      'set rstate=OFFLINE weight=50%',
    ]);
    for (let i = 0; i < 30; i++) observe('w1', bad, good);
    expect(real.history).toHaveLength(20);
    expect(real.history.at(-1)?.what).toBe('online');
  });

  it('tells its listeners of tests, transitions and operators, after the state has changed', () => {
    const { director, virtual, observe } = directorOf(['w1']);
    const told: string[] = [];
    director.listen({
      onTested: (_virtual, { health }) => told.push(`tested online=${health.online}`),
      onTransition: (_virtual, { health }) => told.push(`transition online=${health.online}`),
      onOperated: (_virtual, { adminState }) => told.push(`operated ${adminState}`),
    });
    observe('w1', good, bad);
    director.operate(virtual, virtual.reals[0] as Real, { adminState: 'DOWN' });
    expect(told).toEqual([
      'tested online=true',
      'transition online=false',
      'tested online=false',
      'operated DOWN',
    ]);
  });

  it('waits for no test of a virtual without reals', () => {
    expect(directorOf([]).director.isEveryVirtualTested).toBe(true);
  });
});
