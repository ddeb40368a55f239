import { type FSWatcher, statSync, watch } from 'node:fs';

interface Watch {
  readonly watcher: FSWatcher;
  readonly inode: number;
}

/** Watches directories by inotify, also those that come later or are made anew. */
export class DirectoryWatch {
  readonly #directories: ReadonlySet<string>;
  readonly #onEvent: () => void;
  readonly #watches = new Map<string, Watch>();

  constructor(directories: Iterable<string>, onEvent: () => void) {
    this.#directories = new Set(directories);
    this.#onEvent = onEvent;
    this.refresh();
  }

  /** Takes up directories that appeared or were replaced; to be called now and then. */
  refresh(): void {
    for (const directory of this.#directories) {
      const inode = statSync(directory, { throwIfNoEntry: false })?.ino;
      const current = this.#watches.get(directory);
      if (current?.inode === inode) continue;
      this.#drop(directory);
      if (inode !== undefined) this.#watch(directory, inode);
    }
  }

  close(): void {
    for (const directory of this.#directories) this.#drop(directory);
  }

  /** Where there is no inotify watch to be had, the caller's poll has to do: `refresh` tries again. */
  #watch(directory: string, inode: number): void {
    try {
      const watcher = watch(directory, this.#onEvent);
      watcher.on('error', () => this.#drop(directory));
      this.#watches.set(directory, { watcher, inode });
      this.#onEvent();
    } catch {
      this.#onEvent();
    }
  }

  #drop(directory: string): void {
    this.#watches.get(directory)?.watcher.close();
    this.#watches.delete(directory);
  }
}
