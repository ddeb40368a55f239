import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '@surealived/shared/clock';
import { expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from '../../../shared/src/files.test-kit.js';
import { block, newReactor, openDescriptors } from './hostile-servers.test-kit.js';
import { Reactor } from './reactor.js';
import { WheelTimer } from './timer-wheel.js';

function after(reactor: Reactor, ms: number): Promise<number> {
  const startMs = performance.now();
  return new Promise((resolve) => {
    reactor.arm(new WheelTimer(() => resolve(performance.now() - startMs)), startMs + ms);
  });
}

/** A descriptor that epoll takes: ready at once when opened for writing too, else never. */
function openFifo(path: string, access: number): number {
  spawnSync('mkfifo', [path]);
  return openSync(path, access | constants.O_NONBLOCK);
}

it('fires timers in time, also one that is armed while a later one is awaited', async () => {
  const reactor = newReactor();
  const order: string[] = [];
  const late = after(reactor, 60);
  const soon = after(reactor, 10);
  void late.then(() => order.push('late'));
  void soon.then(() => order.push('soon'));
  expect(await soon).toBeGreaterThanOrEqual(10);
  expect(await late).toBeGreaterThanOrEqual(60);
  expect(order).toEqual(['soon', 'late']);
});

it('fires nothing that was disarmed, or that is armed after the end', async () => {
  const reactor = newReactor();
  const fail = new WheelTimer(() => expect.unreachable());
  reactor.arm(fail, performance.now() + 5);
  reactor.disarm(fail);
  await after(reactor, 20);
  reactor.close();
  reactor.arm(fail, 0);
  reactor.close();
  await after(newReactor(), 10);
});

it('leaves no descriptor open', () => {
  const before = openDescriptors();
  new Reactor({ clock: systemClock, tickMs: 10, maxEvents: 1 }).close();
  expect(openDescriptors()).toBe(before);
});

it('tells a descriptor from its former life within one batch of events', async () => {
  const reactor = newReactor();
  const directory = temporaryDirectory();
  const fds = ['a', 'b'].map((name) => openFifo(join(directory, name), constants.O_RDWR));
  const reused = new Promise<{ closed: number; opened: number }>((resolve) => {
    const onEvents = (mine: number, other: number) => (): void => {
      reactor.forget(other);
      reactor.forget(mine);
      closeSync(other);
      const opened = openFifo(join(directory, 'c'), constants.O_RDONLY);
      onTestFinished(() => closeSync(opened));
      onTestFinished(() => closeSync(mine));
      reactor.register(opened, { onEvents: () => expect.unreachable() });
      resolve({ closed: other, opened });
    };
    const [a = -1, b = -1] = fds;
    reactor.register(a, { onEvents: onEvents(a, b) });
    reactor.register(b, { onEvents: onEvents(b, a) });
  });
  const { closed, opened } = await reused;
  expect(opened).toBe(closed);
  await after(reactor, 5);
});

it('handles every event that has arrived before any timer, however many there are', async () => {
  const descriptors = 60;
  const reactor = newReactor(1); // one event per epoll_wait
  const directory = temporaryDirectory();
  let events = 0;
  for (let i = 0; i < descriptors; i++) {
    const fd = openFifo(join(directory, String(i)), constants.O_RDWR);
    onTestFinished(() => closeSync(fd));
    reactor.register(fd, { onEvents: () => events++ });
  }
  const seen = new Promise<number>((resolve) => {
    reactor.arm(new WheelTimer(() => resolve(events)), performance.now() + 1);
  });
  block(20);
  expect(await seen).toBe(descriptors);
});

it('reports a descriptor that the kernel does not take', () => {
  const reactor = newReactor();
  expect(reactor.register(1_000_000, { onEvents: () => undefined })).toBe(false);
});

it('does not count time in which the process stood still', async () => {
  const stalls: number[] = [];
  const reactor = new Reactor({
    clock: systemClock,
    tickMs: 2,
    maxEvents: 16,
    onLongStall: (stallMs) => stalls.push(stallMs),
  });
  onTestFinished(() => reactor.close());
  const waited = after(reactor, 300);
  await after(reactor, 20);
  block(1200);
  expect(await waited).toBeGreaterThanOrEqual(1200 + 280 - 100);
  expect(reactor.stalledMs).toBeGreaterThanOrEqual(1000);
  expect(stalls).toEqual([expect.closeTo(reactor.stalledMs, 3)]);
  expect(reactor.longStalls).toBe(1);
  expect(reactor.lagMs.worst).toBeGreaterThanOrEqual(1000);
  expect(reactor.lagMs.recent).toBe(reactor.lagMs.worst);
});

it('takes waiting for no stall, however coarse its timers are to be', async () => {
  const reactor = new Reactor({ clock: systemClock, tickMs: 1500, maxEvents: 16 });
  onTestFinished(() => reactor.close());
  expect(await after(reactor, 500)).toBeLessThan(1400);
  expect([reactor.stalledMs, reactor.longStalls]).toEqual([0, 0]);
});

it('takes idleness for no stall', async () => {
  const reactor = newReactor();
  await after(reactor, 5);
  await delay(150); // nothing is awaited any more, so nothing wakes the reactor
  block(300);
  await after(reactor, 5);
  expect(reactor.stalledMs).toBe(0);
});
