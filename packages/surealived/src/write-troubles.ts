import { messageOf } from '@surealived/shared/errors';
import type { Logger } from '@surealived/shared/log';

/** A file that cannot be written at present. */
export interface WriteTrouble {
  readonly file: string;
  readonly since: Date;
  /** What the last attempt said. */
  readonly cause: string;
  /** What is lost for good since then, in whatever the file is made of; 0 where the next success makes it whole. */
  readonly lost: number;
}

/** What could not be written and since when. Told to the log once when it begins and once when it is over. */
export class WriteTroubles {
  readonly #log: Logger;
  readonly #wallNow: () => Date;
  readonly #troubles = new Map<string, WriteTrouble>();

  constructor({ log, wallNow }: { log: Logger; wallNow: () => Date }) {
    this.#log = log;
    this.#wallNow = wallNow;
  }

  /** Oldest first. */
  get list(): readonly WriteTrouble[] {
    return [...this.#troubles.values()];
  }

  /** @param lost How much will never be written because of this failure. */
  failed(file: string, error: unknown, lost = 0): void {
    const known = this.#troubles.get(file);
    const cause = messageOf(error);
    this.#troubles.set(file, {
      file,
      cause,
      since: known?.since ?? this.#wallNow(),
      lost: (known?.lost ?? 0) + lost,
    });
    if (known) return;
    const fate = lost > 0 ? 'what it misses is lost' : 'trying again';
    this.#log.error({ file, cause }, `file cannot be written, ${fate}`);
  }

  written(file: string): void {
    const trouble = this.#troubles.get(file);
    if (!trouble) return;
    this.#troubles.delete(file);
    const { since, lost } = trouble;
    this.#log.info({ file, since: since.toISOString(), ...(lost > 0 && { lost }) }, 'file is written again');
  }

  /** Nobody writes the file any more. */
  forget(file: string): void {
    this.#troubles.delete(file);
  }
}
