import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** A small server that can break and heal. */
export class RealServer {
  readonly name: string;
  readonly #address: string;
  #port: number;
  readonly #kind: 'http' | 'tcp';
  readonly #connections = new Set<Socket>();
  #server: Server | undefined;

  /** @param port 0 takes a free one, and keeps it. */
  constructor(name: string, kind: 'http' | 'tcp', address: string, port: number) {
    this.name = name;
    this.#kind = kind;
    this.#address = address;
    this.#port = port;
  }

  get port(): number {
    return this.#port;
  }

  /** @throws when the address cannot be had. */
  async start(): Promise<void> {
    const server =
      this.#kind === 'http' ? createHttpServer((_, response) => response.end('ok\n')) : createServer();
    server.on('connection', (socket) => {
      this.#connections.add(socket);
      socket.on('close', () => this.#connections.delete(socket));
      socket.on('error', () => undefined); // a tester resets its connections
    });
    server.listen(this.#port, this.#address);
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** From now on its connections are refused. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    const closed = once(server, 'close');
    server.close();
    for (const socket of this.#connections) socket.destroy();
    await closed;
  }
}
