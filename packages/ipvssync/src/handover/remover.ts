import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf } from '@surealived/shared/errors';

/** Removes files that were read, where it may. */
export class Remover {
  readonly #onKept: (file: string, reason: string) => void;
  /** Directories of which it was told that nothing can be removed there. */
  readonly #keeping = new Set<string>();

  /** @param onKept Told of a file that cannot be removed: once per directory, until one there can be. */
  constructor(onKept: (file: string, reason: string) => void) {
    this.#onKept = onKept;
  }

  /** @returns False where the file cannot be removed. */
  remove(file: string): boolean {
    const directory = dirname(file);
    try {
      rmSync(file, { force: true });
      this.#keeping.delete(directory);
      return true;
    } catch (error) {
      if (!this.#keeping.has(directory)) this.#onKept(file, messageOf(error));
      this.#keeping.add(directory);
      return false;
    }
  }
}
