/**
 * The daemon's loop: reads what surealived hands over and makes the table follow.
 *
 * Woken by inotify, and by a slow poll in case that misses something. Wake-ups are coalesced and rounds never overlap.
 *
 * @module
 */
import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { isExpected, LockTimeoutError, messageOf, SnapshotError } from '@surealived/shared/errors';
import type { Logger } from '@surealived/shared/log';
import { DirectoryWatch } from '../handover/directory-watch.js';
import { Handover, type HandoverPaths, type LoadOptions } from '../handover/handover.js';
import { TableKeeper, type TableKeeperOptions } from '../keeper/table-keeper.js';
import type { Permit } from '../plan/deletions.js';
import { desiredService } from '../plan/desired.js';
import type { FollowStatus } from './follow-status.js';
import { Requests } from './requests.js';
import { WakeUp } from './wake-up.js';

const POLL_MS = 2_000;
/** How long to wait for the lock once following: it is tried again soon, and the table is looked after in between. */
const LOCK_TIMEOUT_MS = 2_000;

export interface FollowOptions extends Omit<TableKeeperOptions, 'desired'> {
  readonly paths: HandoverPaths;
  /** Whether consumed diff files stay. */
  readonly keepDiffs: boolean;
  /** Ends the loop; a round that runs is finished. */
  readonly signal: AbortSignal;
  readonly pollMs?: number;
  /** A reload that is asked for takes a snapshot that is older than the one in force, too. */
  readonly requests?: Requests;
  /** Called before everything is read anew because somebody asked for it. */
  readonly onReload?: () => void;
  /** Whether a snapshot without any virtual is taken. */
  readonly allowEmpty?: boolean;
  /**
   * Called where the first snapshot cannot be read, again when it is for another reason: it is waited for. Where there is
   * no such function, following ends with the error.
   */
  readonly onWaiting?: (look: () => FollowStatus) => Promise<void>;
  /** Called after the first round over the whole table. @param look What the follower knows of itself, at any time. */
  readonly onFollowing?: (look: () => FollowStatus) => Promise<void>;
}

/**
 * Synchronises the table and follows until `signal` is aborted.
 *
 * @throws HandoverMissingError, LockTimeoutError or SnapshotError when it cannot even begin and does not wait for that;
 * later ones are logged and tried again, and so is all that the table refuses.
 */
export async function follow(options: FollowOptions): Promise<void> {
  const follower = new Follower(options);
  await follower.run();
}

class Follower {
  readonly #options: FollowOptions;
  readonly #log: Logger;
  readonly #handover: Handover;
  readonly #table: TableKeeper;
  readonly #requests: Requests;
  readonly #bell = new WakeUp();
  readonly #pollMs: number;
  #polledAtMs = Number.NEGATIVE_INFINITY;
  /** The reload flag that cannot be removed though it was answered, or that led to a refused snapshot. */
  #answeredFlag: string | undefined;
  /** The full snapshot that was refused; it is looked at again when it changes, or the reload flag does. */
  #refusedSnapshot: string | undefined;
  /** Why it was. */
  #refusal: string | undefined;
  /** The full snapshot that was read last. */
  #readSnapshot: string | undefined;
  #wasBehind = false;
  /** Whether what is known does not fit the files, until they were read anew. */
  #isOutOfStep = false;
  /** Somebody asked for everything to be read anew, and it could not be yet: which deletions may be made then besides. */
  #asked: Permit | undefined;
  /** What stands in the way of reading, so that it is told once; until a poll finds nothing, for smaller looks see less. */
  #trouble: string | undefined;

  constructor(options: FollowOptions) {
    const { paths, log, pollMs, requests } = options;
    this.#options = options;
    this.#log = log;
    this.#handover = new Handover(paths, (file, reason) =>
      log.warn({ file, reason }, 'read file cannot be removed, following goes on'),
    );
    const desired = () => [...this.#handover.virtuals.values()].map(desiredService);
    this.#table = new TableKeeper({ ...options, desired });
    this.#requests = requests ?? new Requests();
    this.#pollMs = pollMs ?? POLL_MS;
  }

  async run(): Promise<void> {
    const { paths, signal } = this.#options;
    const directories = [paths.diff_sync_dir, dirname(paths.full_reload_file), dirname(paths.full_sync_file)];
    const watch = new DirectoryWatch(directories, () => this.#bell.ring());
    signal.addEventListener('abort', () => this.#bell.ring());
    this.#requests.listen(() => this.#bell.ring());
    try {
      if (!(await this.#begin(watch))) return;
      await this.#table.synchroniseAll();
      await this.#options.onFollowing?.(() => this.#look());
      while (!signal.aborted) {
        await this.#bell.sleep(Math.min(this.#pollMs, this.#table.dueAtMs - this.#options.clock.nowMs()));
        if (!signal.aborted) await this.#step(watch);
      }
    } finally {
      watch.close();
    }
  }

  /** Reads the first snapshot. @returns Whether there is one: not where the end came first. */
  async #begin(watch: DirectoryWatch): Promise<boolean> {
    const { signal, onWaiting } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#load();
        return true;
      } catch (error) {
        if (!onWaiting || !isExpected(error)) throw error;
        const reason = messageOf(error);
        if (reason !== this.#trouble) {
          this.#trouble = reason;
          this.#log.warn({ reason }, 'no snapshot that can be followed, the table stays');
          await onWaiting(() => this.#look());
        }
      }
      await this.#bell.sleep(this.#pollMs);
      watch.refresh();
    }
    return false;
  }

  /** One look at everything that may have changed. The table is looked after whatever the files are like. */
  async #step(watch: DirectoryWatch): Promise<void> {
    const hasWaited = await this.#lookAtFiles(watch);
    await this.#table.lookAfter(this.#requests.takeResync(), hasWaited ? LOCK_TIMEOUT_MS : undefined);
  }

  /** Expected errors are logged: the next look tries again. @returns Whether it waited for the lock in vain. */
  async #lookAtFiles(watch: DirectoryWatch): Promise<boolean> {
    const isReloadAsked = this.#requests.takeReload();
    try {
      if (isReloadAsked) {
        this.#asked = this.#table.permit();
        this.#options.onReload?.();
      }
      if (this.#asked || this.#isReloadWanted()) await this.#reload();
      else await this.#advance();
      const nowMs = this.#options.clock.nowMs();
      if (nowMs - this.#polledAtMs >= this.#pollMs) await this.#poll(watch, nowMs);
      return false;
    } catch (error) {
      if (!isExpected(error)) throw error;
      const reason = messageOf(error);
      if (reason !== this.#trouble) this.#log.error({ reason }, 'hand-over files refused, the table stays');
      this.#trouble = reason;
      if (isReloadAsked) this.#requests.resync(); // the configuration that was read counts for the table that stays
      return error instanceof LockTimeoutError;
    }
  }

  async #poll(watch: DirectoryWatch, nowMs: number): Promise<void> {
    this.#polledAtMs = nowMs;
    watch.refresh();
    const removed = this.#handover.releaseConsumed(!this.#options.keepDiffs);
    for (const file of removed) this.#log.debug({ file }, 'diff removed');
    const isBehind = this.#refusedSnapshot === undefined && this.#handover.isBehindSnapshot;
    if (isBehind && this.#wasBehind) await this.#reload();
    this.#wasBehind = isBehind;
    this.#trouble = undefined;
  }

  async #advance(): Promise<void> {
    await this.#takeDiffs();
    if (this.#isReloadWanted()) await this.#reload();
  }

  /** Takes what was appended to the diff files to the table. */
  async #takeDiffs(): Promise<void> {
    const { touched, decidedAtMs, problems, needsReload } = this.#handover.advance();
    for (const problem of problems) this.#log.warn({ reason: problem }, 'diff refused');
    this.#isOutOfStep ||= needsReload;
    if (touched.size > 0) {
      const virtuals = [...touched].flatMap((key) => this.#handover.virtuals.get(key) ?? []);
      await this.#table.synchroniseSome(virtuals.map(desiredService), decidedAtMs);
    }
  }

  /** Reads everything anew; where that cannot be done, the diffs are followed all the same. */
  async #reload(): Promise<void> {
    const asked = this.#asked;
    const { full_reload_file, full_sync_file } = this.#options.paths;
    const [flag, snapshot] = [full_reload_file, full_sync_file].map(identity);
    try {
      await this.#load({ takeOlder: asked !== undefined, lockTimeoutMs: LOCK_TIMEOUT_MS });
    } catch (error) {
      if (error instanceof SnapshotError) {
        this.#refusedSnapshot = snapshot;
        this.#refusal = messageOf(error);
        this.#answeredFlag = flag;
        this.#asked = undefined;
      }
      await this.#takeDiffs();
      throw error;
    }
    this.#asked = undefined;
    await this.#table.synchroniseAll(asked);
  }

  async #load(how: Pick<LoadOptions, 'takeOlder' | 'lockTimeoutMs'> = {}): Promise<void> {
    const { paths, allowEmpty = false } = this.#options;
    const [flag, snapshot] = [paths.full_reload_file, paths.full_sync_file].map(identity); // before: what comes meanwhile is new
    const problems = await this.#handover.load({
      ...how,
      removeReloadFlag: true,
      refuseEmpty: !allowEmpty,
    });
    for (const problem of problems) this.#log.warn({ reason: problem }, 'diff refused');
    this.#answeredFlag = existsSync(paths.full_reload_file) ? flag : undefined;
    this.#refusedSnapshot = undefined;
    this.#refusal = undefined;
    this.#readSnapshot = snapshot;
    this.#wasBehind = false;
    this.#isOutOfStep = false;
    this.#trouble = undefined;
    this.#log.info({ virtuals: this.#handover.virtuals.size, file: paths.full_sync_file }, 'snapshot read');
  }

  #look(): FollowStatus {
    const { generation, virtuals, isIncomplete } = this.#handover;
    const trouble = this.#trouble ?? this.#refusal;
    return { ...this.#table.status, generation, virtuals: [...virtuals.values()], isIncomplete, trouble };
  }

  #isReloadWanted(): boolean {
    const { full_reload_file, full_sync_file } = this.#options.paths;
    const flag = identity(full_reload_file);
    if (flag !== undefined && flag !== this.#answeredFlag) return true;
    if (this.#refusedSnapshot !== undefined) return identity(full_sync_file) !== this.#refusedSnapshot;
    if (this.#handover.isIncomplete && identity(full_sync_file) !== this.#readSnapshot) return true;
    return this.#isOutOfStep;
  }
}

/** A text that changes when the file is replaced or rewritten; `undefined` where there is none. */
function identity(file: string): string | undefined {
  const stats = statSync(file, { throwIfNoEntry: false, bigint: true });
  return stats && `${stats.ino} ${stats.mtimeNs} ${stats.size}`;
}
