import { escapeBytes } from '@surealived/shared/escape';
import type { Trace } from '../engine/outcome.js';
import type { TranscriptEntry } from './documents.js';

/** What a transcript shows of each direction; enough for headers, and no page. */
const SHOWN_BYTES = 4096;
const MAX_ENTRIES = 200;

/** Writes down what one test sends and receives, within bounds. */
export class Transcript implements Trace {
  readonly #nowMs: () => number;
  readonly #startMs: number;
  readonly #entries: TranscriptEntry[] = [];
  readonly #left = { sent: SHOWN_BYTES, received: SHOWN_BYTES };
  #omittedEntries = 0;
  #omittedBytes = 0;

  /** @param nowMs Monotonic; the transcript's time begins now. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#startMs = nowMs();
  }

  get entries(): readonly TranscriptEntry[] {
    return this.#entries;
  }

  get omitted(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.#omittedEntries, bytes: this.#omittedBytes };
  }

  sent(data: Uint8Array, atMs?: number): void {
    this.#note('sent', data, atMs);
  }

  received(data: Uint8Array, atMs?: number): void {
    this.#note('received', data, atMs);
  }

  #note(direction: 'sent' | 'received', data: Uint8Array, atMs = this.#nowMs()): void {
    if (this.#left[direction] === 0 || this.#entries.length === MAX_ENTRIES) {
      this.#omittedEntries++;
      this.#omittedBytes += data.length;
      return;
    }
    const shown = data.subarray(0, this.#left[direction]);
    this.#left[direction] -= shown.length;
    this.#entries.push({
      atMs: toThousandths(atMs - this.#startMs),
      direction,
      bytes: data.length,
      data: escapeBytes(shown),
      isCut: shown.length < data.length,
    });
  }
}

/** Milliseconds to the microsecond. */
export function toThousandths(timeMs: number): number {
  return Math.round(timeMs * 1000) / 1000;
}
