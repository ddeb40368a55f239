import { systemClock } from '@surealived/shared/clock';
import { virtualKey } from '@surealived/shared/model';
import { parseConfig } from '@surealived/shared/surealived-cfg';
import noTest from '@surealived/testers/testers/no-test';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RealConfig, TestingConfig } from '../config/model.js';
import { packVirtual } from '../config/transfer.js';
import { listen, refusingPort } from '../engine/hostile-servers.test-kit.js';
import type { Outcome } from '../engine/outcome.js';
import { INITIAL_HEALTH } from '../health/damping.js';
import { at, realConfig, virtualConfig } from '../services.test-kit.js';
import { clockOriginMs } from './clock-origin.js';
import { shareFigures } from './load-figures.js';
import type { AssignedVirtual, FromWorker } from './messages.js';
import { type LastSaid, NOTHING_SAID, readOutcomes } from './outcome-batch.js';
import { WorkerTester } from './worker-tester.js';

const quick = { loopDelayMs: 5, timeoutMs: 2000 };
const offline = { online: false, successes: 0, failures: 1 };

/** What a worker does, here in this thread. */
async function begin(settings = '') {
  const { config } = parseConfig(`startup_delay_ms 0\n${settings}`, 'surealived.cfg');
  const told: FromWorker[] = [];
  const said = new Map<number, LastSaid>();
  const outcomes: { series: number; outcome: Outcome }[] = [];
  const hear = (message: FromWorker): void => {
    told.push(message);
    if (message.kind !== 'outcomes') return;
    const find = (series: number) => {
      const last = said.get(series) ?? { ...NOTHING_SAID, series };
      said.set(series, last);
      return last as LastSaid & { series: number };
    };
    readOutcomes(message, find, ({ series }, outcome) => void outcomes.push({ series, outcome }));
  };
  const start = {
    config,
    capacity: { sockets: 10, tasks: 2 },
    figures: shareFigures(),
    hasEnded: new Int32Array(1),
    clockOriginMs: clockOriginMs(systemClock),
  };
  let hasEnded = false;
  const tester = new WorkerTester(start, hear, () => {
    hasEnded = true;
  });
  onTestFinished(() => tester.close());
  tester.handle({ kind: 'load', config });
  await expect.poll(() => told).toContainEqual({ kind: 'loaded', problems: [] });
  return { tester, told, outcomes, start, hasEnded: () => hasEnded };
}

const local = (name: string, testPort: number, own: Partial<RealConfig> = {}): RealConfig =>
  realConfig(name, { address: at('127.0.0.1'), testPort, ...own });

function assigned(
  reals: readonly RealConfig[],
  series: readonly number[],
  testing: Partial<TestingConfig> = {},
  health = series.map(() => INITIAL_HEALTH),
): AssignedVirtual {
  return { text: packVirtual(virtualConfig(reals, { ...quick, ...testing })), series, health };
}

describe('a worker', () => {
  it('tells outcomes by the series of the real, and only new texts', async () => {
    const { tester, told, outcomes } = await begin();
    const reals = [
      local('good', await listen(() => undefined)),
      local('bad', await refusingPort(), { port: 81 }),
    ];
    tester.handle({ kind: 'assign', virtuals: [assigned(reals, [7, 9])], removed: [] });
    await expect.poll(() => outcomes.length).toBeGreaterThan(20);
    const verdicts = (series: number) =>
      new Set(outcomes.filter((entry) => entry.series === series).map(({ outcome }) => outcome.verdict?.up));
    expect([verdicts(7), verdicts(9)]).toEqual([new Set([true]), new Set([false])]);
    const texts = told.flatMap((message) => (message.kind === 'outcomes' ? message.texts : []));
    expect(texts).toHaveLength(2);
  });

  it('ends the series that it is not given again, and goes on with the others', async () => {
    const { tester, outcomes } = await begin();
    const port = await listen(() => undefined);
    const reals = [local('a', port), local('b', port, { port: 81 })];
    tester.handle({ kind: 'assign', virtuals: [assigned(reals, [1, 2])], removed: [] });
    await expect.poll(() => outcomes.length).toBeGreaterThan(4);
    // the main thread alone knows why the second begins anew
    tester.handle({ kind: 'assign', virtuals: [assigned(reals, [1, 3])], removed: [] });
    await expect.poll(() => outcomes.some(({ series }) => series === 3)).toBe(true);
    const later = outcomes.length;
    await expect.poll(() => outcomes.length).toBeGreaterThan(later + 4);
    expect(new Set(outcomes.slice(later).map(({ series }) => series))).toEqual(new Set([1, 3]));
  });

  it('ends what is removed', async () => {
    const { tester, told, outcomes } = await begin();
    const port = await listen(() => undefined);
    const gone = virtualConfig([local('a', port)], quick);
    const stays = virtualConfig([local('b', port)], quick, { address: at('192.0.2.2') });
    const virtuals = [gone, stays].map((config, index) => ({
      text: packVirtual(config),
      series: [index + 1],
      health: [INITIAL_HEALTH],
    }));
    tester.handle({ kind: 'assign', virtuals, removed: [] });
    await expect.poll(() => outcomes.length).toBeGreaterThan(4);
    tester.handle({ kind: 'assign', virtuals: [], removed: [virtualKey(gone)] });
    const count = (number: number): number => outcomes.filter(({ series }) => series === number).length;
    const batches = told.length;
    await expect.poll(() => told.length).toBeGreaterThan(batches); // with what was on its way
    const [ended, others] = [count(1), count(2)];
    await expect.poll(() => count(2)).toBeGreaterThan(others + 10);
    expect(count(1)).toBe(ended);
  });

  it('begins with the state that it is given: a verdict that is not believed yet is repeated', async () => {
    const { tester, outcomes } = await begin();
    const real = realConfig('free');
    const virtuals = [assigned([real], [1], { tester: noTest }, [offline])];
    tester.handle({ kind: 'assign', virtuals, removed: [] });
    await expect.poll(() => outcomes.length).toBe(1);
    expect(outcomes[0]?.outcome.verdict).toEqual({ up: true, detail: 'not tested' });
  });

  it('makes checks beside the series, and tells what was said when', async () => {
    const { tester, told } = await begin();
    const port = await listen((socket) => socket.end('220 hello\r\n'));
    tester.handle({ kind: 'assign', virtuals: [assigned([local('a', port)], [1])], removed: [] });
    const beganMs = systemClock.nowMs();
    tester.handle({ kind: 'check', check: 5, series: 1 });
    tester.handle({ kind: 'check', check: 6, series: 99 });
    await expect.poll(() => told.some(({ kind }) => kind === 'checked')).toBe(true);
    expect(told.find(({ kind }) => kind === 'checked')).toMatchObject({
      check: 5,
      outcome: { verdict: { up: true } },
    });
    for (const message of told) {
      if (message.kind !== 'said') continue;
      expect(message.traced).toEqual({ check: 5 });
      expect(message.atMs).toBeGreaterThanOrEqual(beganMs - 1);
      expect(message.atMs).toBeLessThanOrEqual(systemClock.nowMs() + 1);
    }
  });

  it('names modules that cannot be loaded', async () => {
    const { tester, told, start } = await begin();
    tester.handle({ kind: 'load', config: { ...start.config, modules: 'nosuch' } });
    await expect.poll(() => told.filter(({ kind }) => kind === 'loaded')).toHaveLength(2);
    expect(told.at(-1)).toMatchObject({
      problems: [{ message: expect.stringContaining('no tester "nosuch"') }],
    });
  });

  it('says how busy it is, and ends when it is asked to', async () => {
    const { tester, start, outcomes, hasEnded } = await begin();
    const reals = [1, 2, 3].map((i) => local(`r${i}`, 9, { port: i, address: at('127.0.0.1') }));
    tester.handle({ kind: 'assign', virtuals: [assigned(reals, [1, 2, 3])], removed: [] });
    await expect.poll(() => outcomes.length).toBeGreaterThan(3);
    expect([...start.figures].every((figure) => figure >= 0)).toBe(true);
    tester.handle({ kind: 'stop' });
    await expect.poll(hasEnded).toBe(true);
  });
});
