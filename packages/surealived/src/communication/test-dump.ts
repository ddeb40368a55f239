import type { Trace } from '../engine/outcome.js';

/** Of one test; what comes on top of it is not dumped. */
const MAX_TEST_BYTES = 1 << 20;
const LINE_END = Buffer.from('\n');

/** What one test sent and received, as its dump file shows it (spec section 8). */
export class TestDump implements Trace {
  readonly #wallMs: (atMs?: number) => number;
  readonly #onEntry: (bytes: number) => boolean;
  #bytes = 0;
  #isCut = false;
  /** What no file has yet. */
  #unwritten: Buffer[] = [];
  /** Bytes of the conversation therein. */
  unwrittenBytes = 0;

  /**
   * @param wallMs Wall time at a moment of monotonic time, now if none is given. In milliseconds, with fractions.
   * @param onEntry Told of each entry and how much was said; false where there is no room for it.
   */
  constructor(wallMs: (atMs?: number) => number, onEntry: (bytes: number) => boolean) {
    this.#wallMs = wallMs;
    this.#onEntry = onEntry;
  }

  sent(data: Uint8Array, atMs?: number): void {
    this.#add('sd_write ->', data, atMs);
  }

  received(data: Uint8Array, atMs?: number): void {
    this.#add('sd_read <-', data, atMs);
  }

  /** @returns What is to be appended to the file now. */
  take(): Buffer {
    const taken = Buffer.concat(this.#unwritten);
    this.#unwritten = [];
    this.unwrittenBytes = 0;
    return taken;
  }

  #add(what: string, data: Uint8Array, atMs?: number): void {
    if (this.#isCut) return;
    const head = `[${localTimeUs(this.#wallMs(atMs))}]  `;
    this.#bytes += data.length;
    if (this.#bytes <= MAX_TEST_BYTES && this.#onEntry(data.length)) {
      this.unwrittenBytes += data.length;
      this.#unwritten.push(Buffer.from(`${head}${what}\n`), Buffer.from(data), LINE_END);
      return;
    }
    this.#isCut = true;
    this.#unwritten.push(Buffer.from(`${head}cut: too much to be dumped\n`));
    this.#onEntry(0);
  }
}

/** `2026-11-20 10:07:14.921310`, in local time. */
export function localTimeUs(wallMs: number): string {
  const time = new Date(wallMs - new Date(wallMs).getTimezoneOffset() * 60_000);
  const us = Math.floor((wallMs - Math.floor(wallMs)) * 1000);
  return `${time.toISOString().replace('T', ' ').replace('Z', '')}${String(us).padStart(3, '0')}`;
}
