import { open, unlink } from 'node:fs/promises';
import type { WriteTroubles } from './write-troubles.js';

export interface AppendQueueOptions {
  readonly troubles: WriteTroubles;
  /** What may wait for the disk; what comes on top of it is lost. */
  readonly maxBytes: number;
}

interface Waiting {
  readonly file: string;
  /** Under which name a failure is told. */
  readonly about: string;
  readonly texts: string[];
}

/**
 * Appends texts to files without holding anybody up. Each text gets there whole or not at all, in the order of one file;
 * what cannot be written, or would wait in too long a queue, is lost and counted.
 *
 * A file is opened for each batch: one that was moved away, as logrotate does, is begun anew without a signal.
 */
export class AppendQueue {
  readonly #options: AppendQueueOptions;
  readonly #waiting = new Map<string, Waiting>();
  #bytes = 0;
  #isBusy = false;
  #idle: Promise<void> = Promise.resolve();

  constructor(options: AppendQueueOptions) {
    this.#options = options;
  }

  /** @param about The name for troubles, where the file is one of many. */
  append(file: string, text: string, about = file): void {
    const { maxBytes, troubles } = this.#options;
    if (this.#bytes + text.length > maxBytes)
      return troubles.failed(about, new Error('the disk is too slow'), 1);
    this.#bytes += text.length;
    const waiting = this.#waiting.get(file);
    if (waiting) waiting.texts.push(text);
    else this.#waiting.set(file, { file, about, texts: [text] });
    if (!this.#isBusy) this.#idle = this.#work();
  }

  /** Waits until everything is written or lost. */
  async settled(): Promise<void> {
    await this.#idle;
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    await undefined; // texts of one turn become one batch
    for (;;) {
      const [batch] = this.#waiting.values();
      if (!batch) break;
      this.#waiting.delete(batch.file);
      await this.#write(batch);
    }
    this.#isBusy = false;
  }

  async #write({ file, about, texts }: Waiting): Promise<void> {
    const { troubles, maxBytes } = this.#options;
    const text = texts.join('');
    try {
      await appendWhole(file, text);
      // a disk that is too slow is so until it has caught up, not until the next text
      if (this.#bytes < maxBytes / 2) troubles.written(about);
    } catch (error) {
      troubles.failed(about, error, texts.length);
    }
    this.#bytes -= text.length;
  }
}

/** Appends a text, or leaves the file as it was: one that was not there, or empty, is not there. */
async function appendWhole(path: string, text: string): Promise<void> {
  const file = await open(path, 'a', 0o644);
  try {
    const { size } = await file.stat();
    try {
      await file.writeFile(text);
    } catch (error) {
      if (size > 0) await file.truncate(size);
      else await unlink(path);
      throw error;
    }
  } finally {
    await file.close();
  }
}
