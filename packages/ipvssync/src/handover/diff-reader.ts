import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { messageOf } from '@surealived/shared/errors';
import type { DiffEntry } from '@surealived/shared/snapshot/format';
import { readDiffLine } from '@surealived/shared/snapshot/read';

const CHUNK_BYTES = 1 << 20;
const NEWLINE = 0x0a;

/** What a diff file said since it was last read. */
export interface DiffNews {
  /** Changes in their order. */
  readonly entries: readonly DiffEntry[];
  /** Lines that were refused, and files that are missing; each is told once. */
  readonly problems: readonly string[];
  /**
   * Whether a file was replaced or cut while it was followed: only the full snapshot tells the truth now. One that was
   * removed is waited for: no snapshot of before can know more than what was read of it.
   */
  readonly isBroken: boolean;
}

/** Reads diff files in their order, whole line by whole line, each from where it stopped. */
export class DiffReader {
  readonly #directory: string;
  readonly #isSealed: boolean;
  readonly #passed: string[] = [];
  #file: string;
  #inode: bigint | undefined;
  #offsetBytes = 0;
  #line = 0;
  #isMissingTold = false;
  #hasRefused = false;

  /**
   * @param file The first file; relative names are within `directory`.
   * @param isSealed Whether the writer of these files gives each change a checksum.
   */
  constructor(file: string, directory: string, isSealed = false) {
    this.#directory = directory;
    this.#isSealed = isSealed;
    this.#file = this.#absolute(file);
  }

  /** The file that is followed now. */
  get file(): string {
    return this.#file;
  }

  /** Whether a line was refused: what it said is not known. */
  get hasRefused(): boolean {
    return this.#hasRefused;
  }

  /** Whether the file that is followed now has been seen. */
  get isOpened(): boolean {
    return this.#inode !== undefined;
  }

  /** The files before it, in their order, less those that were forgotten. */
  get passed(): readonly string[] {
    return this.#passed;
  }

  /** Forgets the first `count` of the passed files. */
  forgetPassed(count: number): void {
    this.#passed.splice(0, count);
  }

  /**
   * Reads what is new; half a line waits for its other half.
   *
   * @throws The error of the file system, other than ENOENT.
   */
  read(): DiffNews {
    const news = { entries: [] as DiffEntry[], problems: [] as string[], isBroken: false };
    for (let more = true; more && !news.isBroken; ) more = this.#readOnce(news);
    return news;
  }

  /** One chunk of the current file. @returns Whether there may be more. */
  #readOnce(news: MutableNews): boolean {
    const chunk = this.#readChunk(news);
    if (!chunk) return false;
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end > 0) return this.#readLines(chunk.subarray(0, end), news) || chunk.length === CHUNK_BYTES;
    if (chunk.length < CHUNK_BYTES) return false;
    news.problems.push(`${this.#file}:${this.#line + 1}: a line of more than ${CHUNK_BYTES} bytes`);
    this.#hasRefused = true;
    this.#offsetBytes += chunk.length;
    return true;
  }

  /** Takes whole lines. @returns Whether they lead to the next file. */
  #readLines(bytes: Buffer, news: MutableNews): boolean {
    for (const text of bytes.toString('utf8', 0, bytes.length - 1).split('\n')) {
      this.#line++;
      const next = this.#readLine(text, news);
      if (next === undefined) continue;
      this.#follow(next);
      return true;
    }
    this.#offsetBytes += bytes.length;
    return false;
  }

  /** Takes one line. @returns The next file's name where the line names one. */
  #readLine(text: string, news: MutableNews): string | undefined {
    try {
      const line = readDiffLine(text, this.#file, this.#line, this.#isSealed);
      if (line?.kind === 'change') news.entries.push(line.entry);
      return line?.kind === 'next' ? this.#next(line.file, news) : undefined;
    } catch (error) {
      news.problems.push(messageOf(error));
      this.#hasRefused = true;
      return undefined;
    }
  }

  #next(name: string, news: MutableNews): string | undefined {
    const file = this.#absolute(name);
    const isBack = file === this.#file || this.#passed.includes(file);
    if (!isBack && (!this.#isSealed || isLater(file, this.#file))) return file;
    const what = isBack ? 'sends back to' : 'expected the name of a later diff file, got';
    news.problems.push(`${this.#file}:${this.#line}: ${what} ${file}`);
    this.#hasRefused = true;
    return undefined;
  }

  #follow(file: string): void {
    this.#passed.push(this.#file);
    this.#file = file;
    this.#inode = undefined;
    this.#offsetBytes = 0;
    this.#line = 0;
    this.#isMissingTold = false;
  }

  /** Up to CHUNK_BYTES from the current place, or `undefined` where there are none. */
  #readChunk(news: MutableNews): Buffer | undefined {
    const fd = this.#open(news);
    if (fd === undefined) return undefined;
    try {
      const { ino, size } = fstatSync(fd, { bigint: true });
      if ((this.#inode !== undefined && this.#inode !== ino) || size < this.#offsetBytes) {
        news.isBroken = true;
        return undefined;
      }
      this.#inode = ino;
      this.#isMissingTold = false;
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, Number(size) - this.#offsetBytes));
      return chunk.subarray(0, readSync(fd, chunk, 0, chunk.length, this.#offsetBytes));
    } finally {
      closeSync(fd);
    }
  }

  /** Never waits: O_NONBLOCK, so that a FIFO in the place of a file cannot hold us. */
  #open(news: MutableNews): number | undefined {
    try {
      return openSync(this.#file, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      if (!this.#isMissingTold) news.problems.push(`${this.#file}: missing`);
      this.#isMissingTold = true;
      return undefined;
    }
  }

  #absolute(file: string): string {
    return resolve(this.#directory, file);
  }
}

/** The number in the name of a diff file, NaN where there is none. */
export function diffNumber(file: string): number {
  return Number(/^diff_sync\.(\d+)$/.exec(basename(file))?.[1] ?? Number.NaN);
}

/** Whether a diff file can be the next of another: this line has no checksum, so that the original can read it. */
function isLater(file: string, than: string): boolean {
  return dirname(file) === dirname(than) && diffNumber(file) > diffNumber(than);
}

interface MutableNews {
  readonly entries: DiffEntry[];
  readonly problems: string[];
  isBroken: boolean;
}
