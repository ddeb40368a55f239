import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { mkdir, open, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { commitFile, prepareFile, syncDirectory } from '@surealived/shared/atomic-file';
import { HandoverTakenError } from '@surealived/shared/errors';
import { holdFileLock, tryWithFileLock, withFileLock } from '@surealived/shared/file-lock';
import type { Logger } from '@surealived/shared/log';
import { ANY_GENERATION, type DiffEntry } from '@surealived/shared/snapshot/format';
import { readGeneration } from '@surealived/shared/snapshot/read';
import { formatDiffEnd, formatDiffLine, formatSnapshot } from '@surealived/shared/snapshot/write';
import type { SurealivedConfig } from '@surealived/shared/surealived-cfg';
import { isSpecialFile } from '@surealived/shared/text-file';
import { WriteTroubles } from '../write-troubles.js';
import type { Handover, SnapshotSource } from './handover.js';

const LOCK_TIMEOUT_MS = 10_000;
const RETRY_MS = 1000;

export type HandoverPaths = Pick<
  SurealivedConfig,
  'lock_sync_file' | 'full_sync_file' | 'full_reload_file' | 'diff_sync_dir'
>;

/** The file whose lock its writer holds for life. */
export function ownerFileOf(snapshot: string): string {
  return `${snapshot}.owner`;
}

export interface FileHandoverOptions {
  readonly paths: HandoverPaths;
  readonly source: SnapshotSource;
  readonly log: Logger;
  readonly wallNow: () => Date;
  /** Where what cannot be written is noted. */
  readonly troubles?: WriteTroubles;
}

/**
 * The hand-over files of spec section 5: a full snapshot, the diff file that continues it, and the reload flag.
 *
 * A change is appended at once when the lock is free, also while a full snapshot is on its way to the disk: what the
 * snapshot misses by that goes into both diffs, and reading it twice does no harm. Everything else goes through one
 * queue, so that the order of files is the order of events. When something cannot be written (a full disk, a reader
 * that holds the lock for long), nothing half-written stays: the next full snapshot, tried again every second, carries
 * the state, and the reload flag tells the reader to start from it.
 *
 * Generations are wall time in milliseconds where that rises, and go up by one where a clock was set back. Where the last
 * one is not known, the flag tells the reader to take a lower one: a snapshot that was lost must not hold up the table.
 */
export class FileHandover implements Handover {
  readonly #options: FileHandoverOptions;
  readonly #troubles: WriteTroubles;
  readonly #pending: DiffEntry[] = [];
  #diffFile: string | undefined;
  #lastEpoch = 0;
  /** Of the last snapshot, also that of an earlier process; `undefined` where that left none to be read. */
  #generation: number | undefined;
  /** What the reload flag says. */
  #flag = '';
  /** The work in hand; what is queued waits for it. */
  #busy: Promise<void> | undefined;
  /** Whether the work in hand has the lock, or waits for it; a change then waits too. */
  #isExclusive = false;
  /** Changes since the state was taken for the snapshot that is being written. */
  #missed: DiffEntry[] | undefined;
  /** Whether the snapshot that is being written is of before a `rewrite`: what comes after it may not fit to it. */
  #isOutdated = false;
  #isFlushQueued = false;
  /** Held for life, so that no second surealived writes the same files. */
  #ownership: { release(): void } | undefined;
  #retry: NodeJS.Timeout | undefined;
  /** Whether a reader that follows the diff has missed something. */
  #hasGap = true;
  #stopped = false;

  constructor(options: FileHandoverOptions) {
    this.#options = options;
    this.#troubles = options.troubles ?? new WriteTroubles(options);
  }

  async start(): Promise<void> {
    const { diff_sync_dir, full_sync_file } = this.#options.paths;
    await makeDirectory(diff_sync_dir);
    this.#own(ownerFileOf(full_sync_file));
    this.#generation = generationOf(full_sync_file);
    this.#flag = this.#generation === undefined ? ANY_GENERATION : '';
    await this.#queue(() => this.#writeFull());
  }

  /** Two writers would each overwrite what the other knows: the second must not begin. */
  #own(file: string): void {
    this.#ownership ??= holdFileLock(file);
    if (!this.#ownership)
      throw new HandoverTakenError(`${file}: another surealived writes these hand-over files`);
  }

  change(entries: readonly DiffEntry[]): void {
    const atMs = this.#options.wallNow().getTime();
    for (const entry of entries) {
      const timed = { ...entry, atMs };
      this.#pending.push(timed);
      this.#missed?.push(timed);
    }
    if (this.#isExclusive || this.#hasGap) return;
    try {
      const appended = tryWithFileLock(this.#options.paths.lock_sync_file, () => this.#flush());
      if (!appended) void this.#flushLater();
    } catch (error) {
      this.#failed(error);
    }
  }

  async refresh(): Promise<void> {
    await this.#enqueue(() => this.#writeFull());
  }

  async rewrite(): Promise<void> {
    this.#hasGap = true;
    this.#isOutdated = true;
    await this.#enqueue(() => this.#writeFull());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#retry);
    while (this.#busy) await this.#busy;
    if (this.#hasGap) await this.#enqueue(() => this.#writeFull());
    else if (this.#pending.length > 0) await this.#flushLater();
    this.#ownership?.release();
    this.#ownership = undefined;
  }

  /** Queues one flush for however many changes find the lock taken. */
  async #flushLater(): Promise<void> {
    if (this.#isFlushQueued) return;
    this.#isFlushQueued = true;
    await this.#enqueue(async () => {
      this.#isFlushQueued = false;
      await this.#exclusively(() => this.#flush());
    });
  }

  /** As `#queue`, but a failure is logged and tried again. */
  async #enqueue(work: () => Promise<void>): Promise<void> {
    await this.#queue(work).catch((error: unknown) => this.#failed(error));
  }

  /** Runs work after what is queued already, then appends the changes that came meanwhile. */
  async #queue(work: () => Promise<void>): Promise<void> {
    while (this.#busy) await this.#busy;
    const done = work();
    this.#busy = done.catch(() => undefined);
    try {
      await done;
    } finally {
      this.#busy = undefined;
    }
    if (this.#pending.length > 0) this.change([]);
  }

  async #exclusively(work: () => void): Promise<void> {
    const { lock_sync_file: lockFile } = this.#options.paths;
    this.#isExclusive = true;
    try {
      await withFileLock(lockFile, { timeoutMs: LOCK_TIMEOUT_MS, create: true }, work);
    } finally {
      this.#isExclusive = false;
    }
  }

  #failed(error: unknown): void {
    this.#troubles.failed(this.#options.paths.full_sync_file, error);
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

  /** Only the switch is made under the lock: a slow disk must not hold up a change, or the reader. */
  async #writeFull(): Promise<void> {
    const { paths, source, wallNow } = this.#options;
    const writtenAt = wallNow();
    const next = await this.#createDiffFile(writtenAt);
    try {
      this.#missed = [];
      this.#isOutdated = false;
      this.#generation = Math.max((this.#generation ?? 0) + 1, writtenAt.getTime());
      const snapshot = formatSnapshot(source(), next, writtenAt, this.#generation);
      const target = await prepareFile(paths.full_sync_file, snapshot);
      await this.#exclusively(() => {
        if (!this.#isOutdated) this.#switchTo(next, target);
      });
      await syncDirectory(dirname(target));
      if (this.#diffFile === next) this.#troubles.written(paths.full_sync_file);
    } finally {
      this.#missed = undefined;
      if (this.#diffFile !== next) await unlink(next).catch(() => undefined); // else each attempt would leave one
    }
  }

  /**
   * Order matters: the new diff is complete before the snapshot names it, and the old one is ended last. A reader that
   * follows misses no change; one that starts at any moment finds a snapshot and its own diff.
   *
   * @param target As `prepareFile` gave it.
   */
  #switchTo(next: string, target: string): void {
    const hadGap = this.#hasGap;
    if (hadGap) this.#pending.length = 0;
    else this.#flush();
    if (this.#missed?.length) appendWhole(next, this.#missed.map(formatDiffLine).join(''));
    commitFile(target);
    const previous = this.#diffFile;
    this.#diffFile = next;
    if (hadGap) setFlag(this.#options.paths.full_reload_file, this.#flag);
    else if (previous !== undefined) appendWhole(previous, formatDiffEnd(next));
    this.#hasGap = false;
  }

  /** A name that no diff file has, also not one of an earlier process in the same second: a snapshot may lead there. */
  async #createDiffFile(at: Date): Promise<string> {
    const { diff_sync_dir: directory } = this.#options.paths;
    await makeDirectory(directory);
    for (;;) {
      this.#lastEpoch = Math.max(Math.floor(at.getTime() / 1000), this.#lastEpoch + 1);
      const file = join(directory, `diff_sync.${this.#lastEpoch}`);
      if (await createEmpty(file)) return file;
    }
  }
}

/** One that is there is replaced: it may be another user's, such as ipvssync's at a SIGHUP, and not be ours to open. */
function setFlag(file: string, content: string): void {
  rmSync(file, { force: true });
  writeFileSync(file, content, { mode: 0o644 });
}

/** The generation of a snapshot, where there is one that is whole and has any. */
function generationOf(file: string): number | undefined {
  if (isSpecialFile(file)) return undefined;
  try {
    return readGeneration(readFileSync(file, 'utf8'));
  } catch {
    return undefined; // whatever it is, it will be replaced
  }
}

/** Its parent must be there: whoever installs decides where state lives. */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
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
