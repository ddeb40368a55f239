import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type DatagramExchange, type DatagramTester, defineDatagramTester } from '@surealived/testers/tester';
import Type from 'typebox';
import { onTestFinished } from 'vitest';
import { type TestOptions, targetAt } from './hostile-servers.test-kit.js';
import { prepareTest } from './prepare.js';
import type { PreparedTest } from './test-queue.js';

/** Answers the sender of the request at hand. */
export type Reply = (datagram: string | Uint8Array) => void;

/** A UDP socket on a loopback address that does `serve` with each datagram. @returns Its port. */
export async function listenUdp(
  serve: (request: Buffer, reply: Reply, from: RemoteInfo) => void,
  host = '127.0.0.1',
): Promise<number> {
  const socket = await boundUdp(host);
  socket.on('message', (request, from) => {
    serve(request, (datagram) => socket.send(datagram, from.port, from.address), from);
  });
  return socket.address().port;
}

export async function boundUdp(host = '127.0.0.1'): Promise<Socket> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  socket.on('error', () => undefined); // whoever asked is gone
  socket.bind(0, host);
  await once(socket, 'listening');
  onTestFinished(() => void socket.close());
  return socket;
}

/** A UDP port on which nobody listens. */
export async function refusingUdpPort(host = '127.0.0.1'): Promise<number> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  socket.bind(0, host);
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

/** A test that asks as `exchange` wants. */
export function exchangeTestOf(
  exchange: () => DatagramExchange,
  port: number,
  options: TestOptions = {},
): PreparedTest {
  const tester = defineDatagramTester({
    name: 'scripted',
    description: 'Asks as the test wants.',
    attributes: Type.Object({}),
    exchange,
  });
  return datagramTestOf(tester, {}, port, options);
}

export function datagramTestOf(
  tester: DatagramTester,
  attributes: Readonly<Record<string, unknown>>,
  port: number,
  { host = '127.0.0.1', timeoutMs = 10_000, bind }: TestOptions = {},
): PreparedTest {
  return prepareTest(tester, { target: targetAt(host, port, bind), attributes, timeoutMs, tls: undefined });
}
