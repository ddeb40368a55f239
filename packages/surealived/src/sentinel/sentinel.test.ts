import type { Socket } from 'node:net';
import { addressFamily, encodeSockaddr } from '@surealived/shared/libc';
import { expect, it, onTestFinished, vi } from 'vitest';
import {
  blackHole,
  listen,
  newReactor,
  openDescriptors,
  refusingPort,
} from '../engine/hostile-servers.test-kit.js';
import { at } from '../services.test-kit.js';
import type { SentinelPhase } from './policy.js';
import { Sentinel } from './sentinel.js';

const never = (): void => undefined;

interface Options {
  readonly host?: string;
  readonly from?: string;
  readonly timeoutMs?: number;
  readonly places?: number;
  readonly isUnderWay?: () => boolean;
}

/** A sentinel that never rests long, and what becomes of it. */
function watch(port: number, options: Options = {}) {
  const { host = '127.0.0.1', from, timeoutMs = 5000, places = 1, isUnderWay = () => false } = options;
  const address = at(host);
  const phases: SentinelPhase[] = [];
  const hurry = vi.fn();
  const onFree = vi.fn();
  let free = places;
  const sentinel = new Sentinel(
    {
      reactor: newReactor(),
      sockets: {
        lendSocket: () => free > 0 && free-- > 0,
        takeBackSocket: () => {
          free++;
          onFree();
        },
      },
      restMs: () => 5,
    },
    {
      domain: addressFamily(address.family),
      sockaddr: encodeSockaddr(address, port),
      bindSockaddr: from === undefined ? undefined : encodeSockaddr(at(from), 0),
      timeoutMs,
      isUnderWay,
      hurry,
      onPhase: (phase) => phases.push(phase),
    },
  );
  onTestFinished(() => sentinel.close());
  const until = (...expected: SentinelPhase[]) =>
    expect.poll(() => phases, { timeout: 10_000, interval: 5 }).toEqual(expected);
  return { sentinel, phases, hurry, onFree, until, free: () => free };
}

/** A server that keeps its connections. */
async function keeper(greet: (socket: Socket) => void = never, host?: string) {
  const sockets: Socket[] = [];
  const port = await listen((socket) => {
    sockets.push(socket);
    greet(socket);
  }, host);
  return { port, sockets };
}

it.each<[string, string, (socket: Socket) => void]>([
  ['a reset', '127.0.0.1', (socket) => socket.resetAndDestroy()],
  ['a reset', '::1', (socket) => socket.resetAndDestroy()],
  ['an end of the stream', '127.0.0.1', (socket) => socket.end()],
  ['an end after some words', '127.0.0.1', (socket) => socket.end('421 going down\r\n')],
])('asks for a test at once after %s at %s', async (_what, host, end) => {
  const { port, sockets } = await keeper(never, host);
  const { sentinel, hurry, until } = watch(port, { host });
  sentinel.noteTest(true);
  await until('resting', 'connecting', 'open');
  await expect.poll(() => sockets).toHaveLength(1);
  expect(hurry).not.toHaveBeenCalled();
  end(sockets[0] as Socket);
  await until('resting', 'connecting', 'open', 'broken', 'testing');
  expect(hurry).toHaveBeenCalledOnce();
  sentinel.noteTest(false);
  await until('resting', 'connecting', 'open', 'broken', 'testing', 'closed');
});

it('opens another connection where the test succeeds', async () => {
  const { port, sockets } = await keeper();
  const { sentinel, until } = watch(port);
  sentinel.noteTest(true);
  await until('resting', 'connecting', 'open');
  await expect.poll(() => sockets).toHaveLength(1);
  sockets[0]?.end();
  await until('resting', 'connecting', 'open', 'broken', 'testing');
  sentinel.noteTest(true);
  await expect.poll(() => sockets).toHaveLength(2);
  await expect.poll(() => sentinel.phase).toBe('open');
});

it('asks for one more test where one is under way that then succeeds', async () => {
  const { port, sockets } = await keeper();
  const { sentinel, hurry, until } = watch(port, { isUnderWay: () => true });
  sentinel.noteTest(true);
  await until('resting', 'connecting', 'open');
  await expect.poll(() => sockets).toHaveLength(1);
  sockets[0]?.resetAndDestroy();
  await until('resting', 'connecting', 'open', 'broken');
  expect(hurry).not.toHaveBeenCalled();
  sentinel.noteTest(true);
  expect(hurry).toHaveBeenCalledOnce();
});

it('bears a test that fails before it is begun', async () => {
  const { port, sockets } = await keeper();
  const { sentinel, hurry, until } = watch(port);
  hurry.mockImplementation(() => sentinel.noteTest(false));
  sentinel.noteTest(true);
  await until('resting', 'connecting', 'open');
  await expect.poll(() => sockets).toHaveLength(1);
  sockets[0]?.resetAndDestroy();
  await until('resting', 'connecting', 'open', 'broken', 'testing', 'closed');
  expect(hurry).toHaveBeenCalledOnce();
});

it('bears a test that fails because its own descriptor is free again', async () => {
  const { port, sockets } = await keeper();
  const { sentinel, phases, hurry, onFree, until } = watch(port, { isUnderWay: () => true });
  sentinel.noteTest(true);
  await until('resting', 'connecting', 'open');
  await expect.poll(() => sockets).toHaveLength(1);
  onFree.mockImplementation(() => sentinel.noteTest(false));
  sockets[0]?.resetAndDestroy();
  await until('resting', 'connecting', 'open', 'broken', 'closed');
  expect(phases.at(-1)).toBe(sentinel.phase);
  expect(hurry).not.toHaveBeenCalled();
});

it('sends nothing, and comes from the address of the tests', async () => {
  let heard = 0;
  const { port, sockets } = await keeper((socket) => socket.on('data', ({ length }) => (heard += length)));
  const { sentinel } = watch(port, { from: '127.0.0.77' });
  sentinel.noteTest(true);
  await expect.poll(() => sockets.map(({ remoteAddress }) => remoteAddress)).toEqual(['127.0.0.77']);
  await expect.poll(() => sentinel.phase).toBe('open');
  const reset = new Promise((resolve) => sockets[0]?.on('error', resolve));
  sentinel.close();
  expect(await reset).toMatchObject({ code: 'ECONNRESET' });
  expect(heard).toBe(0);
});

it('lets a server greet, and hears of its end behind the greeting', async () => {
  const { port, sockets } = await keeper((socket) => socket.write('220 mail\r\n'));
  const { sentinel, until } = watch(port);
  sentinel.noteTest(true);
  await until('resting', 'connecting', 'open');
  await expect.poll(() => sockets).toHaveLength(1);
  await new Promise((resolve) => sockets[0]?.write('x'.repeat(20_000), resolve));
  sockets[0]?.end('bye');
  await until('resting', 'connecting', 'open', 'broken', 'testing');
});

it('gives up a connection over which a server talks on and on, without asking for a test', async () => {
  let sent = 0;
  const { port } = await keeper((socket) => {
    const talk = (): void => {
      while (!socket.destroyed && socket.write('x'.repeat(1000))) sent += 1000;
    };
    socket.on('drain', talk);
    talk();
  });
  const { sentinel, hurry, phases } = watch(port);
  sentinel.noteTest(true);
  await expect.poll(() => phases.slice(0, 4)).toEqual(['resting', 'connecting', 'open', 'backoff']);
  expect(sent).toBeGreaterThan(0);
  expect(hurry).not.toHaveBeenCalled();
});

it.each<[string, () => Promise<number>, Options]>([
  ['nobody listens', refusingPort, {}],
  ['nobody answers', blackHole, { timeoutMs: 20 }],
  ['the source address is not of this machine', refusingPort, { from: '192.0.2.1' }],
])('backs off and asks for nothing where %s', async (_what, server, options) => {
  const { sentinel, hurry, phases, free } = watch(await server(), options);
  sentinel.noteTest(true);
  await expect
    .poll(() => phases.slice(0, 5), { timeout: 10_000 })
    .toEqual(['resting', 'connecting', 'backoff', 'connecting', 'backoff']);
  sentinel.noteTest(false);
  expect(sentinel.phase).toBe('closed');
  expect(hurry).not.toHaveBeenCalled();
  expect(free()).toBe(1);
});

it('does without a connection where there is no descriptor to spare', async () => {
  const { port, sockets } = await keeper();
  const { sentinel, phases } = watch(port, { places: 0 });
  const before = openDescriptors();
  sentinel.noteTest(true);
  await expect.poll(() => phases.slice(0, 4)).toEqual(['resting', 'connecting', 'crowded', 'connecting']);
  expect(openDescriptors()).toBe(before);
  expect(sockets).toEqual([]);
});

it('leaves nothing open when it is closed, whatever it was doing', async () => {
  const { port, sockets } = await keeper();
  const open = watch(port);
  const connecting = watch(await blackHole());
  const resting = watch(port);
  const before = openDescriptors();
  open.sentinel.noteTest(true);
  connecting.sentinel.noteTest(true);
  await open.until('resting', 'connecting', 'open');
  await connecting.until('resting', 'connecting');
  await expect.poll(() => sockets).toHaveLength(1);
  resting.sentinel.noteTest(true);
  for (const { sentinel } of [open, connecting, resting]) sentinel.close();
  await expect.poll(() => sockets[0]?.destroyed).toBe(true);
  expect(openDescriptors()).toBe(before);
  expect([open.free(), connecting.free(), resting.free()]).toEqual([1, 1, 1]);
  expect(resting.phases).toEqual(['resting']);
});
