import { createServer, type Server, type Socket } from 'node:net';
import { SystemCallError } from '@surealived/shared/errors';
import type { Logger } from '@surealived/shared/log';
import { answer, type CommandContext, END_OF_ANSWER } from './commands.js';

export interface AdminServerOptions {
  readonly address: string;
  /** 0 lets the kernel choose. */
  readonly port: number;
  readonly context: CommandContext;
  readonly log: Logger;
}

/** A command with its line end. */
const MAX_LINE_BYTES = 8192;
const MAX_CLIENTS = 64;
/** A client that says nothing, or reads nothing, for this long is let go. */
const IDLE_TIMEOUT_MS = 300_000;

/** The admin socket: lines in, answers out. */
export class AdminServer {
  readonly #server: Server;
  readonly #clients = new Set<Socket>();
  readonly #options: AdminServerOptions;

  constructor(options: AdminServerOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /**
   * @returns The port it listens on.
   * @throws SystemCallError naming the address, when another process has it.
   */
  async listen(): Promise<number> {
    const { address, port, log } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => {
        reject(
          new SystemCallError(
            `listen on ${address} port ${port}`,
            -(error.errno ?? 0),
            error.code ?? 'error',
          ),
        );
      });
      this.#server.listen({ host: address, port }, resolve);
    });
    this.#server.on('error', (error) => log.error({ err: error }, 'admin socket failed'));
    const bound = this.#server.address();
    return typeof bound === 'object' && bound ? bound.port : port;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const client of this.#clients) client.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    if (this.#clients.size >= MAX_CLIENTS) {
      socket.end(`Too many clients, at most ${MAX_CLIENTS}\n`);
      return;
    }
    this.#clients.add(socket);
    const lines = new LineSplitter();
    socket.setTimeout(IDLE_TIMEOUT_MS, () => socket.destroy());
    socket.on('close', () => this.#clients.delete(socket));
    socket.on('error', (error) => this.#options.log.debug({ cause: error.message }, 'admin client lost'));
    socket.on('drain', () => socket.resume());
    socket.on('data', (chunk) => this.#receive(socket, lines, chunk));
  }

  #receive(socket: Socket, lines: LineSplitter, chunk: Buffer): void {
    for (const line of lines.push(chunk)) {
      const text = [...answer(this.#options.context, line), END_OF_ANSWER].join('\n');
      // a client that does not read is not listened to either
      if (!socket.write(`${text}\n`)) socket.pause();
    }
    if (lines.pendingBytes > MAX_LINE_BYTES) {
      socket.end(`Invalid request! [longer than ${MAX_LINE_BYTES} bytes]\n${END_OF_ANSWER}\n`);
      socket.removeAllListeners('data');
    }
  }
}

/** Cuts a byte stream into lines ended by \n or \r\n; empty ones are left out. */
class LineSplitter {
  #rest = Buffer.alloc(0);

  get pendingBytes(): number {
    return this.#rest.length;
  }

  push(chunk: Buffer): readonly string[] {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const end = data.lastIndexOf(0x0a) + 1;
    this.#rest = Buffer.from(data.subarray(end));
    const lines = data.subarray(0, end).toString('utf8').split('\n');
    return lines.map((line) => line.trim()).filter((line) => line !== '');
  }
}
