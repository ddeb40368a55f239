import type { Socket } from 'node:net';
import { answer, END_OF_ANSWER } from './commands.js';
import type { CommandContext } from './context.js';
import { LineSplitter } from './line-splitter.js';

/** A command with its line end. */
const MAX_LINE_BYTES = 8192;
const TOO_LONG = `Invalid request! [longer than ${MAX_LINE_BYTES} bytes]`;
/** Of an answer, made and written before the tests get their turn. */
const PART_BYTES = 1 << 16;
/** How long a client that is sent away may take to read why. */
const DISMISSAL_MS = 2000;

/**
 * One connection to the admin socket: answers what is received, in order, and only as far as the client reads the answers;
 * until then, and while a command has to wait, it is not listened to.
 */
export class AdminClient {
  readonly #socket: Socket;
  readonly #context: CommandContext;
  readonly #lines = new LineSplitter();
  /** Whether a command is still to answer. */
  #isWaiting = false;
  /** What is left of an answer. */
  #answer: Iterator<string> | undefined;

  /** @param idleTimeoutMs One that says nothing, reads nothing and is told nothing for this long is let go. */
  constructor(socket: Socket, context: CommandContext, idleTimeoutMs: number) {
    this.#socket = socket;
    this.#context = context;
    socket.setTimeout(idleTimeoutMs, () => socket.destroy());
    socket.on('drain', () => this.#proceed());
    socket.on('end', () => this.#serve());
    socket.on('data', (chunk) => {
      this.#lines.push(chunk);
      this.#serve();
    });
  }

  /** One that closed its side, as nc does, gets the rest all the same. */
  #serve(): void {
    const socket = this.#socket;
    if (this.#isWaiting || this.#answer || socket.writableEnded || socket.writableNeedDrain) return;
    for (let line = this.#lines.next(); line !== undefined; line = this.#lines.next()) {
      if (line.length >= MAX_LINE_BYTES) return dismiss(socket, TOO_LONG);
      const text = line.toString('utf8').trim();
      if (text !== '' && !this.#run(text)) {
        socket.pause();
        return;
      }
    }
    if (this.#lines.pendingBytes >= MAX_LINE_BYTES) dismiss(socket, TOO_LONG);
    else if (socket.readableEnded) socket.end();
    else socket.resume();
  }

  /** @returns Whether the next line may be answered. */
  #run(text: string): boolean {
    const reply = answer(this.#context, text);
    if (!(reply instanceof Promise)) return this.#begin(reply);
    this.#isWaiting = true;
    void reply.then((lines) => {
      this.#isWaiting = false;
      if (this.#socket.destroyed) return;
      this.#begin(lines);
      this.#proceed();
    });
    return false;
  }

  /** @returns Whether the whole answer is written, and there is room for more. */
  #begin(lines: Iterable<string>): boolean {
    this.#answer = lines[Symbol.iterator]();
    return this.#writePart();
  }

  /** After a wait: for room, or for the tests to have their turn. */
  #proceed(): void {
    if (this.#socket.destroyed || this.#socket.writableNeedDrain) return;
    if (this.#answer && !this.#writePart()) return;
    this.#serve();
  }

  #writePart(): boolean {
    const part: string[] = [];
    for (let bytes = 0; this.#answer && bytes < PART_BYTES; ) {
      const { done, value = END_OF_ANSWER } = this.#answer.next();
      if (done) this.#answer = undefined;
      part.push(`${value}\n`);
      bytes += value.length;
    }
    const hasRoom = this.#socket.write(part.join(''));
    if (hasRoom && this.#answer) setImmediate(() => this.#proceed());
    return hasRoom && !this.#answer;
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
