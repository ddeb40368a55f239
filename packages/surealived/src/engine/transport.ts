import * as libc from '@surealived/shared/libc';
import { judgeErrno, type SocketFailure } from './outcome.js';

/** A step has to wait for the next event of the socket, whichever it is. */
export const WAIT = -1;
/** A step failed; `failure` tells why. */
export const FAILED = -2;
/** The handshake is done, and nothing is wrong with the peer. */
export const READY = 1;

const EAGAIN = 11;

/**
 * How the bytes of a conversation move over its socket, which does not block, is watched for everything, edge-triggered,
 * and stays the conversation's. A step answers at once; one that answered `WAIT` is repeated after the next event.
 */
export interface Transport {
  /** To be repeated until it answers `READY` or `FAILED`, before anything else. */
  handshake(): number;
  /** @returns Bytes sent, at least one of `data`, which has at least one; `WAIT` or `FAILED`. */
  send(data: Uint8Array): number;
  /** @returns Bytes received, 1..`bytes`; 0 at the end of the stream; `WAIT` or `FAILED`. */
  receive(into: Uint8Array, bytes: number): number;
  /** Why a step answered `FAILED`. */
  readonly failure: SocketFailure;
  /** Frees what it holds beside the socket; nothing of it may be used any more. */
  close(): void;
}

/** The socket as it is. */
export class PlainTransport implements Transport {
  readonly #fd: number;
  #failure: SocketFailure = { obstacle: '' };

  constructor(fd: number) {
    this.#fd = fd;
  }

  get failure(): SocketFailure {
    return this.#failure;
  }

  handshake(): number {
    return READY;
  }

  send(data: Uint8Array): number {
    const sent = libc.send(this.#fd, data, data.length, libc.MSG_NOSIGNAL);
    return sent < 0 ? this.#judge('send') : sent;
  }

  receive(into: Uint8Array, bytes: number): number {
    const received = libc.recv(this.#fd, into, bytes, 0);
    return received < 0 ? this.#judge('recv') : received;
  }

  close(): void {}

  #judge(call: string): number {
    const errno = libc.errno();
    if (errno === EAGAIN) return WAIT;
    this.#failure = judgeErrno(call, errno);
    return FAILED;
  }
}
