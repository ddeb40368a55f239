/**
 * The daemon's loop: reads what surealived hands over and makes the table follow.
 *
 * Woken by inotify, and by a slow poll in case that misses something. Wake-ups are coalesced and rounds never overlap.
 *
 * @module
 */
import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '@surealived/shared/clock';
import { messageOf, SnapshotError, SureAliveError } from '@surealived/shared/errors';
import type { Logger } from '@surealived/shared/log';
import type { Permit } from './deletions.js';
import { describeOperation } from './describe.js';
import { desiredService } from './desired.js';
import { DirectoryWatch } from './directory-watch.js';
import { DriftLog } from './drift.js';
import { Failures } from './failures.js';
import { GuardLog } from './guard-log.js';
import { Handover, type HandoverPaths } from './handover.js';
import { LatencyWindow } from './latency.js';
import { Requests } from './requests.js';
import type { SettingsKeeper } from './settings-keeper.js';
import { type Round, Synchroniser, type SynchroniserPolicy } from './synchroniser.js';
import { describeService, type IpvsTable, type Service } from './table.js';
import { WakeUp } from './wake-up.js';

const POLL_MS = 2_000;
/** What the failure of a whole round is remembered under, beside the names of virtuals. */
const WHOLE_TABLE = 'all';

export interface FollowOptions {
  readonly paths: HandoverPaths;
  readonly table: IpvsTable;
  readonly policy: SynchroniserPolicy;
  /** Timeouts and sync daemons, which are looked at whenever the whole table is. */
  readonly settings?: SettingsKeeper;
  /** Whether consumed diff files stay. */
  readonly keepDiffs: boolean;
  readonly log: Logger;
  readonly clock: Clock;
  /** Ends the loop; a round that runs is finished. */
  readonly signal: AbortSignal;
  readonly pollMs?: number;
  /** From one reading of the whole table to the next; 0 and left away for none but at a reload. */
  readonly resyncIntervalMs?: number;
  /** A reload that is asked for takes a snapshot that is older than the one in force, too. */
  readonly requests?: Requests;
  /** Whether a snapshot without any virtual is taken. */
  readonly allowEmpty?: boolean;
  /** Called after the first round over the whole table. */
  readonly onFollowing?: () => Promise<void>;
}

/**
 * Synchronises the table and follows until `signal` is aborted.
 *
 * @throws HandoverMissingError, LockTimeoutError, SnapshotError or a table's error when it cannot even begin; later
 * ones are logged and tried again.
 */
export async function follow(options: FollowOptions): Promise<void> {
  const follower = new Follower(options);
  await follower.run();
}

class Follower {
  readonly #options: FollowOptions;
  readonly #log: Logger;
  readonly #handover: Handover;
  readonly #synchroniser: Synchroniser;
  readonly #failures: Failures;
  readonly #drift: DriftLog;
  readonly #guards: GuardLog;
  readonly #requests: Requests;
  readonly #resyncIntervalMs: number;
  #resyncAtMs = Number.POSITIVE_INFINITY;
  readonly #bell = new WakeUp();
  /** From the verdict to the table's acknowledgement. */
  readonly #latency = new LatencyWindow();
  readonly #pollMs: number;
  #polledAtMs = Number.NEGATIVE_INFINITY;
  /** The reload flag that cannot be removed though it was answered, or that led to a refused snapshot. */
  #answeredFlag: string | undefined;
  /** The full snapshot that was refused; it is looked at again when it changes, or the reload flag does. */
  #refusedSnapshot: string | undefined;
  /** The full snapshot that was read last. */
  #readSnapshot: string | undefined;
  #wasBehind = false;
  /** Whether what is known does not fit the files, until they were read anew. */
  #isOutOfStep = false;
  /** What stands in the way of reading, so that it is told once. */
  #trouble: string | undefined;

  constructor(options: FollowOptions) {
    const { paths, table, policy, log, clock, pollMs, resyncIntervalMs = 0, requests } = options;
    this.#options = options;
    this.#log = log;
    this.#handover = new Handover(paths, (file, reason) =>
      log.warn({ file, reason }, 'read file cannot be removed, following goes on'),
    );
    this.#synchroniser = new Synchroniser(table, policy, clock);
    this.#failures = new Failures(log);
    this.#drift = new DriftLog(log);
    this.#guards = new GuardLog(log);
    this.#requests = requests ?? new Requests();
    this.#resyncIntervalMs = resyncIntervalMs > 0 ? resyncIntervalMs : Number.POSITIVE_INFINITY;
    this.#pollMs = pollMs ?? POLL_MS;
  }

  async run(): Promise<void> {
    const { paths, signal } = this.#options;
    const directories = [paths.diff_sync_dir, dirname(paths.full_reload_file), dirname(paths.full_sync_file)];
    const watch = new DirectoryWatch(directories, () => this.#bell.ring());
    signal.addEventListener('abort', () => this.#bell.ring());
    this.#requests.listen(() => this.#bell.ring());
    try {
      await this.#load();
      await this.#synchroniseAll();
      await this.#options.onFollowing?.();
      while (!signal.aborted) {
        await this.#bell.sleep(Math.min(this.#pollMs, this.#resyncAtMs - this.#options.clock.nowMs()));
        if (!signal.aborted) await this.#step(watch);
      }
    } finally {
      watch.close();
    }
  }

  /** One look at everything that may have changed. The table is looked after whatever the files are like. */
  async #step(watch: DirectoryWatch): Promise<void> {
    await this.#lookAtFiles(watch);
    const nowMs = this.#options.clock.nowMs();
    const isDue = nowMs >= this.#resyncAtMs || this.#failures.isRetryDue(nowMs);
    const isAskedFor = this.#requests.takeResync();
    if (isAskedFor) this.#log.info('table is read back');
    if (isAskedFor || isDue) await this.#synchroniseAll();
    else await this.#options.settings?.retryIfDue();
  }

  /** Expected errors are logged: the next look tries again. */
  async #lookAtFiles(watch: DirectoryWatch): Promise<void> {
    try {
      if (this.#requests.takeReload()) await this.#reload(this.#guards.permit());
      else if (this.#isReloadWanted()) await this.#reload();
      else await this.#advance();
      const nowMs = this.#options.clock.nowMs();
      if (nowMs - this.#polledAtMs >= this.#pollMs) await this.#poll(watch, nowMs);
      this.#trouble = undefined;
    } catch (error) {
      if (!isExpected(error)) throw error;
      const reason = messageOf(error);
      if (reason !== this.#trouble) this.#log.error({ reason }, 'hand-over files refused, the table stays');
      this.#trouble = reason;
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
  }

  /** Takes what was appended to the diff files to the table. */
  async #advance(): Promise<void> {
    const { touched, decidedAtMs, problems, needsReload } = this.#handover.advance();
    for (const problem of problems) this.#log.warn({ reason: problem }, 'diff refused');
    this.#isOutOfStep ||= needsReload;
    if (touched.size > 0) {
      const virtuals = [...touched].flatMap((key) => this.#handover.virtuals.get(key) ?? []);
      const desired = virtuals.map(desiredService);
      await this.#synchronise(() => this.#synchroniser.synchroniseSome(desired), desired, decidedAtMs);
    }
    if (this.#isReloadWanted()) await this.#reload();
  }

  /** @param asked Which deletions may be made besides, where somebody asked for everything to be read anew. */
  async #reload(asked?: Permit): Promise<void> {
    const { full_reload_file, full_sync_file } = this.#options.paths;
    const [flag, snapshot] = [full_reload_file, full_sync_file].map(identity);
    try {
      await this.#load(asked !== undefined);
    } catch (error) {
      if (error instanceof SnapshotError) {
        this.#refusedSnapshot = snapshot;
        this.#answeredFlag = flag;
      } else if (asked) this.#requests.postponeReload();
      throw error;
    }
    await this.#synchroniseAll(asked);
  }

  async #load(takeOlder = false): Promise<void> {
    const { paths, allowEmpty = false } = this.#options;
    const [flag, snapshot] = [paths.full_reload_file, paths.full_sync_file].map(identity); // before: what comes meanwhile is new
    const problems = await this.#handover.load({
      removeReloadFlag: true,
      takeOlder,
      refuseEmpty: !allowEmpty,
    });
    for (const problem of problems) this.#log.warn({ reason: problem }, 'diff refused');
    this.#answeredFlag = existsSync(paths.full_reload_file) ? flag : undefined;
    this.#refusedSnapshot = undefined;
    this.#readSnapshot = snapshot;
    this.#wasBehind = false;
    this.#isOutOfStep = false;
    this.#log.info({ virtuals: this.#handover.virtuals.size, file: paths.full_sync_file }, 'snapshot read');
  }

  #isReloadWanted(): boolean {
    const { full_reload_file, full_sync_file } = this.#options.paths;
    const flag = identity(full_reload_file);
    if (flag !== undefined && flag !== this.#answeredFlag) return true;
    if (this.#refusedSnapshot !== undefined) return identity(full_sync_file) !== this.#refusedSnapshot;
    if (this.#handover.isIncomplete && identity(full_sync_file) !== this.#readSnapshot) return true;
    return this.#isOutOfStep;
  }

  async #synchroniseAll(isAllowed?: Permit): Promise<void> {
    const desired = [...this.#handover.virtuals.values()].map(desiredService);
    await this.#synchronise(() => this.#synchroniser.synchronise(desired, isAllowed), undefined);
    await this.#options.settings?.repair();
    this.#resyncAtMs = this.#options.clock.nowMs() + this.#resyncIntervalMs;
  }

  /**
   * Carries out a round; one that ran into drift is followed by one over the whole table.
   *
   * @param concerned The services that the round is about; `undefined` for all.
   * @param decidedAtMs When that which is carried out was decided, by the wall clock.
   */
  async #synchronise(
    work: () => Promise<Round>,
    concerned: readonly Service[] | undefined,
    decidedAtMs: readonly number[] = [],
  ): Promise<void> {
    const { clock } = this.#options;
    try {
      const round = await work();
      this.#failures.note(round.failures, concerned?.map(describeService), clock.nowMs());
      this.#drift.note(round.drift);
      this.#guards.note(round.heldBack, round.leftAlone);
      this.#report(round, decidedAtMs);
      if (round.drift.length > 0 && concerned) await this.#synchroniseAll();
    } catch (error) {
      if (!isExpected(error)) throw error;
      this.#failures.note(new Map([[WHOLE_TABLE, messageOf(error)]]), [], clock.nowMs());
    }
  }

  #report({ done, refusedCount, durationMs }: Round, decidedAtMs: readonly number[]): void {
    const nowMs = this.#options.clock.wallNow().getTime();
    const latencyMs = nowMs - (decidedAtMs[0] ?? Number.POSITIVE_INFINITY);
    if (refusedCount === 0) for (const atMs of decidedAtMs) this.#latency.add(nowMs - atMs);
    if (this.#log.isLevelEnabled('debug'))
      for (const operation of done)
        this.#log.debug({ operation: describeOperation(operation) }, 'operation done');
    if (done.length === 0 && refusedCount === 0) return;
    const fields = {
      operations: done.length,
      failed: refusedCount,
      durationMs: Math.round(durationMs * 10) / 10,
      latencyMs: latencyMs >= 0 ? latencyMs : undefined,
    };
    if (refusedCount > 0) this.#log.warn(fields, 'table not as desired');
    else this.#log.info(fields, 'table synchronised');
  }
}

/** Whether an error comes from the world around us; anything else is a bug and ends the process. */
function isExpected(error: unknown): boolean {
  return error instanceof SureAliveError || (error instanceof Error && 'syscall' in error);
}

/** A text that changes when the file is replaced or rewritten; `undefined` where there is none. */
function identity(file: string): string | undefined {
  const stats = statSync(file, { throwIfNoEntry: false, bigint: true });
  return stats && `${stats.ino} ${stats.mtimeNs} ${stats.size}`;
}
