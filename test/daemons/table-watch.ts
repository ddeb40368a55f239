import { type FSWatcher, readFileSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Service } from 'ipvssync/ipvs/table';
import { parseTable } from 'ipvssync/memory/restore-format';

/** Follows the file of a table in memory. */
export class TableWatch implements Disposable {
  readonly #file: string;
  readonly #watcher: FSWatcher;
  readonly #listeners = new Set<(services: readonly Service[]) => void>();

  constructor(file: string) {
    this.#file = file;
    this.#watcher = watch(dirname(file), (_, name) => {
      if (name === basename(file)) this.#tell();
    });
  }

  read(): readonly Service[] {
    return parseTable(readFileSync(this.#file, 'utf8'), this.#file);
  }

  /** Calls `listener` with the table after each change. */
  onChange(listener: (services: readonly Service[]) => void): void {
    this.#listeners.add(listener);
  }

  /** Waits until the table is as `isAsWanted` says. @throws with `what` when that takes longer than `timeoutMs`. */
  async until(
    what: string,
    isAsWanted: (services: readonly Service[]) => boolean,
    timeoutMs: number,
  ): Promise<void> {
    if (isAsWanted(this.read())) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => done(new Error(`not seen within ${timeoutMs / 1000} s: ${what}`)),
        timeoutMs,
      );
      const listener = (services: readonly Service[]): void => {
        if (isAsWanted(services)) done();
      };
      const done = (error?: Error): void => {
        clearTimeout(timer);
        this.#listeners.delete(listener);
        if (error) reject(error);
        else resolve();
      };
      this.#listeners.add(listener);
    });
  }

  [Symbol.dispose](): void {
    this.#watcher.close();
  }

  #tell(): void {
    const services = this.read();
    for (const listener of this.#listeners) listener(services);
  }
}
