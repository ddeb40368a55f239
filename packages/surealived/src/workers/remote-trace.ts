import type { Clock } from '@surealived/shared/clock';
import type { Trace } from '../engine/outcome.js';
import type { FromWorker, Traced } from './messages.js';

/** What of one test goes to the other thread; a dump has no more than a MiB of it, and shows by one byte more that it is cut. */
const MAX_TRACED_BYTES = (1 << 20) + 1;

/** Tells another thread what a test sends and receives, as it happens. */
export class RemoteTrace implements Trace {
  readonly #traced: Traced;
  readonly #clock: Clock;
  readonly #post: (message: FromWorker, transferred: ArrayBuffer) => void;
  #left = MAX_TRACED_BYTES;

  constructor(traced: Traced, clock: Clock, post: (message: FromWorker, transferred: ArrayBuffer) => void) {
    this.#traced = traced;
    this.#clock = clock;
    this.#post = post;
  }

  sent(data: Uint8Array): void {
    this.#tell('sent', data);
  }

  received(data: Uint8Array): void {
    this.#tell('received', data);
  }

  #tell(direction: 'sent' | 'received', said: Uint8Array): void {
    if (this.#left === 0) return;
    const data = new Uint8Array(said.subarray(0, this.#left));
    this.#left -= data.length;
    this.#post(
      { kind: 'said', traced: this.#traced, direction, atMs: this.#clock.nowMs(), data },
      data.buffer,
    );
  }
}
