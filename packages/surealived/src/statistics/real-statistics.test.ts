import { down, up } from '@surealived/testers/tester';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Outcome } from '../engine/outcome.js';
import { RealStatistics } from './real-statistics.js';

function outcome(connectMs: number, totalMs: number, own: Partial<Outcome> = {}): Outcome {
  return {
    verdict: up('fine'),
    obstacle: undefined,
    connectionProblem: undefined,
    connectMs,
    responseMs: connectMs,
    totalMs,
    sentBytes: 0,
    receivedBytes: 0,
    ...own,
  };
}

const refused: Partial<Outcome> = { verdict: down('refused', 'no'), connectionProblem: 'refused' };

describe('RealStatistics', () => {
  it('has nothing before the first test', () => {
    const statistics = new RealStatistics(20);
    const none = { connect: 0, response: 0, total: 0 };
    expect([statistics.lastUs, statistics.averageUs, statistics.overallMs]).toEqual([none, none, none]);
  });

  it('knows the last test, the average of the last samples, and that of all', () => {
    const statistics = new RealStatistics(2);
    statistics.count(outcome(1, 10), 1010);
    statistics.count(outcome(2, 20), 2020);
    statistics.count(outcome(4.0009, 40.5), 3040.5);
    expect(statistics).toMatchObject({
      tests: 3,
      startedAtMs: 3000,
      wasUp: true,
      lastUs: { connect: 4001, response: 36_499, total: 40_500 },
      averageUs: { connect: 3000, response: 27_249, total: 30_250 },
      averageMs: { connect: 3, response: 27, total: 30 },
      overallUs: { connect: 2333, response: 21_166, total: 23_500 },
      overallMs: { connect: 2, response: 21, total: 23 },
    });
  });

  it('takes all the time of a test without a connection for connecting, and counts why there was none', () => {
    const statistics = new RealStatistics(20);
    statistics.count(outcome(0, 7, refused), 0);
    statistics.count(outcome(0, 7, { ...refused, connectionProblem: 'silent' }), 0);
    statistics.count(outcome(0, 7, { ...refused, connectionProblem: 'unreachable' }), 0);
    statistics.count(outcome(0, 7, refused), 0);
    expect(statistics).toMatchObject({
      lastUs: { connect: 7000, response: 0, total: 7000 },
      wasUp: false,
      problems: { silent: 1, unreachable: 1, refused: 2 },
    });
  });

  it('does not count a test that this machine could not make', () => {
    const statistics = new RealStatistics(20);
    statistics.count(outcome(1, 1, { verdict: undefined, obstacle: 'socket: EMFILE' }), 0);
    expect(statistics.tests).toBe(0);
  });

  it('averages exactly the last samples, whatever their number', () => {
    const totals = fc.array(fc.integer({ min: 0, max: 90_000 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(totals, fc.integer({ min: 1, max: 20 }), (all, samples) => {
        const statistics = new RealStatistics(samples);
        for (const totalMs of all) statistics.count(outcome(0, totalMs), 0);
        const last = all.slice(-samples);
        const average = Math.floor((last.reduce((sum, totalMs) => sum + totalMs, 0) * 1000) / last.length);
        expect(statistics.averageUs.total).toBe(average);
      }),
    );
  });

  it('keeps its sums when it is told to average over another number of tests', () => {
    const statistics = new RealStatistics(20);
    for (const totalMs of [10, 20, 30]) statistics.count(outcome(1, totalMs), 0);
    statistics.resize(2);
    expect(statistics.averageUs.total).toBe(20_000);
    expect(statistics.overallUs.total).toBe(20_000);
    for (const totalMs of [10, 20, 30]) statistics.count(outcome(1, totalMs), 0);
    expect(statistics.averageUs.total).toBe(25_000);
    expect(statistics.tests).toBe(6);
  });

  it('goes on from a dump', () => {
    const first = new RealStatistics(20);
    for (const totalMs of [10, 20, 30]) first.count(outcome(1, totalMs), 0);
    const second = new RealStatistics(20);
    second.restore(first.dump('r'));
    expect(second.dump('r')).toEqual(first.dump('r'));
    second.count(outcome(1, 40), 0);
    expect(second).toMatchObject({ tests: 4, averageUs: { total: 40_000 }, overallUs: { total: 25_000 } });
  });
});
