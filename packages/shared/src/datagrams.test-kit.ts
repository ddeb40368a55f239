import { EventEmitter, once } from 'node:events';
import { rmSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import * as libc from './libc.js';

/** A Unix datagram socket that keeps what arrives, as a syslog daemon does. */
export class DatagramServer {
  readonly #path: string;
  readonly #watch: { close(): void };
  readonly #fd: number;
  #isOpen = true;
  readonly received: string[] = [];
  readonly #arrivals = new EventEmitter();

  constructor(path: string) {
    this.#path = path;
    this.#fd = libc.socket(libc.AF_UNIX, libc.SOCK_DGRAM | libc.SOCK_NONBLOCK | libc.SOCK_CLOEXEC, 0);
    const address = libc.encodeUnixSockaddr(path);
    if (libc.bind(this.#fd, address, address.length) !== 0) throw libc.systemCallError('bind');
    this.#watch = libc.watchReadable(this.#fd, () => this.receive());
    onTestFinished(() => this.close());
  }

  /** Takes what has arrived. */
  receive(): void {
    const buffer = Buffer.alloc(64 << 10);
    for (;;) {
      const length = this.#isOpen ? libc.recv(this.#fd, buffer, buffer.length, 0) : -1;
      if (length < 0) return;
      this.received.push(buffer.toString('utf8', 0, length));
      this.#arrivals.emit('arrival');
    }
  }

  /** Waits for a message. */
  async until(pattern: RegExp): Promise<string> {
    for (;;) {
      const message = this.received.find((candidate) => pattern.test(candidate));
      if (message !== undefined) return message;
      await once(this.#arrivals, 'arrival');
    }
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#watch.close();
    libc.close(this.#fd);
    rmSync(this.#path, { force: true });
  }
}
