import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import http from '@surealived/testers/testers/http';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { VirtualConfig } from '../config/model.js';
import { refusingPort } from '../engine/hostile-servers.test-kit.js';
import type { Outcome, Trace } from '../engine/outcome.js';
import type { Real, Virtual } from '../state.js';
import { countingServer, Sharing, twenty, VIRTUALS, virtual } from './sharing.test-kit.js';

const never = (): void => undefined;
const page = { tester: http, loopDelayMs: 60_000 };
const attributes = { url: '/', host: 'a', naive: false, retcode: '200' };
const answer = (socket: Socket): void => void socket.end('HTTP/1.0 200 OK\r\n\r\nhello');

describe('a shared probe', () => {
  it('lets a server see the tests of one, however many virtuals have it', async () => {
    const server = await countingServer();
    const sharing = new Sharing(twenty(server.port));
    await sharing.more('v19', 10);
    sharing.scheduler.stop();
    const tests = sharing.count('v0');
    for (const { config } of sharing.virtuals) expect(sharing.count(config.name)).toBe(tests);
    expect(server.connections).toBeGreaterThanOrEqual(tests - 1);
    expect(server.connections).toBeLessThanOrEqual(tests + 1);
  });

  it('begins at the moment of the first virtual that has it: the earliest of many would always be early', async () => {
    const { port } = await countingServer();
    const moments = [0.9];
    const startMs = performance.now();
    const sharing = new Sharing(twenty(port), { startupDelayMs: 300, random: () => moments.shift() ?? 0 });
    await sharing.more('v19', 1);
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(270);
  });

  it('takes its reals out of all virtuals, and puts them back', async () => {
    const server = createServer((socket) => socket.on('error', never)).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const sharing = new Sharing(twenty(port));
    await sharing.more('v19', 1);
    expect(sharing.states).toEqual(Array(VIRTUALS).fill(true));
    server.close();
    await expect.poll(() => sharing.states).toEqual(Array(VIRTUALS).fill(false));
    server.listen(port, '127.0.0.1');
    await expect.poll(() => sharing.states).toEqual(Array(VIRTUALS).fill(true));
  });

  it('is not shared by tests with other attributes', async () => {
    const server = await countingServer(answer);
    const configs = ['/a', '/b', '/a'].map((url, index) =>
      virtual(`v${index}`, server.port, page, { attributes: { ...attributes, url } }),
    );
    const sharing = new Sharing(configs);
    for (const name of ['v0', 'v1', 'v2']) await expect.poll(() => sharing.count(name)).toBe(1);
    expect(server.requests.map((request) => request.split(' ')[1]).sort()).toEqual(['/a', '/b']);
  });

  it('is joined by the reals of a reload, which are tested soon', async () => {
    const server = await countingServer();
    const slow = twenty(server.port, { loopDelayMs: 60_000 });
    const sharing = new Sharing(slow.slice(0, 2));
    await expect.poll(() => sharing.count('v1')).toBe(1);
    sharing.reload(slow.slice(0, 3));
    await expect.poll(() => sharing.count('v2')).toBe(1);
    expect([sharing.count('v0'), sharing.count('v1')]).toEqual([2, 2]);
    await expect.poll(() => server.connections).toBe(2);
  });

  it('goes on undisturbed when reals leave it, though one of them began the test under way', async () => {
    const sockets: Socket[] = [];
    const server = await countingServer((socket) => sockets.push(socket));
    const configs = ['v0', 'v1'].map((name) =>
      virtual(name, server.port, { ...page, loopDelayMs: 5 }, { attributes }),
    );
    const sharing = new Sharing(configs);
    await expect.poll(() => server.requests.length).toBe(1);
    sharing.reload(configs.slice(1));
    answer(sockets[0] as Socket);
    await expect.poll(() => sharing.count('v1')).toBe(1);
    expect(sharing.outcomes.get('v1')?.[0]?.verdict).toMatchObject({ up: true });
    await expect.poll(() => server.requests.length).toBe(2);
    expect(server.connections).toBe(2);
    expect(sharing.count('v0')).toBe(0);
  });

  it('ends with its last real, and the test under way with it', async () => {
    const sockets: Socket[] = [];
    const server = await countingServer((socket) => sockets.push(socket));
    const configs = twenty(server.port, page);
    const sharing = new Sharing(configs);
    await expect.poll(() => sockets.length).toBe(1);
    sharing.reload(configs.slice(0, 1));
    await new Promise(setImmediate);
    expect(sockets[0]?.destroyed).toBe(false);
    sharing.reload([]);
    await expect.poll(() => sockets[0]?.destroyed).toBe(true);
  });

  it('is left for a test of its own by a real that is tested in another way, though it was by that one', async () => {
    const server = await countingServer(answer);
    const asking = (name: string, url: string) =>
      virtual(name, server.port, { ...page, loopDelayMs: 5 }, { attributes: { ...attributes, url } });
    const sharing = new Sharing([asking('v0', '/'), asking('v1', '/')]);
    await sharing.more('v1', 2);
    sharing.reload([asking('v0', '/new'), asking('v1', '/')]);
    await sharing.more('v1', 1);
    const before = server.requests.length;
    await Promise.all([sharing.more('v0', 5), sharing.more('v1', 5)]);
    const asked = server.requests.slice(before).map((request) => request.split(' ')[1]);
    expect(new Set(asked)).toEqual(new Set(['/', '/new']));
  });

  it('is left by a real whose rests get longer, and joined again when they get as short as before', async () => {
    const server = await countingServer();
    const [first, second] = twenty(server.port) as [VirtualConfig, VirtualConfig];
    const sharing = new Sharing([first, second]);
    await sharing.more('v1', 2);
    const before = sharing.count('v1');
    sharing.reload([first, virtual('v1', server.port, { loopDelayMs: 60_000 })]);
    await sharing.more('v0', 20);
    expect(sharing.count('v1') - before).toBeLessThanOrEqual(1);
    sharing.reload([first, second]);
    await sharing.more('v1', 3);
    const [tests, connections] = [sharing.count('v0'), server.connections];
    await sharing.more('v0', 10);
    expect(server.connections - connections).toBeLessThanOrEqual(sharing.count('v0') - tests + 2);
  });

  it('rests as long as the first of its reals wants, each of which has its own damping', async () => {
    const refusing = await refusingPort();
    const testing = { loopDelayMs: 5, fastDelayMs: 5, downDelayMs: 60_000 };
    const sharing = new Sharing([
      virtual('v0', refusing, { ...testing, thresholds: { rise: 1, fall: 3 } }),
      virtual('v1', refusing, { ...testing, thresholds: { rise: 1, fall: 1 } }),
      virtual('v2', (await countingServer()).port),
    ]);
    await expect.poll(() => sharing.states).toEqual([false, false, true]);
    await sharing.more('v2', 10);
    expect([sharing.count('v0'), sharing.count('v1')]).toEqual([3, 3]);
  });

  it('counts a test for each of its reals, and its bytes once', async () => {
    const server = await countingServer(answer);
    const configs = ['v0', 'v1', 'v2'].map((name) => virtual(name, server.port, page, { attributes }));
    const sharing = new Sharing(configs);
    await expect.poll(() => sharing.count('v2')).toBe(1);
    const [first, ...others] = configs.map(({ name }) => sharing.outcomes.get(name)?.[0] as Outcome);
    expect(first).toMatchObject({ verdict: { up: true }, receivedBytes: 24 });
    expect(first?.sentBytes).toBeGreaterThan(0);
    for (const other of others) expect(other).toEqual({ ...first, sentBytes: 0, receivedBytes: 0 });
  });

  it('shows its conversation to each who wants to see it', async () => {
    const seen = new Map<string, string[]>();
    const traceOf = ({ config: { name } }: Virtual): Trace | undefined => {
      if (name === 'v1') return undefined;
      const lines: string[] = [];
      seen.set(name, lines);
      return {
        sent: (data) => lines.push(`> ${Buffer.from(data).toString().slice(0, 14)}`),
        received: (data) => lines.push(`< ${Buffer.from(data)}`),
      };
    };
    const server = await countingServer(answer);
    const configs = ['v0', 'v1', 'v2', 'v3'].map((name) => virtual(name, server.port, page, { attributes }));
    const sharing = new Sharing(configs, { traceOf });
    await expect.poll(() => sharing.count('v3')).toBe(1);
    expect([...seen.keys()]).toEqual(['v0', 'v2', 'v3']);
    for (const lines of seen.values()) {
      expect(lines[0]).toBe('> GET / HTTP/1.0');
      expect(
        lines
          .slice(1)
          .map((line) => line.slice(2))
          .join(''),
      ).toBe('HTTP/1.0 200 OK\r\n\r\nhello');
    }
  });

  it('is not asked by a check, which makes a test for itself', async () => {
    const server = await countingServer();
    const sharing = new Sharing(twenty(server.port, { loopDelayMs: 60_000 }));
    await expect.poll(() => sharing.count('v19')).toBe(1);
    const [checked] = sharing.virtuals as [Virtual];
    const trace = { sent: never, received: never };
    expect(await sharing.scheduler.check(checked, checked.reals[0] as Real, trace)).toMatchObject({
      verdict: { up: true },
    });
    expect([sharing.count('v0'), sharing.count('v19')]).toEqual([1, 1]);
    await expect.poll(() => server.connections).toBe(2);
  });

  it('when stopped, tells nobody any more, not even in the middle of an outcome', async () => {
    const server = await countingServer();
    const sharing = new Sharing(twenty(server.port));
    await new Promise<void>((resolve) => {
      sharing.onTold = (name) => {
        if (name !== 'v4') return;
        sharing.scheduler.stop();
        resolve();
      };
    });
    expect([...sharing.outcomes.keys()]).toEqual(['v0', 'v1', 'v2', 'v3', 'v4']);
  });
});
