import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { DOCUMENT_VERSION, TOO_MANY_CLIENTS } from '../admin/documents.js';
import { describeEndpoint, type Endpoint } from './endpoint.js';
import { EXIT, Failure } from './failure.js';

const END = Buffer.from('_SD_CMD_END_\n');
const NEWLINE = 0x0a;

/** A conversation with the admin socket. */
export class AdminConnection {
  readonly #socket: Socket;
  readonly #endpoint: Endpoint;
  readonly #timeoutMs: number;

  private constructor(socket: Socket, endpoint: Endpoint, timeoutMs: number) {
    this.#socket = socket;
    this.#endpoint = endpoint;
    this.#timeoutMs = timeoutMs;
    socket.on('error', () => undefined); // whoever asks hears of it by the close
  }

  /** @returns A connection to the first endpoint that takes one. @throws Failure when none does. */
  static async open(endpoints: readonly Endpoint[], timeoutMs: number): Promise<AdminConnection> {
    const failures: string[] = [];
    for (const endpoint of endpoints) {
      const socket = connect(endpoint);
      try {
        await once(socket, 'connect', { signal: AbortSignal.timeout(timeoutMs) });
        return new AdminConnection(socket, endpoint, timeoutMs);
      } catch (error) {
        socket.on('error', () => undefined);
        socket.destroy();
        failures.push(`cannot connect to ${describeEndpoint(endpoint)}: ${causeOf(error)}`);
      }
    }
    throw new Failure(EXIT.unreachable, failures.join('\n'));
  }

  get endpoint(): Endpoint {
    return this.#endpoint;
  }

  /**
   * @param line One command, not empty.
   * @param patienceMs How long the command itself may take, where that is longer than the time-out.
   * @returns The lines of the answer. @throws Failure when none comes, or only that there are too many clients.
   */
  async ask(line: string, patienceMs = 0): Promise<readonly string[]> {
    const limitMs = Math.max(this.#timeoutMs, patienceMs);
    const timer = new AbortController();
    const late = delay(limitMs, undefined, { signal: timer.signal }).then(
      () => Promise.reject(this.#failure(`no answer within ${limitMs / 1000} s`)),
      () => [],
    );
    try {
      this.#socket.write(`${line}\n`);
      const answer = await Promise.race([this.#hear(), late]);
      if (answer[0]?.startsWith(TOO_MANY_CLIENTS)) throw new Failure(EXIT.failed, answer[0]);
      return answer;
    } finally {
      timer.abort();
    }
  }

  /** Asks for a document. @throws Failure also when the request is refused. */
  async askDocument<T>(line: string, patienceMs = 0): Promise<{ document: T; text: string }> {
    const answer = await this.ask(`${line} --json`, patienceMs);
    const text = answer.at(-1) ?? ''; // an error may follow a document that was begun
    if (!text.startsWith('{')) throw new Failure(EXIT.failed, text);
    const { version, ...document } = JSON.parse(text);
    if (version !== DOCUMENT_VERSION) throw this.#failure(`documents are of version ${version}, not 1`);
    if (typeof document.error === 'string') throw new Failure(EXIT.failed, document.error);
    return { document, text };
  }

  close(): void {
    this.#socket.destroy();
  }

  /** One command at a time is under way, so an answer's end is the end of what came. */
  #hear(): Promise<readonly string[]> {
    const socket = this.#socket;
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      const stop = (): void => void socket.off('data', onData).off('close', onClose);
      const onClose = (): void => {
        stop();
        reject(this.#failure('closed the connection'));
      };
      const onData = (chunk: Buffer): void => {
        chunks.push(chunk);
        if (!isEnd(chunk, chunks)) return;
        stop();
        resolve(Buffer.concat(chunks).subarray(0, -END.length).toString().split('\n').slice(0, -1));
      };
      socket.on('data', onData).on('close', onClose);
      if (socket.destroyed) onClose();
    });
  }

  #failure(what: string): Failure {
    return new Failure(EXIT.unreachable, `${describeEndpoint(this.#endpoint)}: ${what}`);
  }
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'AbortError') return 'no answer';
  return 'code' in error ? String(error.code) : error.message;
}

/** Whether the last line is the end mark, and not the end of a longer one. */
function isEnd(last: Buffer, chunks: readonly Buffer[]): boolean {
  if (last.at(-1) !== NEWLINE) return false;
  const tail = Buffer.concat(chunks.slice(-(END.length + 1))).subarray(-(END.length + 1));
  return tail.subarray(-END.length).equals(END) && (tail.length === END.length || tail[0] === NEWLINE);
}
