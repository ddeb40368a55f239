import type { DiffEntry } from '@surealived/shared/snapshot/format';
import type { Tester } from '@surealived/testers/tester';
import http from '@surealived/testers/testers/http';
import lua from '@surealived/testers/testers/lua';
import noTest from '@surealived/testers/testers/no-test';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { RealConfig, VirtualConfig } from './config/model.js';
import { Director } from './director.js';
import { bad, good, none, TestTime } from './director.test-kit.js';
import type { Engine } from './engine/engine.js';
import type { Reactor } from './engine/reactor.js';
import { Scheduler } from './schedule.js';
import { Tests, Timers } from './schedule.test-kit.js';
import { at, realConfig, recordingLog, virtualConfig } from './services.test-kit.js';
import { createVirtual, diffEntries, type Real, snapshotVirtual } from './state.js';

/** Few, so that some are alike. */
const testing = fc.record({
  tester: fc.constantFrom(...Array<Tester>(8).fill(http), lua, noTest),
  loopDelayMs: fc.constantFrom(1000, 3000),
  fastDelayMs: fc.constant(100),
  downDelayMs: fc.constant(9000),
  jitterPercent: fc.constant(50),
  thresholds: fc.record({ rise: fc.integer({ min: 1, max: 2 }), fall: fc.integer({ min: 1, max: 2 }) }),
  removeOnFail: fc.boolean(),
});

const virtual = (port: number) =>
  fc
    .record({
      testing,
      hosts: fc.subarray([1, 2, 3]),
      weight: fc.integer({ min: 0, max: 12 }),
      sentinel: fc.boolean(),
      slowStartMs: fc.constantFrom(0, 5000),
      minOnline: fc.constantFrom(
        { value: 0, isPercent: false },
        { value: 2, isPercent: false },
        { value: 50, isPercent: true },
      ),
    })
    .map(({ testing, hosts, weight, sentinel, ...own }) =>
      virtualConfig(
        hosts.map((host) => realConfig(`w${host}`, { address: at(`10.0.0.${host}`), weight, sentinel })),
        testing,
        { ...own, port, name: `web${port}` },
      ),
    );

/** Some of them; of a virtual there may be no real. */
const file = fc
  .tuple(virtual(80), virtual(81), virtual(82), fc.subarray([0, 1, 2], { minLength: 1 }))
  .map(([a, b, c, which]) => {
    const all: readonly VirtualConfig[] = [a, b, c];
    return which.map((index) => all[index] as VirtualConfig);
  });

const outcome = fc.constantFrom(good, bad, bad, none);
const number = fc.nat({ max: 20 });
const act = fc.oneof(
  { weight: 4, arbitrary: fc.record({ what: fc.constant('end' as const), number, outcome }) },
  { weight: 4, arbitrary: fc.record({ what: fc.constant('time' as const), number }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('reload' as const), file }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('end at once' as const), outcome }) },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant('operate' as const),
      number,
      adminState: fc.constantFrom('ONLINE' as const, 'OFFLINE' as const, 'DOWN' as const),
    }),
  },
);

/** Everything between the files, the tests and the hand-over. */
function assemble(first: readonly VirtualConfig[], sharesProbes: boolean) {
  const time = new TestTime();
  const timers = new Timers(time);
  const tests = new Tests(timers);
  const { log } = recordingLog();
  const director = new Director({
    virtuals: first.map(createVirtual),
    log,
    wallNow: () => new Date(0),
    rampTime: time,
  });
  const places = () =>
    director.virtuals.flatMap((virtual) => virtual.reals.map((real) => ({ virtual, real })));
  /** How the reals are to be tested that the test which ends now counts for. */
  const wishes = new Set<string>();
  const scheduler = new Scheduler({
    reactor: timers as unknown as Reactor,
    engine: tests as unknown as Engine,
    startupDelayMs: 500,
    sharesProbes,
    random: () => 0.5,
    onOutcome: (virtual, real, outcome) => {
      expect(places()).toContainEqual({ virtual, real });
      wishes.add(wishOf(virtual.config, real.config));
      expect(wishes.size).toBe(1);
      director.observe(virtual, real, outcome);
    },
    onSentinel: (_virtual, real, phase) => {
      real.sentinel = phase;
    },
  });
  const pass = (ms: number): void => {
    for (let passed = 0; passed < ms; passed += 50) {
      time.pass(50);
      timers.wheel.advance(time.nowMs());
    }
  };
  tests.onOutcome = () => wishes.clear();
  return { director, scheduler, timers, tests, places, pass };
}

/** Tests that are shared have all of this in common. */
function wishOf({ testing }: VirtualConfig, { address }: RealConfig): string {
  return [testing.tester.name, address.text, testing.loopDelayMs].join(' ');
}

const nameOf = (virtual: { readonly name: string }, real: { readonly name: string }): string =>
  `${virtual.name} ${real.name}`;

it('goes on testing every real of the files, one test at a time, and tells each change of a weight', () => {
  fc.assert(
    fc.property(
      file,
      fc.boolean(),
      fc.array(act, { maxLength: 60, size: 'max' }),
      (first, sharesProbes, acts) => {
        const { director, scheduler, timers, tests, places, pass } = assemble(first, sharesProbes);
        const weights = () =>
          new Map(
            director.virtuals
              .map(snapshotVirtual)
              .flatMap((virtual) =>
                virtual.reals.map((real) => [nameOf(virtual, real), real.weight] as const),
              ),
          );
        let table = weights();
        const read = ({ command, virtual, real }: DiffEntry): void => {
          if (command === 'delreal') table.delete(nameOf(virtual as VirtualConfig, real));
          else table.set(nameOf(virtual as VirtualConfig, real), real.weight);
        };
        director.listen({ onChange: (virtual, real) => diffEntries(virtual, real).forEach(read) });
        scheduler.start(director.virtuals);
        for (const act of acts) {
          if (act.what === 'end') tests.end(act.number, act.outcome);
          else if (act.what === 'time') pass(act.number * 100);
          else if (act.what === 'end at once') tests.endsAtOnce = act.outcome;
          else if (act.what === 'operate') {
            const all = places();
            const place = all[act.number % all.length];
            if (place) director.operate(place.virtual, place.real, { adminState: act.adminState });
          } else {
            const reconfiguration = director.reconfigure(act.file);
            scheduler.reconfigure(reconfiguration);
            if (reconfiguration.needsSnapshot) table = weights();
            else reconfiguration.entries.forEach(read);
          }
          expect(table).toEqual(weights());
          const sentinels = places().filter(
            ({ real }) => (real.sentinel !== undefined) !== real.config.sentinel,
          );
          expect(sentinels).toEqual([]);
        }
        const before = new Map<Real, number>(places().map(({ real }) => [real, real.tests]));
        for (let second = 0; second < 60; second++) {
          while (tests.underWay.size > 0) tests.end(0, good);
          pass(500);
        }
        for (const { virtual, real } of places()) {
          expect(real.health.online).toBe(true);
          if (virtual.config.testing.tester !== noTest)
            expect(real.tests).toBeGreaterThan(before.get(real) ?? 0);
        }
        expect(table).toEqual(weights());
        scheduler.stop();
        director.stop();
        expect([timers.wheel.size, tests.underWay.size]).toEqual([0, 0]);
      },
    ),
    { numRuns: 200 },
  );
});
