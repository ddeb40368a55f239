import type { Clock } from '@surealived/shared/clock';
import type { Logger } from '@surealived/shared/log';
import type { SurealivedConfig } from '@surealived/shared/surealived-cfg';
import { CommunicationDumps } from './communication/communication-dumps.js';
import type { Director } from './director.js';
import type { Trace } from './engine/outcome.js';
import { readBootTimeMs } from './notify/boot-time.js';
import { Notifier } from './notify/notifier.js';
import { NotificationRunner } from './notify/runner.js';
import type { Real, Virtual } from './state.js';
import { StateDumps } from './state-dumps.js';
import { ConnectionStatistics } from './statistics/connection-statistics.js';
import { RoundLog } from './statistics/round-log.js';
import type { WriteTroubles } from './write-troubles.js';

export interface RecordsOptions {
  readonly config: SurealivedConfig;
  readonly director: Director;
  readonly troubles: WriteTroubles;
  readonly log: Logger;
  readonly clock: Clock;
  /** Neither load nor write offline.dump. */
  readonly noDumpFile: boolean;
}

/** What follows the director's state beside the hand-over: dumps, statistics, notifications. */
export class Records {
  /** `undefined` where `gather_stats` is off. */
  readonly connections: ConnectionStatistics | undefined;
  readonly #director: Director;
  readonly #dumps: StateDumps;
  readonly #notifier: Notifier;
  readonly #runner: NotificationRunner;
  /** Also there where only the statistics files want them. */
  readonly #statistics: ConnectionStatistics | undefined;
  readonly #roundLog: RoundLog | undefined;
  readonly #communication: CommunicationDumps | undefined;

  constructor({ config, director, troubles, log, clock, noDumpFile }: RecordsOptions) {
    this.#director = director;
    const wallNow = () => clock.wallNow();
    const logsRounds = config.log_stats || config.log_stats_combined;
    if (config.gather_stats || logsRounds) this.#statistics = new ConnectionStatistics(wallNow);
    this.connections = config.gather_stats ? this.#statistics : undefined;
    if (this.#statistics && logsRounds)
      this.#roundLog = new RoundLog({ config, statistics: this.#statistics, troubles, wallNow });
    if (config.debug_comm)
      this.#communication = new CommunicationDumps({ directory: config.debug_comm_path, clock, troubles });
    this.#runner = new NotificationRunner({ log, timeoutMs: config.notify_timeout_sec * 1000 });
    this.#notifier = new Notifier({ runner: this.#runner, log });
    this.#dumps = new StateDumps({
      config,
      director,
      troubles,
      log,
      notifier: this.#notifier,
      statistics: this.connections,
      useOfflineDump: config.use_offline_dump && !noDumpFile,
      bootTimeMs: readBootTimeMs(),
    });
  }

  /** Puts back what an earlier process left; to be called before anything is handed over. */
  restore(): void {
    this.#dumps.restore();
  }

  /** Follows the director from now on; to be called before the first test. */
  start(): void {
    for (const listener of [this.#statistics, this.#roundLog, this.#notifier, this.#communication])
      if (listener) this.#director.listen(listener);
    this.#dumps.start();
  }

  /** For the scheduler, before each test. */
  traceOf(virtual: Virtual, real: Real): Trace | undefined {
    return this.#communication?.traceOf(virtual, real);
  }

  /** Waits until what an operator set before is on the disk. @returns False where it could not be written for now. */
  operationsSettled(): Promise<boolean> {
    return this.#dumps.operationsSettled();
  }

  /** Writes what is not written yet; to be called after the last test. Programs that run are left alone. */
  async stop(): Promise<void> {
    this.#runner.stop();
    await this.#dumps.stop();
    await this.#roundLog?.stop();
    await this.#communication?.stop();
  }
}
