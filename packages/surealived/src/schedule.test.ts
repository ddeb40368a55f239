import { down, up } from '@surealived/testers/tester';
import noTest from '@surealived/testers/testers/no-test';
import tcp from '@surealived/testers/testers/tcp';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { VirtualConfig } from './config/model.js';
import { Engine } from './engine/engine.js';
import {
  blackHole,
  listen,
  newReactor,
  openDescriptors,
  refusingPort,
} from './engine/hostile-servers.test-kit.js';
import type { Outcome } from './engine/outcome.js';
import { WheelTimer } from './engine/timer-wheel.js';
import { observe as observeVerdict } from './health/damping.js';
import { slackMs } from './schedule/delay.js';
import { Scheduler } from './schedule.js';
import { at, realConfig, virtualConfig } from './services.test-kit.js';
import { createVirtual, type Real } from './state.js';

interface Seen {
  readonly real: string;
  readonly outcome: Outcome;
  readonly atMs: number;
}

/** Runs the tests of virtuals until `isEnough`. @returns The outcomes, with their times since the start. */
function observe(
  configs: readonly VirtualConfig[],
  isEnough: (seen: readonly Seen[]) => boolean,
  { startupDelayMs = 0, random = (): number => 0, capacity = 100 } = {},
): Promise<readonly Seen[]> {
  const reactor = newReactor();
  const startMs = performance.now();
  const seen: Seen[] = [];
  return new Promise((resolve) => {
    const scheduler = new Scheduler({
      reactor,
      startupDelayMs,
      random,
      engine: new Engine(reactor, { sockets: capacity, tasks: 1 }),
      onOutcome: ({ config: { testing } }, real, outcome) => {
        if (outcome.verdict)
          real.health = observeVerdict(real.health, outcome.verdict.up, testing.thresholds);
        seen.push({ real: real.config.name, outcome, atMs: performance.now() - startMs });
        if (!isEnough(seen)) return;
        scheduler.stop();
        resolve(seen);
      },
    });
    onTestFinished(() => scheduler.stop());
    scheduler.start(configs.map(createVirtual));
  });
}

const local = (name: string, testPort: number) => realConfig(name, { address: at('127.0.0.1'), testPort });
const never = (): void => undefined;
const quick = { tester: tcp, loopDelayMs: 5, timeoutMs: 2000 };

describe('Scheduler', () => {
  it('spreads the first tests over the start-up delay, from a random moment on', async () => {
    const port = await listen(never);
    const reals = ['a', 'b', 'c', 'd'].map((name) => local(name, port));
    const slow = { ...quick, loopDelayMs: 10_000 };
    const seen = await observe([virtualConfig(reals, slow)], ({ length }) => length === 4, {
      startupDelayMs: 200,
      random: () => 0.5,
    });
    expect(seen.map(({ real }) => real)).toEqual(['a', 'b', 'c', 'd']);
    for (const [index, { atMs }] of seen.entries()) expect(atMs).toBeGreaterThanOrEqual(100 + index * 50);
  });

  it('begins each virtual at a moment of its own', async () => {
    const port = await listen(never);
    const moments = [0.5, 0];
    const virtuals = ['late', 'early'].map((name) => virtualConfig([local(name, port)], quick));
    const random = (): number => moments.shift() ?? 0;
    const seen = await observe(virtuals, (seen) => new Set(seen.map(({ real }) => real)).size === 2, {
      startupDelayMs: 200,
      random,
    });
    expect(seen[0]?.real).toBe('early');
  });

  it('tests again loopdelay after each verdict', async () => {
    const testing = { ...quick, loopDelayMs: 40 };
    const config = virtualConfig([local('w', await listen(never))], testing);
    const seen = await observe([config], ({ length }) => length === 4);
    for (const [index, { atMs }] of seen.entries())
      expect(atMs).toBeGreaterThanOrEqual(index * (40 - slackMs(40)));
    expect(seen.every(({ outcome }) => outcome.verdict?.up)).toBe(true);
  });

  it('tests a real by the state that its last verdict brought', async () => {
    const testing = {
      ...quick,
      thresholds: { rise: 1, fall: 3 },
      loopDelayMs: 1,
      fastDelayMs: 100,
      downDelayMs: 250,
    };
    const virtual = virtualConfig([local('gone', await refusingPort())], testing);
    const seen = await observe([virtual], ({ length }) => length === 4);
    const rests = seen.slice(1).map(({ atMs }, index) => atMs - (seen[index] as Seen).atMs);
    // two that count, and the third takes it offline; each may be shorter by what tests may meet others
    for (const [index, ms] of [100, 100, 250].entries())
      expect(rests[index]).toBeGreaterThanOrEqual(ms - slackMs(ms));
  });

  it('lets a real that hangs keep its own time, without delay for its siblings', async () => {
    const reals = [local('hangs', await blackHole()), local('fine', await listen(never))];
    const testing = { ...quick, timeoutMs: 250 };
    const seen = await observe([virtualConfig(reals, testing)], (seen) =>
      seen.some(({ real }) => real === 'hangs'),
    );
    expect(seen.at(-1)?.outcome.verdict).toEqual(down('timeout', 'no connection within 250 ms'));
    expect(seen.length).toBeGreaterThan(5);
  });

  it('settles a real without a test once', async () => {
    const reals = [local('w', await listen(never))];
    const virtuals = [
      virtualConfig([realConfig('free')], { ...quick, tester: noTest }),
      virtualConfig(reals, { ...quick, loopDelayMs: 10 }),
    ];
    const seen = await observe(virtuals, ({ length }) => length === 8);
    expect(seen.filter(({ real }) => real === 'free').map(({ outcome }) => outcome.verdict)).toEqual([
      up('not tested'),
    ]);
  });

  it('repeats the verdict on a real without a test until it has come online', async () => {
    const reactor = newReactor();
    const testing = { tester: noTest, loopDelayMs: 5, thresholds: { rise: 3, fall: 1 } };
    const virtual = createVirtual(virtualConfig([realConfig('free')], testing));
    const real = virtual.reals[0] as Real;
    real.health = { online: false, successes: 0, failures: 1 }; // as another tester left it before a reload
    let verdicts = 0;
    const scheduler = new Scheduler({
      reactor,
      startupDelayMs: 0,
      engine: new Engine(reactor, { sockets: 1, tasks: 1 }),
      onOutcome: (_virtual, _real, { verdict }) => {
        verdicts++;
        real.health = observeVerdict(real.health, verdict?.up === true, testing.thresholds);
      },
    });
    onTestFinished(() => scheduler.stop());
    scheduler.start([virtual]);
    await expect.poll(() => real.health.online).toBe(true);
    await new Promise<void>((resolve) => reactor.arm(new WheelTimer(resolve), reactor.nowMs() + 50));
    expect(verdicts).toBeLessThanOrEqual(4);
  });

  it('tries again about a second after a test that could not be made', async () => {
    const real = realConfig('w', { address: at('127.0.0.1'), testPort: 9, bindAddress: at('192.0.2.1') });
    const seen = await observe([virtualConfig([real], quick)], ({ length }) => length === 2);
    expect(seen.map(({ outcome }) => outcome.obstacle)).toEqual(Array(2).fill('bind: EADDRNOTAVAIL'));
    expect(seen[1]?.atMs).toBeGreaterThanOrEqual(990);
  });

  it('tests on and on a real that refuses at once, without a delay', async () => {
    const testing = { ...quick, loopDelayMs: 0 };
    const config = virtualConfig([local('w', await refusingPort())], testing);
    const seen = await observe([config], ({ length }) => length === 20);
    expect(new Set(seen.map(({ outcome }) => outcome.connectionProblem))).toEqual(new Set(['refused']));
  });

  it.each([
    ['needs no test', noTest, undefined, { verdict: up('not tested') }],
    ['cannot be tested at all', tcp, at('192.0.2.1'), { obstacle: 'bind: EADDRNOTAVAIL' }],
  ])('checks a real that %s', async (_what, tester, bindAddress, outcome) => {
    const reactor = newReactor();
    const scheduler = new Scheduler({
      reactor,
      startupDelayMs: 0,
      engine: new Engine(reactor, { sockets: 1, tasks: 1 }),
      onOutcome: () => expect.unreachable(),
    });
    const real = realConfig('w', { address: at('127.0.0.1'), testPort: 9, bindAddress });
    const virtual = createVirtual(virtualConfig([real], { ...quick, tester }));
    const trace = { sent: never, received: never };
    expect(await scheduler.check(virtual, virtual.reals[0] as Real, trace)).toMatchObject(outcome);
  });

  it('when stopped, ends everything without a word: what runs, what waits for its turn, what is not due', async () => {
    const reactor = newReactor();
    const port = await blackHole();
    const scheduler = new Scheduler({
      reactor,
      startupDelayMs: 0,
      engine: new Engine(reactor, { sockets: 2, tasks: 1 }),
      random: () => 0,
      onOutcome: () => expect.unreachable(),
    });
    const before = openDescriptors();
    const reals = Array.from({ length: 10 }, (_, i) => local(`w${i}`, port));
    const due = virtualConfig(reals, { ...quick, timeoutMs: 5000 });
    scheduler.start([due].map(createVirtual));
    await new Promise<void>((resolve) => reactor.arm(new WheelTimer(resolve), performance.now() + 10));
    expect(openDescriptors()).toBe(before + 2);
    scheduler.stop();
    expect(openDescriptors()).toBe(before);
  });
});
