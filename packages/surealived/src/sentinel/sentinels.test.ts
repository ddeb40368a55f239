import type { Socket } from 'node:net';
import { read, write } from '@surealived/testers/requests';
import { defineStreamTester, down, up } from '@surealived/testers/tester';
import tcp from '@surealived/testers/testers/tcp';
import Type from 'typebox';
import { expect, it, onTestFinished } from 'vitest';
import type { RealConfig, TestingConfig, VirtualConfig } from '../config/model.js';
import { Engine } from '../engine/engine.js';
import { listen, newReactor, openDescriptors } from '../engine/hostile-servers.test-kit.js';
import { observe } from '../health/damping.js';
import { reconfigure } from '../reconfigure.js';
import { Scheduler } from '../schedule.js';
import { at, realConfig, virtualConfig } from '../services.test-kit.js';
import { createVirtual, type Virtual } from '../state.js';

const never = (): void => undefined;

/** Asks for a line, so that a server can tell a test from a sentinel, and can keep it waiting. */
const asks = defineStreamTester({
  name: 'asks',
  description: 'Asks for a word.',
  shareable: true,
  attributes: Type.Object({}),
  *probe() {
    yield* write('?');
    return (yield* read(1)).toString() === '!' ? up('!') : down('content', 'no answer');
  },
});

/** A server that answers tests as `answer` says, and keeps everything else that connects. */
async function patientServer(answer: (socket: Socket) => void = (socket) => socket.end('!')) {
  const idle = new Set<Socket>();
  let answers = answer;
  let connections = 0;
  const port = await listen((socket) => {
    connections++;
    idle.add(socket);
    socket.on('close', () => idle.delete(socket));
    socket.once('data', () => {
      idle.delete(socket);
      answers(socket);
    });
  });
  return {
    port,
    idle,
    connections: () => connections,
    answerBy(next: (socket: Socket) => void): void {
      answers = next;
    },
  };
}

/** Tests of virtuals, hours apart: whatever follows the first of a real was called for. */
function schedule(configs: readonly VirtualConfig[], { sockets = 100, sharesProbes = false } = {}) {
  const reactor = newReactor();
  const outcomes: string[] = [];
  const scheduler = new Scheduler({
    reactor,
    startupDelayMs: 0,
    sharesProbes,
    random: () => 0,
    engine: new Engine(reactor, { sockets, tasks: 1 }),
    onOutcome: ({ config: { testing } }, real, { verdict }) => {
      if (verdict) real.health = observe(real.health, verdict.up, testing.thresholds);
      outcomes.push(`${real.config.name} ${verdict?.up ? 'up' : 'down'}`);
    },
    onSentinel: (_virtual, real, phase) => {
      real.sentinel = phase;
    },
  });
  onTestFinished(() => scheduler.stop());
  let virtuals: readonly Virtual[] = configs.map(createVirtual);
  scheduler.start(virtuals);
  const phases = () => virtuals.flatMap(({ reals }) => reals.map(({ sentinel }) => sentinel));
  return {
    scheduler,
    outcomes,
    phases,
    figures: scheduler.sentinelFigures,
    reload(next: readonly VirtualConfig[]): void {
      const reconfiguration = reconfigure(virtuals, next);
      virtuals = reconfiguration.virtuals;
      scheduler.reconfigure(reconfiguration);
    },
    untilOpen: (count = 1) =>
      expect.poll(() => scheduler.sentinelFigures.sentinelsOpen, { timeout: 10_000 }).toBe(count),
  };
}

const rarely: Partial<TestingConfig> = {
  tester: asks,
  timeoutMs: 60_000,
  loopDelayMs: 3_600_000,
  fastDelayMs: 3_600_000,
  downDelayMs: 3_600_000,
};
const web = (reals: readonly RealConfig[], testing: Partial<TestingConfig> = {}) =>
  virtualConfig(reals, { ...rarely, ...testing });
const watched = (name: string, testPort: number, own: Partial<RealConfig> = {}) =>
  realConfig(name, { address: at('127.0.0.1'), port: testPort, testPort, sentinel: true, ...own });

it('has a real tested at once when its connection ends, and closes it where that fails', async () => {
  const server = await patientServer();
  const { outcomes, figures, phases, untilOpen } = schedule([web([watched('w', server.port)])]);
  await untilOpen();
  await expect.poll(() => server.idle.size).toBe(1);
  server.answerBy((socket) => socket.end('x'));
  for (const socket of server.idle) socket.resetAndDestroy();
  await expect.poll(() => outcomes).toEqual(['w up', 'w down']);
  await expect.poll(phases).toEqual(['closed']);
  expect(figures).toEqual({ sentinelsOpen: 0, sentinelsBackedOff: 0, sentinelBreaks: 1, sentinelTests: 1 });
});

it('leaves a server alone that closes idle connections soon', async () => {
  const server = await patientServer();
  const { outcomes, figures, phases, untilOpen } = schedule([web([watched('w', server.port)])]);
  await untilOpen();
  for (const times of [1, 2]) {
    await expect.poll(() => server.idle.size).toBe(1);
    for (const socket of server.idle) socket.end();
    await expect.poll(() => outcomes.length).toBe(1 + times);
  }
  await expect.poll(phases).toEqual(['backoff']);
  expect(new Set(outcomes)).toEqual(new Set(['w up']));
  expect(figures).toEqual({ sentinelsOpen: 0, sentinelsBackedOff: 1, sentinelBreaks: 2, sentinelTests: 2 });
});

it('has one more test made where one was under way that then says up, and none where it says down', async () => {
  const held: Socket[] = [];
  const server = await patientServer();
  const real = watched('w', server.port);
  const { outcomes, figures, phases, untilOpen } = schedule([web([real], { loopDelayMs: 1500 })]);
  await untilOpen();
  server.answerBy((socket) => held.push(socket));
  await expect.poll(() => held.length, { timeout: 10_000 }).toBe(1);
  for (const socket of server.idle) socket.resetAndDestroy();
  await expect.poll(phases).toEqual(['broken']);
  expect(figures.sentinelTests).toBe(0);
  const before = outcomes.length;
  held[0]?.end('!');
  await expect.poll(() => held.length).toBe(2);
  expect(outcomes.slice(before)).toEqual(['w up']);
  expect(figures.sentinelTests).toBe(1);
  held[1]?.end('x');
  await expect.poll(phases).toEqual(['closed']);
  expect(outcomes.slice(before)).toEqual(['w up', 'w down']);
});

it('has one connection for tests that are shared, until none of their reals wants it', async () => {
  const server = await patientServer();
  const real = watched('w', server.port);
  const other = virtualConfig([real], rarely, { name: 'other', port: 81 });
  const without = virtualConfig([{ ...real, sentinel: false }], rarely, { name: 'without', port: 82 });
  const { outcomes, figures, phases, reload, untilOpen } = schedule([web([real]), other, without], {
    sharesProbes: true,
  });
  await untilOpen();
  await expect.poll(() => server.idle.size).toBe(1);
  expect(phases()).toEqual(['open', 'open', undefined]);
  reload([other, without]);
  expect([server.idle.size, figures.sentinelsOpen]).toEqual([1, 1]);
  server.answerBy((socket) => socket.end('x'));
  for (const socket of server.idle) socket.resetAndDestroy();
  await expect.poll(phases).toEqual(['closed', undefined]);
  expect(outcomes).toEqual([...Array(3).fill('w up'), ...Array(2).fill('w down')]);
  expect(figures.sentinelTests).toBe(1);
});

it('takes no more than half of the places of tests', async () => {
  const ports = await Promise.all([1, 2, 3, 4, 5].map(() => listen(never)));
  const reals = ports.map((port) => watched(`w${port}`, port));
  const { phases } = schedule([web(reals, { tester: tcp })], { sockets: 4 });
  await expect
    .poll(() => phases().sort(), { timeout: 10_000 })
    .toEqual(['crowded', 'crowded', 'crowded', 'open', 'open']);
});

it('survives a reload with the connections of what stays, and has others where others are wanted', async () => {
  const [one, two, three] = [await patientServer(), await patientServer(), await patientServer()];
  const [a, b, c] = [watched('a', one.port), watched('b', two.port), watched('c', three.port)];
  const { reload, phases, untilOpen, outcomes } = schedule([web([a, b, { ...c, sentinel: false }])]);
  await untilOpen(2);
  await expect.poll(() => [one.idle.size, two.idle.size, three.idle.size]).toEqual([1, 1, 0]);
  expect(phases()).toEqual(['open', 'open', undefined]);
  const [kept] = one.idle;
  // another tester's setting: a is tested anew, and keeps its connection
  reload([web([a, { ...b, sentinel: false }, c], { timeoutMs: 50_000 })]);
  await expect.poll(() => [...two.idle]).toEqual([]);
  await untilOpen(2);
  expect(phases()).toEqual(['open', undefined, 'open']);
  expect([...one.idle]).toEqual([kept]);
  // another port
  reload([web([{ ...a, testPort: two.port }], { timeoutMs: 50_000 })]);
  await expect.poll(() => [one.idle.size, three.idle.size]).toEqual([0, 0]);
  await expect.poll(() => two.idle.size, { timeout: 10_000 }).toBe(1);
  await untilOpen();
  expect(outcomes.every((outcome) => outcome.endsWith('up'))).toBe(true);
});

it('leaves nothing open at the end', async () => {
  const before = openDescriptors();
  const server = await patientServer();
  const { scheduler, untilOpen, figures } = schedule([web([watched('w', server.port)])]);
  await untilOpen();
  await expect.poll(() => server.idle.size).toBe(1);
  scheduler.stop();
  await expect.poll(() => server.idle.size).toBe(0);
  expect(figures.sentinelsOpen).toBe(0);
  expect(openDescriptors()).toBeLessThanOrEqual(before + 2); // the server, and the reactor
});
