import { existsSync, type FSWatcher, readFileSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { LogLine } from './daemon-process.js';

const DEFAULT_TIMEOUT_MS = 30_000;

/** Follows the JSON log file of a daemon that has no standard error. */
export class LogWatch implements Disposable {
  readonly #file: string;
  readonly #watcher: FSWatcher;
  readonly #listeners = new Set<() => void>();

  constructor(file: string) {
    this.#file = file;
    this.#watcher = watch(dirname(file), (_, name) => {
      if (name === basename(file)) for (const listener of this.#listeners) listener();
    });
  }

  /** The whole lines that the file has now. */
  read(): readonly LogLine[] {
    if (!existsSync(this.#file)) return [];
    const lines = readFileSync(this.#file, 'utf8').split('\n').slice(0, -1);
    return lines.map((text) => (text.startsWith('{') ? JSON.parse(text) : { msg: text }));
  }

  /** The lines with this message, or with one like it. */
  all(message: string | RegExp): readonly LogLine[] {
    return this.read().filter(({ msg = '' }) =>
      typeof message === 'string' ? msg === message : message.test(msg),
    );
  }

  /**
   * Waits until there are `count` lines with this message. @returns The last of them.
   *
   * @throws with the whole log when that takes longer than `timeoutMs`.
   */
  async until(message: string | RegExp, count = 1, timeoutMs = DEFAULT_TIMEOUT_MS): Promise<LogLine> {
    const find = (): LogLine | undefined => this.all(message)[count - 1];
    return await new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#listeners.delete(look);
        const log = this.read().map((line) => JSON.stringify(line));
        reject(new Error(`${message} not logged ${count} times in ${timeoutMs} ms:\n${log.join('\n')}`));
      }, timeoutMs);
      const look = (): void => {
        const line = find();
        if (!line) return;
        clearTimeout(timer);
        this.#listeners.delete(look);
        resolve(line);
      };
      this.#listeners.add(look);
      look();
    });
  }

  [Symbol.dispose](): void {
    this.#watcher.close();
  }
}
