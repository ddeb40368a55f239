import { closeSync, readSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Namespace } from './namespace.js';

/** Above the size of any table that is watched. */
const BUFFER_BYTES = 1 << 20;
const PAUSE_MS = 1;

interface Wait {
  /** For the error: whom is waited for. */
  readonly who: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** The only one that counts. */
  readonly address?: string;
}

/**
 * Watches which destinations of a namespace's table have a weight, at the price of a few system calls per look.
 *
 * The kernel tells nobody of a change, so this looks every millisecond: `meanGapMs` is how far it may be late. As with
 * `readIpvs`, other namespaces must not have services, unless the table is small.
 */
export class ServingWatch implements Disposable {
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(BUFFER_BYTES);
  #looks = 0;
  #waitedMs = 0;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  static async open(namespace: Namespace): Promise<ServingWatch> {
    return new ServingWatch(await namespace.openProcNet('ip_vs'));
  }

  /** From one look to the next. */
  get meanGapMs(): number {
    return this.#waitedMs / this.#looks;
  }

  /** How many destinations with a weight above 0 there are, in all services together. @param address Of these alone. */
  count(address?: string): number {
    const wanted = address === undefined ? '[0-9A-F]{8}' : hex(address);
    return [...this.#read().matchAll(RegExp(`-> ${wanted}:\\w{4} +\\w+ +[1-9]`, 'g'))].length;
  }

  /**
   * Waits until there are so many.
   *
   * @returns When that was seen, monotonic.
   */
  async until(wanted: number, { who, address, timeoutMs, signal }: Wait): Promise<number> {
    const startedMs = performance.now();
    for (;;) {
      const found = this.count(address);
      const nowMs = performance.now();
      this.#looks++;
      if (found === wanted) {
        this.#waitedMs += nowMs - startedMs;
        return nowMs;
      }
      if (nowMs - startedMs > timeoutMs)
        throw new Error(
          `${who}: ${found} destinations with a weight after ${timeoutMs} ms, of ${address ?? 'all addresses'}; wanted: ${wanted}\n${this.#read()}`,
        );
      await pause(PAUSE_MS, undefined, { signal });
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  #read(): string {
    let length = 0;
    for (let got = -1; got !== 0; length += got)
      got = readSync(this.#fd, this.#buffer, length, this.#buffer.length - length, length);
    return this.#buffer.toString('latin1', 0, length);
  }
}

/** As the kernel writes an IPv4 address there. */
function hex(address: string): string {
  return Buffer.from(address.split('.').map(Number)).toString('hex').toUpperCase();
}
