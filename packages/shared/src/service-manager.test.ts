import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import * as libc from './libc.js';
import { ServiceManager } from './service-manager.js';

/** A socket that datagrams can be sent to, as systemd has one. @param name As in NOTIFY_SOCKET. */
function listen(name: string): () => string | undefined {
  const fd = libc.socket(libc.AF_UNIX, libc.SOCK_DGRAM | libc.SOCK_CLOEXEC | libc.SOCK_NONBLOCK, 0);
  const sockaddr = libc.encodeUnixSockaddr(name.replace(/^@/, '\0'));
  expect(libc.bind(fd, sockaddr, 2 + Buffer.byteLength(name))).toBe(0);
  onTestFinished(() => void libc.close(fd));
  return () => {
    const datagram = Buffer.alloc(256);
    const bytes = libc.recv(fd, datagram, datagram.length, 0);
    return bytes < 0 ? undefined : datagram.toString('utf8', 0, bytes);
  };
}

function pathInFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'notify-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, 'socket');
}

function joined(environment: NodeJS.ProcessEnv): ServiceManager {
  const manager = ServiceManager.join(environment);
  if (!manager) throw new Error('nobody there');
  onTestFinished(() => manager.close());
  return manager;
}

it.each([
  ['a path', pathInFolder],
  ['an abstract name', () => `@surealived-${randomUUID()}`],
])('tells the socket with %s how the service fares', (_, nameOf) => {
  const name = nameOf();
  const next = listen(name);
  const manager = joined({ NOTIFY_SOCKET: name });
  manager.reportStatus('waiting: two\nlines');
  manager.reportStarted();
  manager.reportStopping();
  const told = Array.from({ length: 4 }, next);
  expect(told).toEqual(['STATUS=waiting: two lines', 'READY=1', 'STOPPING=1', undefined]);
});

it('gives signs of life three times in the interval', async () => {
  const name = pathInFolder();
  const next = listen(name);
  joined({ NOTIFY_SOCKET: name, WATCHDOG_USEC: '60000', WATCHDOG_PID: String(process.pid) });
  const signs: string[] = [];
  const look = (): number => {
    for (let sign = next(); sign !== undefined; sign = next()) signs.push(sign);
    return signs.length;
  };
  await expect.poll(look).toBeGreaterThanOrEqual(4);
  expect(new Set(signs)).toEqual(new Set(['WATCHDOG=1']));
});

it('gives none where they are asked of another process', () => {
  const name = pathInFolder();
  const next = listen(name);
  joined({ NOTIFY_SOCKET: name, WATCHDOG_USEC: '60000', WATCHDOG_PID: '1' });
  expect(next()).toBeUndefined();
});

it('keeps what it was told from the programs that this process starts', () => {
  const environment = { NOTIFY_SOCKET: pathInFolder(), WATCHDOG_USEC: '1', WATCHDOG_PID: '2', PATH: '/bin' };
  expect(ServiceManager.join(environment)).toBeUndefined(); // nobody listens
  expect(environment).toEqual({ PATH: '/bin' });
});

it('tells nothing once it is closed, though another file has the number of its socket', () => {
  const [one, another] = [pathInFolder(), pathInFolder()];
  listen(one);
  const next = listen(another);
  const closed = joined({ NOTIFY_SOCKET: one });
  closed.close();
  joined({ NOTIFY_SOCKET: another });
  closed.reportStopping();
  expect(next()).toBeUndefined();
});

it.each([
  ['no socket is named', {}],
  ['its name is too long', { NOTIFY_SOCKET: `/${'x'.repeat(200)}` }],
])('is not there where %s', (_, environment) => {
  expect(ServiceManager.join(environment)).toBeUndefined();
});
