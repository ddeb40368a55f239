import { constants } from 'node:os';
import { SystemCallError } from '@surealived/shared/errors';
import { errnoName } from '@surealived/shared/libc';
import { AttrWriter } from '../wire/attr.js';
import { KernelProtocolError, KernelRefusedError } from '../wire/errors.js';
import {
  familyRequest,
  type GenlRequest,
  type NetlinkMessage,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_NOOP,
  readErrno,
  readFamily,
  readMessages,
  writeRequest,
} from '../wire/genl.js';
import type { Transport } from './transport.js';

/**
 * Requests per send. In the worst case each is answered, and the answers must fit into the receive buffer: about 270
 * in its default size of 212,992 bytes.
 */
const WINDOW_REQUESTS = 128;
const MAX_DUMP_ATTEMPTS = 10;
const MAX_SEQUENCE = 0x7fffffff;
const { ENOBUFS } = constants.errno;

/** Takes one answer, with the sequence number of the first request; `true` ends the exchange. */
type Accept = (message: NetlinkMessage, firstSequence: number) => boolean;

/**
 * Speaks generic netlink with the kernel, one exchange after the other.
 *
 * Answers to exchanges that were given up are recognised by their sequence number and dropped.
 */
export class GenlClient {
  readonly #transport: Transport;
  readonly #writer = new AttrWriter();
  #sequence = 0;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** The number of a family, or `undefined` where the kernel has none of that name. */
  resolveFamily(name: string): number | undefined {
    try {
      const [family] = this.request(familyRequest(name), readFamily, `resolve netlink family ${name}`);
      return family;
    } catch (error) {
      if (error instanceof KernelRefusedError && error.errno === 'ENOENT') return undefined;
      throw error;
    }
  }

  /**
   * One request with its replies, up to the acknowledgement.
   *
   * @param read Takes a reply; its bytes are gone afterwards.
   * @param attempt What is tried, for the error.
   * @throws KernelRefusedError with the kernel's errno; KernelProtocolError where no sound answer comes.
   */
  request<T>(request: GenlRequest, read: (reply: NetlinkMessage) => T, attempt: string): T[] {
    const replies: T[] = [];
    this.#exchange([request], 0, attempt, (message) => {
      if (message.type === NLMSG_ERROR) return endOrRefuse(message, attempt);
      replies.push(read(message));
      return false;
    });
    return replies;
  }

  /**
   * All objects that the request asks for. A dump that the kernel calls inconsistent is repeated.
   *
   * @param read Takes an object; its bytes are gone afterwards.
   * @throws As `request`.
   */
  dump<T>(request: GenlRequest, read: (object: NetlinkMessage) => T, attempt: string): T[] {
    for (let tries = 0; tries < MAX_DUMP_ATTEMPTS; tries++) {
      const objects: T[] = [];
      let interrupted = false;
      this.#exchange([request], NLM_F_DUMP, attempt, (message) => {
        interrupted ||= (message.flags & NLM_F_DUMP_INTR) !== 0;
        if (message.type === NLMSG_DONE || message.type === NLMSG_ERROR) return endOrRefuse(message, attempt);
        objects.push(read(message));
        return false;
      });
      if (!interrupted) return objects;
    }
    throw new KernelProtocolError(`${attempt}: the table changed during each of ${MAX_DUMP_ATTEMPTS} dumps`);
  }

  /**
   * Sends requests that are answered by an acknowledgement alone, many per send; one refused does not stop the next.
   *
   * The kernel handles the requests of a datagram in order and answers each one that fails. So only the last of a
   * datagram asks for an acknowledgement, and that speaks for all before it which got no error.
   *
   * @param items What is to be sent, one request for each.
   * @param mayBegin Whether a send may begin with the item of an index; where none may, it begins with any.
   * @returns For each item 0 or a positive errno; ENOBUFS where the answer was lost and the outcome is unknown.
   * @throws KernelProtocolError where no sound answer comes.
   */
  batch<T>(
    items: readonly T[],
    toRequest: (item: T) => GenlRequest,
    attempt: string,
    mayBegin: (index: number) => boolean = () => true,
  ): number[] {
    const errnos: number[] = [];
    while (errnos.length < items.length) {
      const start = errnos.length;
      const limit = start + WINDOW_REQUESTS;
      let end = limit;
      while (end < items.length && end > start && !mayBegin(end)) end--;
      const window = items.slice(start, end > start ? end : limit);
      errnos.push(...this.#window(window.map(toRequest), attempt));
    }
    return errnos;
  }

  close(): void {
    this.#transport.close();
  }

  #window(requests: readonly GenlRequest[], attempt: string): number[] {
    const errnos = requests.map(() => 0);
    try {
      this.#exchange(requests, 0, attempt, ({ type, sequence, payload }, first) => {
        if (type === NLMSG_ERROR) errnos[sequence - first] = readErrno({ type, payload });
        return type === NLMSG_ERROR && sequence - first === requests.length - 1;
      });
    } catch (error) {
      if (!(error instanceof KernelProtocolError && error.answersLost)) throw error;
      return errnos.map((errno) => errno || ENOBUFS);
    }
    return errnos;
  }

  /** Sends and takes answers until `accept` is satisfied. Flags ask for an acknowledgement of the last, or a dump. */
  #exchange(requests: readonly GenlRequest[], flags: number, attempt: string, accept: Accept): void {
    const first = this.#reserve(requests.length);
    const last = first + requests.length - 1;
    this.#writer.reset();
    for (const [i, request] of requests.entries()) {
      const ack = flags === 0 && first + i === last ? NLM_F_ACK : 0;
      writeRequest(this.#writer, request, flags | ack, first + i);
    }
    try {
      this.#transport.send(this.#writer.written);
      while (!this.#takeDatagram(first, last, accept));
    } catch (error) {
      const isTrouble = error instanceof SystemCallError || error instanceof KernelProtocolError;
      throw isTrouble ? new KernelProtocolError(attempt, error) : error;
    }
  }

  /** @returns Whether the exchange has ended. */
  #takeDatagram(first: number, last: number, accept: Accept): boolean {
    for (const message of readMessages(this.#transport.receive())) {
      const isOurs = message.sequence >= first && message.sequence <= last;
      if (isOurs && message.type !== NLMSG_NOOP && accept(message, first)) return true;
    }
    return false;
  }

  /** The first of `count` sequence numbers in a row; never 0, which the kernel uses for what nobody asked for. */
  #reserve(count: number): number {
    if (this.#sequence + count > MAX_SEQUENCE) this.#sequence = 0;
    const first = this.#sequence + 1;
    this.#sequence += count;
    return first;
  }
}

/** Ends the exchange for errno 0. @throws KernelRefusedError for any other. */
function endOrRefuse(message: NetlinkMessage, attempt: string): true {
  const errno = readErrno(message);
  if (errno === 0) return true;
  throw new KernelRefusedError(attempt, errnoName(errno));
}
