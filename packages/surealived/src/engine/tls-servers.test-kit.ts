import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { createServer, type TLSSocket, type TlsOptions as TlsServerOptions } from 'node:tls';
import type { StreamProbe } from '@surealived/testers/tester';
import { onTestFinished } from 'vitest';
import type { TlsPolicy } from '../config/model.js';
import { listen, type TestOptions, testOf } from './hostile-servers.test-kit.js';
import type { PreparedTest } from './test-queue.js';

/** A TLS server on loopback that does `serve` with each connection; `raw` is the socket below. @returns Its port. */
export async function listenTls(
  options: TlsServerOptions,
  serve: (socket: TLSSocket, raw: Socket) => void,
  host = '127.0.0.1',
): Promise<number> {
  const sockets = new Map<number | undefined, Socket>();
  const server = createServer(options, (socket) => {
    socket.on('error', () => undefined); // tests end by a reset
    serve(socket, sockets.get(socket.remotePort) as Socket);
  });
  server.on('connection', (socket) => {
    socket.on('error', () => undefined);
    sockets.set(socket.remotePort, socket);
    const { remotePort } = socket;
    socket.on('close', () => sockets.delete(remotePort));
  });
  server.on('tlsClientError', (_error, socket) => void socket.destroy());
  server.listen(0, host);
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets.values()) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A port in front of another that passes on what the server says one byte per write. */
export function dripFrom(port: number): Promise<number> {
  return listen((client) => {
    client.setNoDelay(true);
    const server = connect(port, '127.0.0.1').on('error', () => undefined);
    client.pipe(server);
    client.on('close', () => server.destroy());
    void drip(server, client);
  });
}

async function drip(from: Socket, to: Socket): Promise<void> {
  for await (const part of from as AsyncIterable<Buffer>) {
    for (const byte of part) {
      to.write(Buffer.of(byte));
      await new Promise(setImmediate);
    }
  }
  to.end();
}

export interface TlsTestOptions extends Omit<TestOptions, 'tls'>, Partial<TlsPolicy> {
  readonly serverName?: string;
}

/** A test that holds the conversation of `probe` over TLS. */
export function tlsTestOf(
  probe: () => StreamProbe,
  port: number,
  options: TlsTestOptions = {},
): PreparedTest {
  const { serverName, verify = false, caFile, caStamp = '', minDays = 0, ...rest } = options;
  return testOf(probe, port, { ...rest, tls: { serverName, policy: { verify, caFile, caStamp, minDays } } });
}
