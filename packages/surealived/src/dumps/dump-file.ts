import { lstatSync, realpathSync, renameSync } from 'node:fs';
import { replaceFile } from '@surealived/shared/atomic-file';
import { describeProblem, messageOf, type Problem } from '@surealived/shared/errors';
import type { Logger } from '@surealived/shared/log';
import { readBytes } from '@surealived/shared/text-file';
import type { WriteTroubles } from '../write-troubles.js';
import type { DumpEntry, ParsedDump } from './dump-lines.js';

export interface DumpFileOptions {
  readonly path: string;
  /** The whole file as it should be now; asked right before each write. What is long may be made in pieces. */
  readonly content: () => string | Promise<string>;
  readonly troubles: WriteTroubles;
  /** Least time from the end of one write to the next; 0 where a change may not wait. */
  readonly restMs: number;
}

const RETRY_MS = 1000;
/** Far more than the dumps of 100,000 reals. */
const MAX_DUMP_BYTES = 1 << 26;
/** A file that is broken as a whole must not fill the log. */
const TOLD_PROBLEMS = 20;

/**
 * A file that follows a state: replaced as a whole after changes, the latest state wins.
 *
 * Any number of changes costs one write at a time. What cannot be written is tried again every second.
 */
export class DumpFile {
  readonly #options: DumpFileOptions;
  #isBehind = false;
  /** The write under way; tells whether it succeeds. */
  #writing: Promise<boolean> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #waiting: ((isWritten: boolean) => void)[] = [];
  #isStarted = false;
  #isStopped = false;

  constructor(options: DumpFileOptions) {
    this.#options = options;
  }

  /** The state is no longer what the file says. */
  change(): void {
    if (this.#isStopped) return;
    this.#isBehind = true;
    if (this.#isStarted && !this.#writing && !this.#timer) this.#writing = this.#write();
  }

  /** Writes from now on; what has changed before is written too. */
  start(): void {
    this.#isStarted = true;
    if (this.#isBehind) this.change();
  }

  /** Waits for the next attempt to write the state of now. @returns Whether it is on the disk. */
  settled(): Promise<boolean> {
    if (this.#isBehind) return new Promise((resolve) => this.#waiting.push(resolve));
    return this.#writing ?? Promise.resolve(true);
  }

  /** Writes what is still to be written, in one attempt. Where it was never started, another process may own the file. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    while (this.#writing) await this.#writing;
    if (this.#isBehind && this.#isStarted) await this.#write();
    for (const resolve of this.#waiting.splice(0)) resolve(false);
  }

  async #write(): Promise<boolean> {
    await undefined; // changes of one turn become one write
    const { path, content, troubles, restMs } = this.#options;
    const waiting = this.#waiting.splice(0);
    this.#isBehind = false;
    const text = await content();
    let isWritten = false;
    try {
      await replaceFile(path, text);
      isWritten = true;
      troubles.written(path);
    } catch (error) {
      this.#isBehind = true;
      troubles.failed(path, error);
    }
    for (const resolve of waiting) resolve(isWritten);
    this.#writing = undefined;
    if (!isWritten) this.#writeIn(RETRY_MS);
    else if (restMs > 0) this.#writeIn(restMs);
    else if (this.#isBehind && !this.#isStopped) this.#writing = this.#write();
    return isWritten;
  }

  #writeIn(delayMs: number): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#isBehind) this.#writing = this.#write();
    }, delayMs);
  }
}

/**
 * Reads a dump as far as it is good; the rest is told to the log. A missing file is an empty one.
 *
 * @returns `undefined` where there is a file that cannot be read.
 */
export function readDump<T>(
  path: string,
  parse: (text: string, file: string) => ParsedDump<T>,
  log: Logger,
): readonly DumpEntry<T>[] | undefined {
  try {
    const bytes = readBytes(path, MAX_DUMP_BYTES);
    if (!bytes) throw new Error(`larger than the limit of ${MAX_DUMP_BYTES} bytes`);
    const { entries, problems } = parse(bytes.toString('utf8'), path);
    warnOf(problems, log);
    return entries;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    log.warn({ file: path, cause: messageOf(error) }, 'dump cannot be read, going on without it');
    return undefined;
  }
}

/** Puts a dump that cannot be read out of the way of the next write, as `NAME.bad`. One of before is replaced. */
export function keepUnreadable(path: string, log: Logger): void {
  try {
    const target = targetOf(path);
    const found = lstatSync(target);
    if (!found.isFile() && !found.isSymbolicLink()) return; // no write replaces a directory or a device
    renameSync(target, `${target}.bad`);
    log.warn({ file: path, kept: `${target}.bad` }, 'dump that cannot be read is kept under another name');
  } catch (error) {
    log.warn({ file: path, cause: messageOf(error) }, 'dump that cannot be read cannot be kept');
  }
}

/** What a write would replace; the path itself where its links lead nowhere. */
function targetOf(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return path;
  }
}

/** Tells of lines that are left out. */
export function warnOf(problems: readonly Problem[], log: Logger): void {
  for (const problem of problems.slice(0, TOLD_PROBLEMS))
    log.warn({ line: describeProblem(problem) }, 'line of a dump left out');
  const more = problems.length - TOLD_PROBLEMS;
  if (more > 0) log.warn({ file: problems[0]?.file, lines: more }, 'further lines of a dump left out');
}
