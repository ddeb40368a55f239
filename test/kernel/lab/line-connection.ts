import { EventEmitter, once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type LoadTarget, type LongConnection, monotonicMs } from './load-protocol.js';

/** Pause between an answer and the next question. */
const PAUSE_MS = 200;
/** Without an answer for so long a connection counts as broken. */
const STALL_MS = 10_000;

/**
 * A connection to a `WebServer` that is kept, and asks for one numbered line after the other.
 *
 * Each answer must come from the same real, on the same of its connections, and be the next one there.
 */
export class LineConnection {
  readonly #id: number;
  readonly #target: LoadTarget;
  readonly #socket: Socket;
  readonly #events = new EventEmitter();
  /** The real, and the number that it has given to the connection. */
  #peer = '';
  #exchanges = 0;
  #received = '';
  #broken: LongConnection['broken'];
  #isClosing = false;
  #timer: NodeJS.Timeout | undefined;

  private constructor(id: number, target: LoadTarget) {
    this.#id = id;
    this.#target = target;
    this.#events.setMaxListeners(0);
    this.#socket = connect({ host: target.address, port: target.port, noDelay: true });
    this.#socket.setEncoding('latin1');
    this.#socket.on('connect', () => this.#ask());
    this.#socket.on('data', (text: string) => this.#take(text));
    this.#socket.on('error', ({ code, message }: NodeJS.ErrnoException) => this.#break(code ?? message));
    this.#socket.on('end', () => this.#break('closed by the other side'));
    this.#restart(STALL_MS, () => this.#break(`no connection for ${STALL_MS} ms`));
  }

  /** Returns when the first answer is there, or it is broken. */
  static async open(id: number, target: LoadTarget): Promise<LineConnection> {
    const connection = new LineConnection(id, target);
    await connection.exchange(1);
    return connection;
  }

  describe(): LongConnection {
    const [real = ''] = this.#peer.split(' ');
    return {
      id: this.#id,
      target: this.#target.name,
      real,
      exchanges: this.#exchanges,
      ...(this.#broken && { broken: this.#broken }),
    };
  }

  /** Returns when so many more answers have come, or it is broken. */
  async exchange(rounds: number): Promise<void> {
    const goal = this.#exchanges + rounds;
    while (this.#exchanges < goal && !this.#broken && !this.#isClosing) await once(this.#events, 'change');
  }

  /** Closes it as clients do, and returns when the other side has, too. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#timer);
    this.#events.emit('change');
    if (this.#socket.closed) return;
    this.#socket.end();
    await once(this.#socket, 'close');
  }

  #ask(): void {
    const line = `GET /line?n=${this.#exchanges + 1} HTTP/1.1\r\nHost: lab\r\n\r\n`;
    this.#socket.write(line);
    this.#restart(STALL_MS, () => this.#break(`no answer for ${STALL_MS} ms`));
  }

  #take(text: string): void {
    if (this.#isClosing) return;
    this.#received += text;
    const body = /\r\n\r\n(.*)\n$/.exec(this.#received)?.[1];
    if (body === undefined) return;
    this.#received = '';
    const number = this.#exchanges + 1;
    const [real, serial] = body.split(' ');
    this.#peer ||= `${real} ${serial}`;
    const expected = `${this.#peer} ${number} ${number}`;
    if (body !== expected) return this.#break(`expected "${expected}", got "${body}"`);
    this.#exchanges = number;
    this.#restart(PAUSE_MS, () => this.#ask());
    this.#events.emit('change');
  }

  #break(reason: string): void {
    if (this.#isClosing || this.#broken) return;
    this.#broken = { atMs: monotonicMs(), reason };
    clearTimeout(this.#timer);
    this.#socket.destroy();
    this.#events.emit('change');
  }

  #restart(delayMs: number, action: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(action, delayMs);
  }
}
