import { type Clock, systemClock } from '@surealived/shared/clock';
import { raiseOpenFileLimit } from '@surealived/shared/libc';
import type { Logger } from '@surealived/shared/log';
import type { SurealivedConfig } from '@surealived/shared/surealived-cfg';
import { AdminServer } from './admin/server.js';
import { readProcessFigures } from './admin/statistics-report.js';
import type { VirtualConfig } from './config/model.js';
import { Director } from './director.js';
import { Engine } from './engine/engine.js';
import { Reactor } from './engine/reactor.js';
import { FileHandover } from './handover/file-handover.js';
import { type Handover, NO_HANDOVER } from './handover/handover.js';
import { Scheduler } from './schedule.js';
import { createVirtual, diffEntries, snapshotVirtual } from './state.js';

export interface DaemonOptions {
  readonly config: SurealivedConfig;
  readonly virtuals: readonly VirtualConfig[];
  readonly log: Logger;
  /** Write no snapshots. */
  readonly noSync: boolean;
  readonly clock?: Clock;
}

const FULL_SNAPSHOT_INTERVAL_MS = 60_000;
/** Descriptors that are not for tests: files, the admin socket and its clients, libuv's own. */
const RESERVED_DESCRIPTORS = 128;

/** The tester as a whole: everything that lives from start to stop. */
export class Daemon {
  readonly #log: Logger;
  readonly #reactor: Reactor;
  readonly #scheduler: Scheduler;
  readonly #director: Director;
  readonly #handover: Handover;
  readonly #admin: AdminServer;
  #snapshotTimer: NodeJS.Timeout | undefined;

  /** @throws SystemCallError when epoll cannot be had. */
  constructor({ config, virtuals, log, noSync, clock = systemClock }: DaemonOptions) {
    this.#log = log;
    this.#handover = noSync
      ? NO_HANDOVER
      : new FileHandover({
          paths: config,
          source: () => this.#director.virtuals.map(snapshotVirtual),
          log,
          wallNow: () => clock.wallNow(),
        });
    this.#director = new Director({
      virtuals: virtuals.map(createVirtual),
      log,
      wallNow: () => clock.wallNow(),
    });
    this.#director.listen({
      onChange: (virtual, real) => this.#handover.change(diffEntries(virtual, real)),
    });
    this.#reactor = new Reactor({
      ...{ clock, tickMs: config.epoll_interval_ms, maxEvents: config.epoll_size },
      onLongStall: (stallMs) => log.warn({ stallMs: Math.round(stallMs) }, 'this process stood still'),
    });
    this.#scheduler = new Scheduler({
      reactor: this.#reactor,
      engine: new Engine(this.#reactor, {
        sockets: testCapacity(config.maxfd, log),
        tasks: config.max_tasks,
      }),
      startupDelayMs: config.startup_delay_ms,
      onOutcome: (virtual, real, outcome) => this.#director.observe(virtual, real, outcome),
    });
    this.#admin = new AdminServer({
      address: config.listen_addr,
      port: config.listen_port,
      context: { director: this.#director, processFigures: readProcessFigures },
      log,
    });
  }

  /**
   * Listens, hands over the state of before any test, then tests.
   *
   * @returns The port of the admin socket.
   * @throws when the admin socket or the hand-over files cannot be had; nothing is left running.
   */
  async start(): Promise<number> {
    try {
      const port = await this.#admin.listen();
      await this.#handover.start();
      this.#scheduler.start(this.#director.virtuals);
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

  /** Ends all tests and hands over what is still waiting; the hand-over files stay as they are. */
  async stop(): Promise<void> {
    await this.#shutDown();
    await this.#handover.stop();
    this.#log.info('testing stopped');
  }

  async #shutDown(): Promise<void> {
    clearInterval(this.#snapshotTimer);
    this.#scheduler.stop();
    this.#reactor.close();
    await this.#admin.close();
  }

  #refreshSnapshot(): void {
    if (this.#director.isEveryVirtualTested) void this.#handover.refresh();
  }
}

/** How many connections may be open at a time, after asking for `maxfd` descriptors. */
function testCapacity(maxfd: number, log: Logger): number {
  const limit = raiseOpenFileLimit(maxfd);
  if (limit < maxfd) log.warn({ maxfd, limit }, 'fewer open files than maxfd asks for');
  return Math.max(limit - RESERVED_DESCRIPTORS, 1);
}
