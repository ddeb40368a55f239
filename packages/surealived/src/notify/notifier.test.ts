import { down, up } from '@surealived/testers/tester';
import { describe, expect, it } from 'vitest';
import type { NotifyConfig } from '../config/model.js';
import { Director } from '../director.js';
import type { Outcome } from '../engine/outcome.js';
import { realConfig, recordingLog, virtualConfig } from '../services.test-kit.js';
import { createVirtual, type Real, type Virtual } from '../state.js';
import { Notifier } from './notifier.js';

const measured = { connectionProblem: undefined, connectMs: 0, responseMs: 0, totalMs: 0, sentBytes: 0 };
const good: Outcome = { verdict: up('fine'), obstacle: undefined, ...measured, receivedBytes: 0 };
const bad: Outcome = { ...good, verdict: down('refused', 'no') };
const NOTIFY: NotifyConfig = {
  up: '/up',
  down: '/down',
  minReals: { value: 2, isPercent: false },
  minWeight: undefined,
  realUp: '/real-up',
  realDown: '/real-down',
};
const virtualsOnly = { realUp: undefined, realDown: undefined };

function notifierOf(notify: Partial<NotifyConfig> = virtualsOnly, canStart = true) {
  const { log } = recordingLog();
  const config = virtualConfig(
    Array.from({ length: 3 }, (_, i) => realConfig(`w${i}`, { port: 80 + i })),
    { notify: { ...NOTIFY, ...notify } },
  );
  const virtual = createVirtual(config);
  const director = new Director({ virtuals: [virtual], log, wallNow: () => new Date() });
  const told: string[] = [];
  const name = (args: readonly string[]) => args.find((arg) => arg.startsWith('rname='))?.slice(6) ?? '';
  const notifier = new Notifier({
    runner: {
      run({ program, args, onStart }) {
        told.push(`${program} ${args[0]} ${name(args)}`.trim());
        if (canStart) onStart?.();
      },
    },
    log,
  });
  director.listen(notifier);
  let changes = 0;
  notifier.onTold = () => {
    changes++;
  };
  /** A test of each real; + is good. */
  const test = (verdicts: string): void => {
    for (const [index, verdict] of [...verdicts].entries())
      if (verdict !== ' ')
        director.observe(virtual, virtual.reals[index] as Real, verdict === '+' ? good : bad);
  };
  return { notifier, director, virtual, config, told, test, changes: () => changes };
}

describe('Notifier', () => {
  it('tells of a virtual after its first round, not before', () => {
    const { told, test, notifier } = notifierOf();
    test('+ -');
    expect(told).toEqual([]);
    test(' +');
    expect(told).toEqual(['/up notify=UP']);
    expect(notifier.dump()).toEqual([{ virtual: '192.168.0.1:80:0:0', state: 'UP' }]);
  });

  it('tells at once, and once, when too few are left and when there are enough again', () => {
    const { told, test, changes } = notifierOf();
    test('+++');
    test('-');
    expect(told).toHaveLength(1);
    test(' -');
    expect(told.slice(1)).toEqual(['/down notify=DOWN']);
    test('  -');
    test('  +');
    expect(told).toHaveLength(2);
    test('+');
    expect(told.slice(2)).toEqual(['/up notify=UP']);
    expect(changes()).toBe(3);
  });

  it('counts what an operator does', () => {
    const { told, test, director, virtual } = notifierOf();
    test('++-');
    director.operate(virtual, virtual.reals[0] as Real, { adminState: 'OFFLINE' });
    expect(told).toEqual(['/up notify=UP', '/down notify=DOWN']);
  });

  it('does not tell again what was told before a restart', () => {
    const { told, test, virtual, notifier } = notifierOf();
    notifier.restore(virtual, 'UP');
    test('+++');
    expect(told).toEqual([]);
    test('---');
    expect(told).toEqual(['/down notify=DOWN']);
  });

  it('remembers what it could tell nobody: there may be a program for the one state only', () => {
    const { told, test, notifier } = notifierOf({ ...virtualsOnly, up: undefined });
    test('+++');
    expect(told).toEqual([]);
    expect(notifier.dump()).toHaveLength(1);
    test('---');
    expect(told).toEqual(['/down notify=DOWN']);
  });

  it('remembers nothing that still waits for its turn: it would be lost with the process', () => {
    const { told, test, notifier, virtual } = notifierOf(virtualsOnly, false);
    notifier.restore(virtual, 'UP');
    test('---');
    expect(told).toEqual(['/down notify=DOWN']);
    expect(notifier.dump()).toMatchObject([{ state: 'UP' }]);
  });

  it('has nothing to do with a virtual without programs', () => {
    const { told, test, notifier, virtual } = notifierOf({ ...virtualsOnly, up: undefined, down: undefined });
    notifier.restore(virtual, 'UP');
    test('---');
    expect([told, notifier.dump()]).toEqual([[], []]);
  });

  it('tells of a real with each of its transitions', () => {
    const { told, test } = notifierOf({ up: undefined, down: undefined });
    test('-++');
    test('-');
    test('+');
    expect(told).toEqual(['/real-down notify=DOWN w0', '/real-up notify=UP w0']);
  });

  it('judges anew with other thresholds at once, and begins anew with a new virtual', () => {
    const { told, test, director, config, notifier } = notifierOf();
    test('++-');
    expect(told).toEqual(['/up notify=UP']);
    const stricter = { ...NOTIFY, ...virtualsOnly, minReals: { value: 3, isPercent: false } };
    const other = { ...config, port: 8080 };
    director.reconfigure([{ ...config, testing: { ...config.testing, notify: stricter } }, other]);
    expect(told.slice(1)).toEqual(['/down notify=DOWN']);
    const [, added] = director.virtuals as [Virtual, Virtual];
    for (const real of added.reals) director.observe(added, real, good);
    expect(told.slice(2)).toEqual(['/up notify=UP']);
    director.reconfigure([other]);
    expect(notifier.dump()).toEqual([{ virtual: '192.168.0.1:8080:0:0', state: 'UP' }]);
  });
});
