import { type FSWatcher, statSync, watch } from 'node:fs';

interface Watch {
  readonly watcher: FSWatcher;
  readonly identity: string;
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
      const identity = identify(directory);
      const current = this.#watches.get(directory);
      if (current?.identity === identity) continue;
      this.#drop(directory);
      if (identity !== undefined) this.#watch(directory, identity);
    }
  }

  close(): void {
    for (const directory of this.#directories) this.#drop(directory);
  }

  /** Where there is no inotify watch to be had, the caller's poll has to do: `refresh` tries again. */
  #watch(directory: string, identity: string): void {
    try {
      const watcher = watch(directory, this.#onEvent);
      watcher.on('error', () => this.#drop(directory));
      this.#watches.set(directory, { watcher, identity });
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

/** Inodes are given anew at once: a directory that was made anew is known by its birth. */
function identify(directory: string): string | undefined {
  const stats = statSync(directory, { throwIfNoEntry: false, bigint: true });
  return stats && `${stats.ino} ${stats.birthtimeNs}`;
}
