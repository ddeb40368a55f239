import { close, constants, open, openSync, write, writeSync } from 'node:fs';
import { messageOf } from './errors.js';

/** What may wait for a slow disk; lines beyond are lost. */
const MAX_WAITING_BYTES = 1 << 20;
/** The most that one write takes. */
const MAX_BATCH_BYTES = 64 << 10;
/** O_NONBLOCK is for a path that is a pipe without a reader: opening it must not wait. */
const OPEN_FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;
const OPEN_MODE = 0o640;

interface Batch {
  readonly bytes: Buffer;
  readonly lines: number;
}

/**
 * A log file that lines are appended to, each with one write, and that never stands in the way: writing happens in a
 * thread of its own, what a full or a slow disk does not take is lost and counted, and nothing here throws.
 */
export class LogFile {
  readonly path: string;
  readonly #describeLoss: (lines: number) => string;
  #fd: number | undefined;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #lost = 0;
  /** Whether the file ends within a line, which the disk cut off. */
  #isTorn = false;
  #isBusy = false;
  /** Whom to tell when a reopening that was asked for fails. */
  #onReopenFailed: ((cause: string) => void) | undefined;
  #problem: string | undefined;

  /** @param describeLoss The line that tells how many were lost, with its newline. */
  constructor(path: string, describeLoss: (lines: number) => string) {
    this.path = path;
    this.#describeLoss = describeLoss;
    try {
      this.#fd = openSync(path, OPEN_FLAGS, OPEN_MODE);
    } catch (error) {
      this.#problem = messageOf(error);
    }
  }

  /** Why nothing can be written now; every line tries again. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** @param line With its newline. */
  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#waitingBytes + bytes.length > MAX_WAITING_BYTES) this.#lost++;
    else {
      this.#waiting.push(bytes);
      this.#waitingBytes += bytes.length;
    }
    this.#proceed();
  }

  /** Goes on in the file that has the path now, after a rotation; in the old one where that cannot be opened. */
  reopen(onFailed: (cause: string) => void): void {
    this.#onReopenFailed = onFailed;
    this.#proceed();
  }

  /** Writes what waits, for a process that is about to end. */
  flushSync(): void {
    try {
      while (this.#fd !== undefined && this.#waiting.length > 0) writeSync(this.#fd, this.#takeBatch().bytes);
    } catch {
      // nobody is left to be told
    }
  }

  #proceed(): void {
    if (this.#isBusy) return;
    if (this.#onReopenFailed || (this.#fd === undefined && this.#waiting.length > 0)) this.#open();
    else if (this.#fd !== undefined && this.#waiting.length > 0) this.#writeBatch(this.#fd);
  }

  #open(): void {
    this.#isBusy = true;
    const onFailed = this.#onReopenFailed;
    this.#onReopenFailed = undefined;
    open(this.path, OPEN_FLAGS, OPEN_MODE, (error, fd) => {
      this.#isBusy = false;
      this.#problem = error?.message;
      if (!error) {
        if (this.#fd !== undefined) close(this.#fd);
        this.#fd = fd;
        this.#isTorn = false;
      } else if (this.#fd === undefined) {
        this.#lost += this.#waiting.length;
        this.#waiting = [];
        this.#waitingBytes = 0;
      }
      if (error) onFailed?.(error.message);
      this.#proceed();
    });
  }

  #writeBatch(fd: number): void {
    this.#isBusy = true;
    const lost = this.#lost;
    const head = (this.#isTorn ? '\n' : '') + (lost > 0 ? this.#describeLoss(lost) : '');
    const batch = this.#takeBatch(head);
    write(fd, batch.bytes, (error, written) => {
      this.#isBusy = false;
      this.#problem = error?.message;
      if (error) this.#lost += batch.lines;
      else this.#settle(batch, written, head, lost);
      this.#proceed();
    });
  }

  /** Counts what of a batch is in the file. */
  #settle(batch: Batch, written: number, head: string, lost: number): void {
    const isWhole = written === batch.bytes.length;
    if (isWhole || written >= Buffer.byteLength(head)) this.#lost -= lost;
    if (isWhole) this.#isTorn = false;
    else {
      this.#isTorn = written > 0 ? batch.bytes[written - 1] !== 0x0a : this.#isTorn;
      this.#lost += countNewlines(batch.bytes.subarray(Math.max(written, Buffer.byteLength(head))));
    }
  }

  #takeBatch(head = ''): Batch {
    const waiting = this.#waiting;
    let [lines, bytes] = [0, 0];
    for (; lines < waiting.length && (lines === 0 || bytes < MAX_BATCH_BYTES); lines++)
      bytes += waiting[lines]?.length ?? 0;
    this.#waitingBytes -= bytes;
    return { bytes: Buffer.concat([Buffer.from(head), ...waiting.splice(0, lines)]), lines };
  }
}

function countNewlines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) count++;
  return count;
}
