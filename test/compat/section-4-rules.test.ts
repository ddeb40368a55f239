import { constants } from 'node:os';
import { TesterRegistry } from '@surealived/testers/registry';
import { parseServices } from 'surealived/config/load';
import { connectionProblemOf, judgeErrno } from 'surealived/engine/outcome';
import { type Health, INITIAL_HEALTH, observe } from 'surealived/health/damping';
import { effectiveWeight } from 'surealived/health/weight';
import { judgeVirtual } from 'surealived/notify/decide';
import { Scheduler, type SchedulerOptions } from 'surealived/schedule';
import { createVirtual, isPresent, type Real, type Virtual } from 'surealived/state';
import { expect } from 'vitest';
import { prove } from './prove.js';

const OK = { rise: 3, fall: 2 };
const verdicts = (from: Health, marks: string): Health =>
  [...marks].reduce((health, mark) => observe(health, mark === '+', OK), from);

/** A virtual with reals of weights 10, 20, 30 and 40. */
function virtual(tester = ''): Virtual & { readonly reals: readonly [Real, Real, Real, Real] } {
  const reals = [1, 2, 3, 4].map((n) => `<real name="w${n}" addr="10.0.0.${n}" port="80" weight="${n}0"/>`);
  const xml = `<surealived>
    <virtual name="web" addr="192.168.0.1" port="80" proto="tcp" sched="wrr" rt="dr">
      <tester proto="tcp" testport="80" ${tester}/>${reals.join('')}
    </virtual>
  </surealived>`;
  const { virtuals } = parseServices(xml, 'services.xml', { registry: new TesterRegistry() });
  return createVirtual(virtuals[0] as (typeof virtuals)[0]) as ReturnType<typeof virtual>;
}

const OFFLINE: Health = { online: false, successes: 0, failures: 1 };

/** Judged with the first `count` of the reals offline. */
function judged(thresholds: string, count: number): string {
  const web = virtual(`notify_up="/bin/true" ${thresholds}`);
  for (const real of web.reals.slice(0, count)) real.health = OFFLINE;
  return judgeVirtual(web);
}

const problemOf = (errno: number): string => {
  const failure = judgeErrno('connect', errno);
  return 'verdict' in failure ? `${connectionProblemOf(failure.verdict.reason)}` : failure.obstacle;
};

prove('4 Testing and state: rules', {
  'a success raises retries_ok and zeroes retries_fail; a failure the reverse'() {
    expect(verdicts(INITIAL_HEALTH, '++')).toMatchObject({ successes: 2, failures: 0 });
    expect(verdicts(INITIAL_HEALTH, '+++++')).toMatchObject({ successes: 3, failures: 0 }); // up to retries2ok
    expect(verdicts(INITIAL_HEALTH, '++-')).toMatchObject({ successes: 0, failures: 1 });
    expect(verdicts(INITIAL_HEALTH, '----')).toMatchObject({ successes: 0, failures: 2 });
    expect(verdicts(INITIAL_HEALTH, '-+')).toMatchObject({ successes: 1, failures: 0 });
  },
  'reaching retries2ok sets online, reaching retries2fail sets offline'() {
    expect(verdicts(INITIAL_HEALTH, '-').online).toBe(true);
    expect(verdicts(INITIAL_HEALTH, '-+-').online).toBe(true);
    expect(verdicts(INITIAL_HEALTH, '--').online).toBe(false);
    expect(verdicts(INITIAL_HEALTH, '--++').online).toBe(false);
    expect(verdicts(INITIAL_HEALTH, '--++-++').online).toBe(false);
    expect(verdicts(INITIAL_HEALTH, '--+++').online).toBe(true);
  },
  'a real starts online'() {
    expect(virtual().reals.map(({ health, adminState }) => [health.online, adminState])).toEqual(
      Array(4).fill([true, 'ONLINE']),
    );
  },
  'effective weight: 0 if OFFLINE, DOWN or offline; else the override; else the configured weight'() {
    const half = { kind: 'percent', percent: 50 } as const;
    const seven = { kind: 'absolute', weight: 7 } as const;
    const weightOf = (own: Partial<Parameters<typeof effectiveWeight>[0]>) =>
      effectiveWeight({
        online: true,
        adminState: 'ONLINE',
        configuredWeight: 20,
        override: undefined,
        ...own,
      });
    expect(weightOf({})).toBe(20);
    expect(weightOf({ override: seven })).toBe(7);
    expect(weightOf({ override: half })).toBe(10);
    for (const override of [undefined, seven, half]) {
      expect(weightOf({ override, adminState: 'OFFLINE' })).toBe(0);
      expect(weightOf({ override, adminState: 'DOWN' })).toBe(0);
      expect(weightOf({ override, online: false })).toBe(0);
    }
  },
  'a percentage of the configured weight is at least 1'() {
    const weightOf = (percent: number, configuredWeight: number) =>
      effectiveWeight({
        online: true,
        adminState: 'ONLINE',
        configuredWeight,
        override: { kind: 'percent', percent },
      });
    expect([weightOf(1, 20), weightOf(99, 20), weightOf(150, 20)]).toEqual([1, 19, 30]);
  },
  'in IPVS: DOWN is removed, offline with remove_on_fail too, anything else stays'() {
    const stays = (removeOnFail: number, own: Partial<Real>): boolean => {
      const web = virtual(`remove_on_fail="${removeOnFail}"`);
      return isPresent(web, Object.assign(web.reals[0], own));
    };
    const states = [{}, { adminState: 'OFFLINE' }, { health: OFFLINE }, { adminState: 'DOWN' }] as const;
    expect(states.map((own) => stays(0, own))).toEqual([true, true, true, false]);
    expect(states.map((own) => stays(1, own))).toEqual([true, true, false, false]);
  },
  'problems without a connection are told apart: rst, arp, conn'() {
    const { ECONNREFUSED, EHOSTUNREACH, ENETUNREACH } = constants.errno;
    expect(problemOf(ECONNREFUSED)).toBe('refused');
    expect([problemOf(EHOSTUNREACH), problemOf(ENETUNREACH)]).toEqual(['unreachable', 'unreachable']);
    expect(connectionProblemOf('timeout')).toBe('silent');
  },
  'a virtual is down below notify_min_reals or notify_min_weight, absolute or percent'() {
    const states = (thresholds: string) =>
      [0, 1, 2, 3, 4].map((count) => judged(thresholds, count)).join(' ');
    // online: 4, 3, 2, 1, 0 reals; their weight: 100, 90, 70, 40, 0
    expect(states('notify_min_reals="2"')).toBe('UP UP UP DOWN DOWN');
    expect(states('notify_min_reals="75%"')).toBe('UP UP DOWN DOWN DOWN');
    expect(states('notify_min_weight="40"')).toBe('UP UP UP UP DOWN');
    expect(states('notify_min_weight="71%"')).toBe('UP UP DOWN DOWN DOWN');
    expect(states('notify_min_reals="1" notify_min_weight="90"')).toBe('UP UP DOWN DOWN DOWN');
  },
  'the first start of a virtual is random within startup_delay_ms, its reals are spread over it'() {
    const startsOf = (random: number): readonly number[] => {
      const dueMs: number[] = [];
      const reactor = { nowMs: () => 5000, arm: (_timer: unknown, at: number) => dueMs.push(at) };
      const options = { reactor, startupDelayMs: 1000, random: () => random, onOutcome: () => undefined };
      new Scheduler(options as unknown as SchedulerOptions).start([virtual()]);
      return dueMs;
    };
    expect(startsOf(0)).toEqual([5000, 5250, 5500, 5750]);
    expect(startsOf(0.5)).toEqual([5500, 5750, 6000, 6250]);
  },
});
