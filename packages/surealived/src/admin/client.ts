import type { Socket } from 'node:net';
import { answer, END_OF_ANSWER } from './commands.js';
import type { CommandContext } from './context.js';
import { LineSplitter } from './line-splitter.js';

/** A command with its line end. */
const MAX_LINE_BYTES = 8192;
const TOO_LONG = `Invalid request! [longer than ${MAX_LINE_BYTES} bytes]`;
/** A browser that is made to send commands in the body of a request. */
const HTTP_REQUEST = /^\S+ \S+ HTTP\/\d/;
const IS_HTTP = 'Invalid request! [HTTP]';
/** Of an answer, made and written before the tests get their turn. */
const PART_BYTES = 1 << 16;
/** How long a client that is sent away may take to read why. */
const DISMISSAL_MS = 2000;

/**
 * One connection to the admin socket: answers what is received, in order, and only as far as the client reads the answers.
 * Until an answer is written, it is not listened to.
 */
export class AdminClient {
  readonly #socket: Socket;
  readonly #context: CommandContext;
  readonly #lines = new LineSplitter();
  /** From a command to the turn after its answer. */
  #isBusy = false;
  /** What is left of an answer. */
  #answer: Iterator<string> | undefined;

  /** @param idleTimeoutMs One that says nothing, reads nothing and is told nothing for this long is let go. */
  constructor(socket: Socket, context: CommandContext, idleTimeoutMs: number) {
    this.#socket = socket;
    this.#context = context;
    socket.setTimeout(idleTimeoutMs, () => socket.destroy());
    socket.on('drain', () => this.#proceedLater());
    socket.on('end', () => this.#serve());
    socket.on('data', (chunk) => {
      this.#lines.push(chunk);
      this.#serve();
    });
  }

  /** One that closed its side, as nc does, gets the rest all the same. */
  #serve(): void {
    const socket = this.#socket;
    if (this.#isBusy || socket.writableEnded) return;
    for (let line = this.#lines.next(); line !== undefined; line = this.#lines.next()) {
      if (line.length >= MAX_LINE_BYTES) return dismiss(socket, TOO_LONG);
      const text = line.toString('utf8').trim();
      if (HTTP_REQUEST.test(text)) return this.#refuseHttp();
      if (text !== '') return this.#run(text);
    }
    if (this.#lines.pendingBytes >= MAX_LINE_BYTES) dismiss(socket, TOO_LONG);
    else if (socket.readableEnded) socket.end();
    else socket.resume();
  }

  #refuseHttp(): void {
    this.#context.log.debug('admin client speaks HTTP');
    dismiss(this.#socket, IS_HTTP);
  }

  #run(text: string): void {
    this.#isBusy = true;
    this.#socket.pause();
    const reply = answer(this.#context, text);
    if (reply instanceof Promise) void reply.then((parts) => this.#begin(parts));
    else this.#begin(reply);
  }

  #begin(parts: Iterable<string>): void {
    this.#answer = parts[Symbol.iterator]();
    this.#proceed();
  }

  /** The tests have a turn between the parts of an answer, and between commands: thousands may come at once. */
  #proceedLater(): void {
    setImmediate(() => this.#proceed());
  }

  #proceed(): void {
    if (this.#socket.destroyed) return;
    if (this.#answer) this.#writePart();
    else {
      this.#isBusy = false;
      this.#serve();
    }
  }

  #writePart(): void {
    const part: string[] = [];
    for (let bytes = 0; this.#answer && bytes < PART_BYTES; ) {
      const { done, value = `${END_OF_ANSWER}\n` } = this.#answer.next();
      if (done) this.#answer = undefined;
      part.push(value);
      bytes += value.length;
    }
    // without room, there is a drain to come
    if (this.#socket.write(part.join(''))) this.#proceedLater();
  }
}

/** Says a last line and closes. What the client still sends is dropped: a reset would cost it the line. */
export function dismiss(socket: Socket, message: string): void {
  socket.removeAllListeners('data');
  socket.removeAllListeners('drain');
  socket.resume();
  socket.end(`${message}\n${END_OF_ANSWER}\n`);
  const timer = setTimeout(() => socket.destroy(), DISMISSAL_MS);
  socket.once('close', () => clearTimeout(timer));
}
