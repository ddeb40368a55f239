import { mkdirSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { messageOf, SureAliveError } from '@surealived/shared/errors';
import type { Logger } from '@surealived/shared/log';
import { listenOnPath } from '@surealived/shared/unix-socket';

export interface StatusServerOptions {
  /** Of the Unix socket; empty for none. */
  readonly path: string;
  /** What each client gets; those that wait for it at the same time share one. */
  readonly document: () => Promise<string>;
  readonly log: Logger;
  readonly clientTimeoutMs?: number;
}

const MODE = 0o660;
const MAX_CLIENTS = 16;
const CLIENT_TIMEOUT_MS = 5_000;

/**
 * Hands one document to each client of a Unix socket, and heeds nothing that it says. It is a window on a daemon that has
 * other things to do: whatever goes wrong here is told in the log and ends nothing.
 */
export class StatusServer {
  readonly #options: StatusServerOptions;
  readonly #clients = new Set<Socket>();
  #server: Server | undefined;
  #document: Promise<string> | undefined;

  constructor(options: StatusServerOptions) {
    this.#options = options;
  }

  /** Listens, or logs why not. Its directory is made where only that is missing. */
  async open(): Promise<void> {
    const { path, log } = this.#options;
    if (path === '') return;
    const server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
    try {
      makeDirectory(dirname(path));
      await listenOnPath(server, { path, mode: MODE });
    } catch (error) {
      if (!(error instanceof SureAliveError)) throw error;
      log.warn({ reason: messageOf(error) }, 'no status socket');
      return;
    }
    server.on('error', (error) => log.warn({ reason: error.message }, 'status socket failed'));
    this.#server = server;
    log.debug({ path }, 'status is told');
  }

  /** Cuts off who is connected, removes the socket, and waits for a document that is being made. */
  async close(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const client of this.#clients) client.destroy();
    await closed;
    await this.#document?.catch(() => undefined);
  }

  #accept(socket: Socket): void {
    socket.on('error', () => socket.destroy()); // it has gone; nothing of ours depends on it
    if (this.#clients.size >= MAX_CLIENTS) {
      socket.destroy();
      return;
    }
    socket.resume(); // what were left unread when it is closed would reset the connection
    const { clientTimeoutMs = CLIENT_TIMEOUT_MS } = this.#options;
    this.#clients.add(socket);
    let timer: NodeJS.Timeout | undefined;
    socket.on('close', () => {
      clearTimeout(timer);
      this.#clients.delete(socket);
    });
    this.#share().then(
      (document) => {
        if (socket.destroyed) return;
        timer = setTimeout(() => socket.destroy(), clientTimeoutMs);
        socket.end(document, () => socket.destroy());
      },
      (error: unknown) => {
        this.#options.log.error({ err: error }, 'status cannot be told');
        socket.destroy();
      },
    );
  }

  #share(): Promise<string> {
    this.#document ??= this.#options.document().finally(() => {
      this.#document = undefined;
    });
    return this.#document;
  }
}

function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory);
  } catch {
    // it is there, or listening says what is missing
  }
}
