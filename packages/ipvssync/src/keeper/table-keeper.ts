/**
 * What a daemon does with its table: rounds at once when something was decided, over the whole table now and then, again
 * after a failure, and for what drains. It tells what happens, and never fails.
 *
 * @module
 */
import type { Clock } from '@surealived/shared/clock';
import { isExpected, messageOf } from '@surealived/shared/errors';
import type { Logger } from '@surealived/shared/log';
import { describeOperation } from '../ipvs/describe.js';
import {
  type DesiredService,
  describeDestination,
  describeService,
  type IpvsTable,
  type Operation,
} from '../ipvs/table.js';
import type { Permit } from '../plan/deletions.js';
import { servicesOf } from '../plan/drain.js';
import type { Round, SynchroniserPolicy } from '../plan/round.js';
import { DriftLog } from './drift-log.js';
import { Failures, WHOLE_TABLE } from './failures.js';
import { GuardLog } from './guard-log.js';
import { LatencyWindow } from './latency.js';
import { Progress } from './progress.js';
import type { SettingsKeeper } from './settings-keeper.js';
import { Synchroniser } from './synchroniser.js';
import type { TableStatus } from './table-status.js';

/** Where a look at the files costs next to nothing. */
const READ_TURN_MS = 5;

export interface TableKeeperOptions {
  readonly table: IpvsTable;
  /** Asked whenever it counts, as the next one. */
  readonly policy: () => SynchroniserPolicy;
  /** Timeouts and sync daemons, which are looked at whenever the whole table is. */
  readonly settings?: SettingsKeeper;
  /** From one reading of the whole table to the next; 0 and left away for none but when it is asked for. */
  readonly resyncIntervalMs?: () => number;
  readonly log: Logger;
  readonly clock: Clock;
  /** All services as they shall be now. */
  readonly desired: () => readonly DesiredService[];
}

export class TableKeeper {
  readonly #options: TableKeeperOptions;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #synchroniser: Synchroniser;
  readonly #failures: Failures;
  readonly #drift: DriftLog;
  readonly #guards: GuardLog;
  /** From the verdict to the table's acknowledgement. */
  readonly #latency = new LatencyWindow();
  readonly #progress = new Progress();
  /** When the whole table was read last, monotonic. */
  #readAtMs = 0;
  #isReadingBack = false;

  constructor(options: TableKeeperOptions) {
    const { table, policy, log, clock } = options;
    this.#options = options;
    this.#log = log;
    this.#clock = clock;
    this.#synchroniser = new Synchroniser(table, policy, clock);
    this.#failures = new Failures(log);
    this.#drift = new DriftLog(log);
    this.#guards = new GuardLog(log);
  }

  /** When `lookAfter` has something to do, but for what is tried again; monotonic, and infinite for never. */
  get dueAtMs(): number {
    if (this.#isReadingBack) return Number.NEGATIVE_INFINITY;
    return Math.min(this.#resyncAtMs, this.#synchroniser.drainsDueAtMs);
  }

  get status(): TableStatus {
    const { settings } = this.#options;
    return {
      nowMs: this.#clock.nowMs(),
      progress: this.#progress,
      nextReadBackAtMs: this.#resyncAtMs,
      failing: this.#failures.all,
      retryAtMs: this.#failures.retryAtMs,
      settingsFailure: settings?.failure,
      settingsRetryAtMs: settings?.retryAtMs ?? Number.POSITIVE_INFINITY,
      heldBack: this.#synchroniser.heldBack.waiting,
      leftAlone: this.#guards.leftAlone,
      drains: this.#synchroniser.drains,
      driftCount: this.#drift.count,
      latency: this.#latency,
    };
  }

  /** The deletions that were held back and told, and no others. */
  permit(): Permit {
    return this.#synchroniser.heldBack.permit();
  }

  /** Reads the whole table and makes it as desired. @param isAllowed Which deletions may be made besides. */
  async synchroniseAll(isAllowed?: Permit): Promise<void> {
    this.#isReadingBack = false;
    const desired = this.#options.desired();
    await this.#carryOut(() => this.#synchroniser.synchronise(desired, isAllowed), undefined);
    await this.#options.settings?.repair();
    this.#readAtMs = this.#clock.nowMs();
  }

  /** By the interval of now, which may have changed since. */
  get #resyncAtMs(): number {
    return this.#readAtMs + (this.#options.resyncIntervalMs?.() || Number.POSITIVE_INFINITY);
  }

  /**
   * Makes some services as desired; a round that runs into drift is followed by one over the whole table.
   *
   * @param decidedAtMs When that which is carried out was decided, by the wall clock.
   */
  async synchroniseSome(
    desired: readonly DesiredService[],
    decidedAtMs: readonly number[] = [],
  ): Promise<void> {
    await this.#carryOut(() => this.#synchroniser.synchroniseSome(desired), desired, decidedAtMs);
  }

  /**
   * What is to be done now though nothing was decided.
   *
   * @param isAskedFor Whether the whole table is to be read.
   * @param readTurnMs How long it is read at most before the files are looked at again.
   */
  async lookAfter(isAskedFor: boolean, readTurnMs = READ_TURN_MS): Promise<void> {
    const nowMs = this.#clock.nowMs();
    if (isAskedFor) this.#log.info('table is read back');
    const isDue = this.#failures.takeRetry(nowMs) || nowMs >= this.#resyncAtMs;
    if (isAskedFor || (isDue && !this.#isReadingBack)) {
      this.#synchroniser.startReading();
      this.#isReadingBack = true;
    }
    if (this.#isReadingBack) await this.#readBack(readTurnMs);
    else await this.#options.settings?.retryIfDue();
    if (nowMs >= this.#synchroniser.drainsDueAtMs) await this.#endDrains();
  }

  /** Reads a part of the table; what is decided meanwhile does not wait for the others. After the last it is repaired. */
  async #readBack(turnMs: number): Promise<void> {
    let outcome = 'failed' as 'failed' | 'whole' | 'part';
    await this.#guard(async () => {
      outcome = (await this.#synchroniser.readOn(turnMs)) ? 'whole' : 'part';
    });
    if (outcome === 'part') return;
    this.#isReadingBack = false;
    if (outcome === 'whole') await this.synchroniseAll();
    else this.#readAtMs = this.#clock.nowMs();
  }

  /** Deletes what has drained. */
  async #endDrains(): Promise<void> {
    await this.#guard(async () => {
      const drained = await this.#synchroniser.findDrained();
      if (drained.length === 0) return;
      for (const { service, destination, sinceMs, connections } of drained) {
        const names = { virtual: describeService(service), real: describeDestination(destination) };
        const drainedSec = Math.round((this.#clock.nowMs() - sinceMs) / 1000);
        this.#log.info({ ...names, drainedSec, connections }, 'real drained');
      }
      await this.synchroniseSome(servicesOf(drained, this.#options.desired()));
    });
  }

  /** @param concerned The services that the round is about; `undefined` for all. */
  async #carryOut(
    work: () => Promise<Round>,
    concerned: readonly DesiredService[] | undefined,
    decidedAtMs: readonly number[] = [],
  ): Promise<void> {
    await this.#guard(async () => {
      const round = await work();
      this.#failures.note(round.failures, concerned?.map(describeService), this.#clock.nowMs());
      this.#drift.note(round.drift);
      this.#guards.note(round.heldBack, round.leftAlone);
      this.#progress.note(round, this.#clock.nowMs());
      this.#report(round, decidedAtMs);
      if (round.drift.length > 0 && concerned) await this.synchroniseAll();
    });
  }

  /** An expected error is told, and the whole table tried again in a while. */
  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!isExpected(error)) throw error;
      this.#failures.note(new Map([[WHOLE_TABLE, messageOf(error)]]), [], this.#clock.nowMs());
    }
  }

  #report({ done, refusedCount, durationMs }: Round, decidedAtMs: readonly number[]): void {
    const nowMs = this.#clock.wallNow().getTime();
    const latencyMs = nowMs - (decidedAtMs[0] ?? Number.POSITIVE_INFINITY);
    if (refusedCount === 0) for (const atMs of decidedAtMs) this.#latency.add(nowMs - atMs);
    for (const operation of done) this.#tell(operation);
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

  #tell(operation: Operation): void {
    if (this.#log.isLevelEnabled('debug'))
      this.#log.debug({ operation: describeOperation(operation) }, 'operation done');
    if (operation.kind !== 'editDestination' || !operation.isDrain) return;
    const names = {
      virtual: describeService(operation.service),
      real: describeDestination(operation.destination),
    };
    this.#log.info(names, 'real draining');
  }
}
