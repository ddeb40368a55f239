import { closeSync, constants, openSync, readdirSync, readSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { SnapshotError } from '@surealived/shared/errors';
import { withFileLock } from '@surealived/shared/file-lock';
import { describeVirtualId, virtualKey } from '@surealived/shared/model';
import {
  ANY_GENERATION,
  type DiffEntry,
  type Snapshot,
  type SnapshotVirtual,
} from '@surealived/shared/snapshot/format';
import { applyDiffEntry } from './apply-diff.js';
import { DiffReader, diffNumber } from './diff-reader.js';
import { readFullSnapshot, readSealedGeneration, refuseEmpty, refuseWithout } from './full-snapshot.js';
import { Remover } from './remover.js';

/** The hand-over files, under the names of surealived.cfg. */
export interface HandoverPaths {
  readonly lock_sync_file: string;
  readonly full_sync_file: string;
  readonly full_reload_file: string;
  readonly diff_sync_dir: string;
}

/** What became known since the last look. */
export interface HandoverNews {
  /** Keys (`virtualKey`) of the virtuals that may have changed. */
  readonly touched: ReadonlySet<string>;
  /** When each change was decided, in milliseconds since 1970, where its writer tells. */
  readonly decidedAtMs: readonly number[];
  readonly problems: readonly string[];
  /** Whether everything has to be read anew: a diff file is broken, or a line names a virtual that is not known. */
  readonly needsReload: boolean;
}

const LOCK_TIMEOUT_MS = 10_000;
/** The DIFF line stands in the first lines. */
const HEAD_BYTES = 4096;

/** How a whole hand-over is read. */
export interface LoadOptions {
  readonly removeReloadFlag: boolean;
  readonly takeOlder?: boolean;
  readonly refuseEmpty?: boolean;
  readonly lockTimeoutMs?: number;
}

/** The state that surealived handed over: the full snapshot with the diff lines read so far. */
export class Handover {
  readonly #paths: HandoverPaths;
  readonly #remover: Remover;
  #virtuals = new Map<string, SnapshotVirtual>();
  #generation: number | undefined;
  #diffs: DiffReader | undefined;
  /** Diff files of chains that were followed before the last `load`. */
  readonly #abandoned = new Set<string>();

  /** @param onKept Told of a file that was read and cannot be removed, as `Remover` tells it. */
  constructor(paths: HandoverPaths, onKept: (file: string, reason: string) => void = () => undefined) {
    this.#paths = paths;
    this.#remover = new Remover(onKept);
  }

  /** That of the snapshot in force, where its writer gives any. */
  get generation(): number | undefined {
    return this.#generation;
  }

  /** All virtuals by `virtualKey`. */
  get virtuals(): ReadonlyMap<string, SnapshotVirtual> {
    return this.#virtuals;
  }

  /**
   * Reads everything anew under the lock: the full snapshot and its chain of diff files. On failure the state of
   * before stays. So it does where the snapshot is older than the one in force, unless that is what is asked for, here
   * or by the reload flag.
   *
   * @param options.removeReloadFlag Whether the reload flag is answered by this.
   * @param options.takeOlder Whether an older snapshot is taken.
   * @param options.refuseEmpty Whether a snapshot without any virtual is not taken.
   * @param options.lockTimeoutMs How long to wait for the lock.
   * @returns Problems that do not stand in the way: refused diff lines, a missing diff file.
   * @throws HandoverMissingError, LockTimeoutError, SnapshotError, or an error of the file system.
   */
  async load({
    removeReloadFlag,
    takeOlder = false,
    refuseEmpty = false,
    lockTimeoutMs = LOCK_TIMEOUT_MS,
  }: LoadOptions): Promise<readonly string[]> {
    const { lock_sync_file, full_sync_file, full_reload_file } = this.#paths;
    for (const file of [full_sync_file, lock_sync_file]) refuseWithout(file);
    return withFileLock(lock_sync_file, { timeoutMs: lockTimeoutMs }, () => {
      const isAnyTaken = takeOlder || readHead(full_reload_file) === ANY_GENERATION;
      const problems = this.#loadLocked(isAnyTaken, refuseEmpty);
      if (removeReloadFlag) this.#remover.remove(full_reload_file);
      return problems;
    });
  }

  /**
   * Reads what was appended to the diff files since.
   *
   * @throws An error of the file system, other than a missing file.
   */
  advance(): HandoverNews {
    if (!this.#diffs) return { touched: new Set(), decidedAtMs: [], problems: [], needsReload: false };
    const { entries, problems, isBroken } = this.#diffs.read();
    const unknown: string[] = [];
    const touched = applyEntries(this.#virtuals, entries, unknown);
    return {
      touched,
      decidedAtMs: entries.filter(isWholeChange).flatMap(({ atMs }) => atMs ?? []),
      problems: [...problems, ...unknown],
      needsReload: isBroken || unknown.length > 0,
    };
  }

  /** Whether a diff line was refused since `load`, or in it: the next full snapshot knows what it said. */
  get isIncomplete(): boolean {
    return this.#diffs?.hasRefused === true;
  }

  /** Whether the full snapshot is continued by another diff file than the one that is followed. */
  get isBehindSnapshot(): boolean {
    const named = this.#diffFileOf(this.#readHead());
    return named !== undefined && named !== this.#diffs?.file && !this.#diffs?.passed.includes(named);
  }

  /**
   * Lets go of diff files that nobody needs any more: those before the one that the full snapshot names, once their
   * successor was opened.
   *
   * @param remove Whether to remove them. Nothing outside of the diff directory is ever removed.
   * @returns The files that were removed; those that cannot be are let go of as well.
   */
  releaseConsumed(remove: boolean): readonly string[] {
    const diffs = this.#diffs;
    const head = this.#readHead();
    const named = this.#diffFileOf(head);
    if (!diffs?.isOpened || named === undefined) return [];
    const needed = [...diffs.passed, diffs.file];
    const first = needed.indexOf(named);
    if (first < 0) return [];
    this.#catchUp(head);
    const abandoned = [...this.#abandoned].filter((file) => !needed.includes(file));
    const unneeded = [...abandoned, ...diffs.passed.slice(0, first)].filter((file) => this.#isOurs(file));
    const removed = remove ? unneeded.filter((file) => this.#remover.remove(file)) : [];
    this.#abandoned.clear();
    diffs.forgetPassed(first);
    return removed;
  }

  #loadLocked(takeOlder: boolean, isEmptyRefused: boolean): string[] {
    const file = this.#paths.full_sync_file;
    const snapshot = readFullSnapshot(file);
    if (!takeOlder) this.#refuseOlder(snapshot);
    if (isEmptyRefused) refuseEmpty(snapshot, file);
    const virtuals = new Map(snapshot.virtuals.map((virtual) => [virtualKey(virtual), virtual]));
    const problems: string[] = [];
    const { diffFile, generation } = snapshot;
    const isSealed = generation !== undefined;
    const directory = this.#paths.diff_sync_dir;
    const diffs = diffFile === undefined ? undefined : new DiffReader(diffFile, directory, isSealed);
    if (diffs) {
      const news = diffs.read();
      for (const problem of news.problems) problems.push(problem);
      applyEntries(virtuals, news.entries, problems);
    }
    const followed = this.#diffs ? [...this.#diffs.passed, this.#diffs.file] : [];
    const older = diffFile === undefined ? [] : olderDiffFiles(diffFile, directory);
    for (const file of [...followed, ...older]) this.#abandoned.add(file);
    this.#virtuals = virtuals;
    this.#diffs = diffs;
    this.#generation = generation;
    return problems;
  }

  /** @throws SnapshotError where a snapshot is from before the one in force. */
  #refuseOlder({ generation }: Snapshot): void {
    const { full_sync_file: file } = this.#paths;
    if (generation === undefined || this.#generation === undefined || generation >= this.#generation) return;
    const expected = `expected generation ${this.#generation} or higher, found ${generation}`;
    throw new SnapshotError([
      { file, line: 1, message: `older than what is in force: ${expected}; SIGHUP takes it all the same` },
    ]);
  }

  /** Takes over the generation of a snapshot that was arrived at by diffs, so that none of before passes for a later one. */
  #catchUp(head: string): void {
    const told = Number(/^meta .* generation=(\d+) /.exec(head)?.[1]);
    if (this.#generation === undefined || !(told > this.#generation)) return;
    const generation = readSealedGeneration(this.#paths.full_sync_file);
    this.#generation = Math.max(generation ?? 0, this.#generation);
  }

  #readHead(): string {
    return readHead(this.#paths.full_sync_file);
  }

  /** The diff file that a full snapshot names, by its first bytes; `undefined` where it names none. */
  #diffFileOf(head: string): string | undefined {
    const name = /^DIFF file=(\S+)\s*$/m.exec(head)?.[1];
    return name === undefined ? undefined : resolve(this.#paths.diff_sync_dir, name);
  }

  /** Whether a file lies in the diff directory itself: a line of a diff can name any. */
  #isOurs(file: string): boolean {
    return dirname(file) === resolve(this.#paths.diff_sync_dir);
  }
}

/** Diff files from before the one that a snapshot names: written while nobody followed, and of no use any more. */
function olderDiffFiles(named: string, directory: string): readonly string[] {
  const limit = diffNumber(named);
  return listDirectory(directory)
    .filter((name) => diffNumber(name) < limit)
    .map((name) => resolve(directory, name));
}

/** The names in a directory, or none where it is missing or may not be listed. */
function listDirectory(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // only what could be removed is looked for
  }
}

/** Whether an entry tells the whole of a verdict: an `addreal` is followed by a `chgreal` of the same real. */
function isWholeChange({ command }: DiffEntry): boolean {
  return command !== 'addreal';
}

/** Folds diff entries into the virtuals. @returns The keys of those that were named. */
function applyEntries(
  virtuals: Map<string, SnapshotVirtual>,
  entries: readonly DiffEntry[],
  problems: string[],
): Set<string> {
  const touched = new Set<string>();
  for (const entry of entries) {
    const key = virtualKey(entry.virtual);
    const virtual = virtuals.get(key);
    if (virtual) {
      virtuals.set(key, applyDiffEntry(virtual, entry));
      touched.add(key);
    } else
      problems.push(`a diff line names ${describeVirtualId(entry.virtual)}, which is not in the snapshot`);
  }
  return touched;
}

/** The first bytes of a file, or nothing where it cannot be read: its reader will say why. */
function readHead(file: string): string {
  try {
    const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const head = Buffer.alloc(HEAD_BYTES);
      return head.toString('utf8', 0, readSync(fd, head));
    } finally {
      closeSync(fd);
    }
  } catch {
    return '';
  }
}
