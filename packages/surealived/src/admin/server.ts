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
/** How long a client that is sent away may take to read why. */
const DISMISSAL_MS = 2000;
/** A client that says nothing, or reads nothing, for this long is let go. */
const IDLE_TIMEOUT_MS = 300_000;

/** The admin socket: lines in, answers out. */
export class AdminServer {
  readonly #server: Server;
  readonly #clients = new Set<Socket>();
  readonly #options: AdminServerOptions;

  constructor(options: AdminServerOptions) {
    this.#options = options;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
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
    socket.on('close', () => this.#clients.delete(socket));
    socket.on('error', (error) => this.#options.log.debug({ cause: error.message }, 'admin client lost'));
    const isWelcome = this.#clients.size < MAX_CLIENTS;
    this.#clients.add(socket);
    if (!isWelcome) return dismiss(socket, `Too many clients, at most ${MAX_CLIENTS}`);
    const lines = new LineSplitter();
    socket.setTimeout(IDLE_TIMEOUT_MS, () => socket.destroy());
    socket.on('drain', () => this.#serve(socket, lines));
    socket.on('end', () => this.#serve(socket, lines));
    socket.on('data', (chunk) => {
      lines.push(chunk);
      this.#serve(socket, lines);
    });
  }

  /**
   * Answers what has been received, as far as the client reads the answers; until then it is not listened to. One that
   * closed its side, as nc does, gets the rest all the same.
   */
  #serve(socket: Socket, lines: LineSplitter): void {
    if (socket.writableEnded || socket.writableNeedDrain) return;
    for (let line = lines.next(); line !== undefined; line = lines.next()) {
      if (line.length >= MAX_LINE_BYTES) return dismiss(socket, TOO_LONG);
      const text = line.toString('utf8').trim();
      if (text === '') continue;
      const reply = [...answer(this.#options.context, text), END_OF_ANSWER].join('\n');
      if (!socket.write(`${reply}\n`)) {
        socket.pause();
        return;
      }
    }
    if (lines.pendingBytes >= MAX_LINE_BYTES) dismiss(socket, TOO_LONG);
    else if (socket.readableEnded) socket.end();
    else socket.resume();
  }
}

const TOO_LONG = `Invalid request! [longer than ${MAX_LINE_BYTES} bytes]`;

/** Says a last line and closes. What the client still sends is dropped: a reset would cost it the line. */
function dismiss(socket: Socket, message: string): void {
  socket.removeAllListeners('data');
  socket.removeAllListeners('drain');
  socket.resume();
  socket.end(`${message}\n${END_OF_ANSWER}\n`);
  const timer = setTimeout(() => socket.destroy(), DISMISSAL_MS);
  socket.once('close', () => clearTimeout(timer));
}

/** Cuts a byte stream into lines, without their \n. */
class LineSplitter {
  #pending: Buffer = Buffer.alloc(0);

  /** Bytes received that no line has taken yet. */
  get pendingBytes(): number {
    return this.#pending.length;
  }

  push(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
  }

  next(): Buffer | undefined {
    const end = this.#pending.indexOf(0x0a);
    if (end < 0) return undefined;
    const line = this.#pending.subarray(0, end);
    this.#pending = this.#pending.subarray(end + 1);
    return line;
  }
}
