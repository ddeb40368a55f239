import { EPOLL_DATA_HIGH, EPOLL_DATA_LOW, EPOLL_EVENT_BYTES } from '@surealived/shared/libc';

const WORD_BYTES = 4;
const WORDS = EPOLL_EVENT_BYTES / WORD_BYTES;
const LOW = EPOLL_DATA_LOW / WORD_BYTES;
const HIGH = EPOLL_DATA_HIGH / WORD_BYTES;

/** An array of `struct epoll_event`, whose data are a descriptor and the generation of its registration. */
export class EpollEvents {
  /** For system calls. */
  readonly bytes: Uint8Array;
  readonly #words: Uint32Array;

  constructor(length: number) {
    this.#words = new Uint32Array(WORDS * length);
    this.bytes = new Uint8Array(this.#words.buffer);
  }

  events(index: number): number {
    return this.#words[WORDS * index] ?? 0;
  }

  fd(index: number): number {
    return this.#words[WORDS * index + LOW] ?? 0;
  }

  generation(index: number): number {
    return this.#words[WORDS * index + HIGH] ?? 0;
  }

  /** @param generation 32 bits. */
  set(index: number, events: number, fd: number, generation: number): void {
    this.#words[WORDS * index] = events;
    this.#words[WORDS * index + LOW] = fd;
    this.#words[WORDS * index + HIGH] = generation;
  }
}
