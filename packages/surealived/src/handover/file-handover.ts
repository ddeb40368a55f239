import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { mkdir, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '@surealived/shared/atomic-file';
import { messageOf } from '@surealived/shared/errors';
import { tryWithFileLock, withFileLock } from '@surealived/shared/file-lock';
import type { Logger } from '@surealived/shared/log';
import type { DiffEntry } from '@surealived/shared/snapshot/format';
import { formatDiffEnd, formatDiffLine, formatSnapshot } from '@surealived/shared/snapshot/write';
import type { SurealivedConfig } from '@surealived/shared/surealived-cfg';
import type { Handover, SnapshotSource } from './handover.js';

const LOCK_TIMEOUT_MS = 10_000;
const RETRY_MS = 1000;

type HandoverPaths = Pick<
  SurealivedConfig,
  'lock_sync_file' | 'full_sync_file' | 'full_reload_file' | 'diff_sync_dir'
>;

export interface FileHandoverOptions {
  readonly paths: HandoverPaths;
  readonly source: SnapshotSource;
  readonly log: Logger;
  readonly wallNow: () => Date;
}

/**
 * The hand-over files of spec section 5: a full snapshot, the diff file that continues it, and the reload flag.
 *
 * A change is appended at once when the lock is free. Everything else goes through one queue, so that the order of
 * files is the order of events. When something cannot be written (a full disk, a reader that holds the lock for long),
 * nothing half-written stays: the next full snapshot, tried again every second, carries the state, and the reload flag
 * tells the reader to start from it.
 */
export class FileHandover implements Handover {
  readonly #options: FileHandoverOptions;
  readonly #pending: DiffEntry[] = [];
  #diffFile: string | undefined;
  #lastEpoch = 0;
  /** The work in hand; a change must wait for it. */
  #busy: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  /** Whether a reader that follows the diff has missed something. */
  #hasGap = true;
  #stopped = false;

  constructor(options: FileHandoverOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    // made first: by default the lock file lies in its parent
    await mkdir(this.#options.paths.diff_sync_dir, { recursive: true });
    await this.#queue(() => this.#writeFull());
  }

  change(entries: readonly DiffEntry[]): void {
    this.#pending.push(...entries);
    if (this.#busy || this.#hasGap) return;
    try {
      const appended = tryWithFileLock(this.#options.paths.lock_sync_file, () => this.#flush());
      if (!appended) void this.#enqueue(() => this.#flush());
    } catch (error) {
      this.#failed(error);
    }
  }

  async refresh(): Promise<void> {
    await this.#enqueue(() => this.#writeFull());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#retry);
    while (this.#busy) await this.#busy;
    if (this.#hasGap) await this.#enqueue(() => this.#writeFull());
    else if (this.#pending.length > 0) await this.#enqueue(() => this.#flush());
  }

  /** As `#queue`, but a failure is logged and tried again. */
  async #enqueue(work: () => Promise<void> | void): Promise<void> {
    await this.#queue(work).catch((error: unknown) => this.#failed(error));
  }

  /** Runs work under the lock after what is queued already, then appends the changes that came meanwhile. */
  async #queue(work: () => Promise<void> | void): Promise<void> {
    while (this.#busy) await this.#busy;
    const done = this.#exclusively(work);
    this.#busy = done.catch(() => undefined);
    try {
      await done;
    } finally {
      this.#busy = undefined;
    }
    if (this.#pending.length > 0) this.change([]);
  }

  #exclusively(work: () => Promise<void> | void): Promise<void> {
    const { lock_sync_file: lockFile } = this.#options.paths;
    return withFileLock(lockFile, { timeoutMs: LOCK_TIMEOUT_MS, create: true }, async () => work());
  }

  #failed(error: unknown): void {
    this.#options.log.error(
      { cause: messageOf(error) },
      'hand-over files could not be written, trying again',
    );
    this.#hasGap = true;
    this.#pending.length = 0; // the full snapshot to come holds them
    if (this.#stopped) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.refresh(), RETRY_MS);
  }

  /** Appends what is pending to the current diff file, whole or not at all. */
  #flush(): void {
    if (this.#pending.length === 0 || this.#diffFile === undefined) return;
    appendWhole(this.#diffFile, this.#pending.map(formatDiffLine).join(''));
    this.#pending.length = 0;
  }

  /**
   * Order matters: the new diff file exists before the snapshot names it, and the old one is ended last. A reader that
   * follows sees every change once; one that starts at any moment finds a snapshot and its own diff.
   */
  async #writeFull(): Promise<void> {
    const { paths, source, wallNow } = this.#options;
    const writtenAt = wallNow();
    const next = await this.#createDiffFile(writtenAt);
    const hadGap = this.#hasGap;
    try {
      if (hadGap) this.#pending.length = 0;
      else this.#flush();
      await replaceFile(paths.full_sync_file, formatSnapshot(source(), next, writtenAt));
    } catch (error) {
      await unlink(next).catch(() => undefined); // no snapshot leads to it; each new attempt would leave one more
      throw error;
    }
    if (!hadGap && this.#diffFile !== undefined) appendWhole(this.#diffFile, formatDiffEnd(next));
    this.#diffFile = next;
    if (hadGap) closeSync(openSync(paths.full_reload_file, 'a', 0o644));
    this.#hasGap = false;
  }

  /** A name that no diff file has, also not one of an earlier process in the same second: a snapshot may lead there. */
  async #createDiffFile(at: Date): Promise<string> {
    const { diff_sync_dir: directory } = this.#options.paths;
    await mkdir(directory, { recursive: true });
    for (;;) {
      this.#lastEpoch = Math.max(Math.floor(at.getTime() / 1000), this.#lastEpoch + 1);
      const file = join(directory, `diff_sync.${this.#lastEpoch}`);
      if (await createEmpty(file)) return file;
    }
  }
}

/** @returns False where the file exists already. */
async function createEmpty(file: string): Promise<boolean> {
  try {
    await (await open(file, 'wx', 0o644)).close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Appends a text to a file that exists, or leaves the file as it was. */
function appendWhole(file: string, text: string): void {
  const data = Buffer.from(text);
  const fd = openSync(file, 'r+');
  try {
    const { size } = fstatSync(fd);
    try {
      for (let done = 0; done < data.length; )
        done += writeSync(fd, data, done, data.length - done, size + done);
    } catch (error) {
      ftruncateSync(fd, size);
      throw error;
    }
  } finally {
    closeSync(fd);
  }
}
