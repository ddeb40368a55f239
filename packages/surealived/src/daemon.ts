import { type Clock, systemClock } from '@surealived/shared/clock';
import type { Logger } from '@surealived/shared/log';
import type { SurealivedConfig } from '@surealived/shared/surealived-cfg';
import type { CommandContext } from './admin/context.js';
import { readProcessFigures } from './admin/process-figures.js';
import { AdminServer } from './admin/server.js';
import type { VirtualConfig } from './config/model.js';
import { loadRegistry } from './config/registry.js';
import type { Sources } from './config/sources.js';
import { Director } from './director.js';
import { FileHandover } from './handover/file-handover.js';
import { type Handover, NO_HANDOVER } from './handover/handover.js';
import type { Reconfiguration } from './reconfigure.js';
import { Records } from './records.js';
import { loadInWorker } from './reload/candidate.js';
import { Reloader } from './reload/reloader.js';
import type { ReloadReport } from './reload-report.js';
import { SentinelNotes } from './sentinel/sentinel-notes.js';
import { createVirtual, diffEntries, snapshotVirtual } from './state.js';
import { createTesting } from './workers/create-testing.js';
import type { Testing } from './workers/testing.js';
import { WriteTroubles } from './write-troubles.js';

export interface DaemonOptions {
  readonly config: SurealivedConfig;
  readonly virtuals: readonly VirtualConfig[];
  /** What a reload reads. */
  readonly sources: Sources;
  readonly log: Logger;
  /** How many levels more than the configuration says the log has. */
  readonly verbosity: number;
  /** Write no snapshots. */
  readonly noSync: boolean;
  /** Neither load nor write offline.dump. */
  readonly noDumpFile: boolean;
  /** Absent where nobody watches over this process. */
  readonly watchdogPid?: number | undefined;
  readonly clock?: Clock;
}

const FULL_SNAPSHOT_INTERVAL_MS = 60_000;

/** The tester as a whole: everything that lives from start to stop. */
export class Daemon {
  readonly #log: Logger;
  readonly #troubles: WriteTroubles;
  readonly #testing: Testing;
  readonly #director: Director;
  readonly #handover: Handover;
  readonly #records: Records;
  readonly #reloader: Reloader;
  readonly #admin: AdminServer;
  readonly #sentinelNotes: SentinelNotes;
  #starting: Promise<number> | undefined;
  #snapshotTimer: NodeJS.Timeout | undefined;

  /** @throws SystemCallError when epoll cannot be had. */
  constructor(options: DaemonOptions) {
    const { config, virtuals, sources, log, verbosity, clock = systemClock } = options;
    const wallNow = (): Date => clock.wallNow();
    this.#log = log;
    this.#sentinelNotes = new SentinelNotes(log);
    this.#troubles = new WriteTroubles({ log, wallNow });
    this.#director = new Director({ virtuals: virtuals.map(createVirtual), log, wallNow });
    this.#handover = options.noSync
      ? NO_HANDOVER
      : new FileHandover({
          paths: config,
          log,
          troubles: this.#troubles,
          wallNow,
          source: () => this.#director.virtuals.map(snapshotVirtual),
        });
    this.#director.listen({
      onChange: (virtual, real) => this.#handover.change(diffEntries(virtual, real)),
    });
    this.#records = new Records({
      config,
      director: this.#director,
      troubles: this.#troubles,
      log,
      clock,
      noDumpFile: options.noDumpFile,
    });
    this.#testing = createTesting({
      config,
      clock,
      log,
      loadTesters: loadRegistry,
      onOutcome: (virtual, real, outcome) => this.#director.observe(virtual, real, outcome),
      traceOf: (virtual, real) => this.#records.traceOf(virtual, real),
      onSentinel: (virtual, real, phase) => this.#sentinelNotes.note(virtual, real, phase),
    });
    this.#reloader = new Reloader({
      running: config,
      verbosity,
      loadRegistry: (next) => this.#testing.loadTesters(next),
      clock,
      log,
      load: async () => {
        await this.#starting; // it would begin tests that are begun once more then
        return loadInWorker(sources);
      },
      current: () => this.#director.virtuals.map((virtual) => virtual.config),
      apply: (next) => this.#apply(next),
    });
    this.#admin = new AdminServer({
      address: config.listen_addr,
      port: config.listen_port,
      log,
      unixSocket: config.listen_socket
        ? { path: config.listen_socket, mode: config.listen_socket_mode }
        : undefined,
      context: this.#commandContext(options.watchdogPid, clock),
    });
  }

  /**
   * Listens, hands over the state of before any test, then tests.
   *
   * @returns The port of the admin socket.
   * @throws when the admin socket or the hand-over files cannot be had; nothing is left running.
   */
  start(): Promise<number> {
    this.#starting = this.#start();
    return this.#starting;
  }

  /** Reads both files anew and puts in force what differs; where anything is wrong, everything stays as it is. */
  reload(): Promise<ReloadReport> {
    return this.#reloader.reload();
  }

  /** Ends all tests and hands over what is still waiting; the hand-over files stay as they are. */
  async stop(): Promise<void> {
    await this.#shutDown();
    await this.#handover.stop();
    await this.#records.stop();
    this.#log.info('testing stopped');
  }

  async #start(): Promise<number> {
    try {
      this.#records.restore();
      const port = await this.#admin.listen();
      await this.#handover.start();
      this.#records.start();
      await this.#testing.start(this.#director.virtuals);
      this.#snapshotTimer = setInterval(() => this.#refreshSnapshot(), FULL_SNAPSHOT_INTERVAL_MS);
      const { virtuals } = this.#director;
      const reals = virtuals.reduce((sum, virtual) => sum + virtual.reals.length, 0);
      this.#log.info({ virtuals: virtuals.length, reals, adminPort: port }, 'testing started');
      return port;
    } catch (error) {
      await this.#shutDown();
      throw error;
    }
  }

  async #shutDown(): Promise<void> {
    clearInterval(this.#snapshotTimer);
    this.#reloader.stop();
    this.#director.stop();
    await this.#testing.stop();
    await this.#admin.close();
  }

  #apply(virtuals: readonly VirtualConfig[]): Reconfiguration {
    const reconfiguration = this.#director.reconfigure(virtuals);
    this.#testing.reconfigure(reconfiguration);
    if (reconfiguration.needsSnapshot) void this.#handover.rewrite();
    else this.#handover.change(reconfiguration.entries);
    return reconfiguration;
  }

  #commandContext(watchdogPid: number | undefined, clock: Clock): CommandContext {
    return {
      director: this.#director,
      clock,
      log: this.#log,
      processFigures: () => readProcessFigures(watchdogPid),
      engineLoad: () => this.#testing.load,
      check: (virtual, real, trace) => this.#testing.check(virtual, real, trace),
      reload: () => this.reload(),
      lastReload: () => this.#reloader.last,
      troubles: () => this.#troubles.list,
      connections: () => this.#records.connections,
      settled: () => this.#records.operationsSettled(),
    };
  }

  #refreshSnapshot(): void {
    if (this.#director.isEveryVirtualTested) void this.#handover.refresh();
  }
}
