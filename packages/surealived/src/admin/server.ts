import { createServer, type Server, type Socket } from 'node:net';
import type { Logger } from '@surealived/shared/log';
import { asSystemCallError, listenOnPath, type UnixSocketOptions } from '@surealived/shared/unix-socket';
import { AdminClient, dismiss } from './client.js';
import type { CommandContext } from './context.js';
import { TOO_MANY_CLIENTS } from './documents.js';

export interface AdminServerOptions {
  readonly address: string;
  /** 0 lets the kernel choose. */
  readonly port: number;
  /** A Unix socket beside TCP. */
  readonly unixSocket?: UnixSocketOptions | undefined;
  readonly context: CommandContext;
  readonly log: Logger;
  readonly idleTimeoutMs?: number;
}

/** On each listener: a crowd on TCP must not keep out whom the file permissions let in. */
const MAX_CLIENTS = 64;
/** On top of these, those that are sent away and have not gone yet. */
const MAX_REFUSED = 16;
const IDLE_TIMEOUT_MS = 300_000;

/** The admin socket, on TCP and on a path: lines in, answers out. */
export class AdminServer {
  readonly #options: AdminServerOptions;
  /** With their clients. */
  readonly #servers = new Map<Server, Set<Socket>>();

  constructor(options: AdminServerOptions) {
    this.#options = options;
  }

  /**
   * @returns The TCP port it listens on.
   * @throws SystemCallError naming the address or the path, when another process has it.
   */
  async listen(): Promise<number> {
    const { address, port, unixSocket } = this.#options;
    const tcp = this.#createServer();
    try {
      await new Promise<void>((resolve, reject) => {
        tcp.once('error', reject);
        tcp.listen({ host: address, port }, resolve);
      });
    } catch (error) {
      throw asSystemCallError(`listen on ${address} port ${port} (listen_addr, listen_port)`, error);
    }
    this.#watch(tcp);
    if (unixSocket) {
      const local = this.#createServer();
      await listenOnPath(local, unixSocket);
      this.#watch(local);
    }
    const bound = tcp.address();
    return typeof bound === 'object' && bound ? bound.port : port;
  }

  async close(): Promise<void> {
    const closed = [...this.#servers.keys()].map((server) => new Promise((resolve) => server.close(resolve)));
    for (const client of [...this.#servers.values()].flatMap((clients) => [...clients])) client.destroy();
    await Promise.all(closed);
  }

  #createServer(): Server {
    const clients = new Set<Socket>();
    const server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket, clients));
    this.#servers.set(server, clients);
    return server;
  }

  #watch(server: Server): void {
    server.removeAllListeners('error');
    server.on('error', (error) => this.#options.log.error({ err: error }, 'admin socket failed'));
  }

  #accept(socket: Socket, clients: Set<Socket>): void {
    const { context, log, idleTimeoutMs = IDLE_TIMEOUT_MS } = this.#options;
    socket.on('close', () => clients.delete(socket));
    socket.on('error', (error) => log.debug({ cause: error.message }, 'admin client lost'));
    const others = clients.size;
    clients.add(socket);
    if (others >= MAX_CLIENTS + MAX_REFUSED) socket.destroy();
    else if (others < MAX_CLIENTS) new AdminClient(socket, context, idleTimeoutMs);
    else dismiss(socket, `${TOO_MANY_CLIENTS}, at most ${MAX_CLIENTS}`);
  }
}
