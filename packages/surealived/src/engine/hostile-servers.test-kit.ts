import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { systemClock } from '@surealived/shared/clock';
import { defineStreamTester, type StreamProbe, type Target } from '@surealived/testers/tester';
import Type from 'typebox';
import { onTestFinished } from 'vitest';
import type { TlsOptions } from '../config/model.js';
import { at } from '../services.test-kit.js';
import type { Outcome } from './outcome.js';
import { prepareTest } from './prepare.js';
import { Reactor } from './reactor.js';
import { type PreparedTest, TestQueue } from './test-queue.js';

/** A server on a loopback address that does `serve` with each connection. @returns Its port. */
export async function listen(serve: (socket: Socket) => void, host = '127.0.0.1', port = 0): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined); // tests end by a reset
    socket.on('close', () => sockets.delete(socket));
    serve(socket);
  });
  server.listen(port, host);
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A port on which nobody listens. */
export async function refusingPort(host = '127.0.0.1'): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A port whose SYNs are dropped: the queue of its listener, which never accepts, is full. */
export async function blackHole(): Promise<number> {
  const program = `
    const server = require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      require('fs').writeSync(1, String(server.address().port));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });
  `;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [text] = await once(child.stdout, 'data');
  for (let i = 0; i < 2; i++) {
    const socket = connect(Number(text), '127.0.0.1').on('error', () => undefined);
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
  }
  return Number(text);
}

export function newReactor(maxEvents = 256): Reactor {
  const reactor = new Reactor({ clock: systemClock, tickMs: 2, maxEvents });
  onTestFinished(() => reactor.close());
  return reactor;
}

export interface TestOptions {
  readonly host?: string;
  readonly timeoutMs?: number;
  readonly bind?: string;
  /** Absent for a test without TLS. */
  readonly tls?: TlsOptions;
}

/** A test that holds the conversation of `probe`. */
export function testOf(probe: () => StreamProbe, port: number, options: TestOptions = {}): PreparedTest {
  const { host = '127.0.0.1', timeoutMs = 10_000, bind, tls } = options;
  const tester = defineStreamTester({
    name: 'scripted',
    description: 'Talks as the test wants.',
    attributes: Type.Object({}),
    probe,
  });
  return prepareTest(tester, {
    target: targetAt(host, port, bind),
    attributes: {},
    timeoutMs,
    tls,
  });
}

export function targetAt(host: string, port: number, bind?: string): Target {
  const address = at(host);
  const bindAddress = bind === undefined ? undefined : at(bind);
  return {
    address,
    port,
    bindAddress,
    virtual: { name: 'web', protocol: 'tcp', address: at('192.168.0.1'), port: 80, fwmark: 0 },
    real: { name: 'w1', address, port },
  };
}

export function runTest(test: PreparedTest, queue = new TestQueue(newReactor(), 100)): Promise<Outcome> {
  return new Promise((resolve) => queue.run(test, resolve));
}

/** Whatever this process has open now. */
export function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** Holds the event loop up, as a long computation would. */
export function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
