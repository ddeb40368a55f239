import { join } from 'node:path';
import type { SurealivedConfig } from '@surealived/shared/surealived-cfg';
import { AppendQueue } from '../append-queue.js';
import type { DirectorListener } from '../director.js';
import { safeFileName } from '../safe-file-name.js';
import type { Virtual } from '../state.js';
import { tryToMakeDirectory } from '../try-to-make-directory.js';
import type { WriteTroubles } from '../write-troubles.js';
import type { ConnectionStatistics } from './connection-statistics.js';
import { reportRound } from './round-report.js';

export interface RoundLogOptions {
  readonly config: Pick<SurealivedConfig, 'stats_dir' | 'log_stats' | 'log_stats_combined'>;
  readonly statistics: ConnectionStatistics;
  readonly troubles: WriteTroubles;
  readonly wallNow: () => Date;
}

const MAX_WAITING_BYTES = 1 << 24;

/**
 * The statistics files of spec section 8: every round of every virtual is appended to sd_fullstats.log, and is a file of
 * its own, `sd_virtstats_NAME:PORT.EPOCH`, named by the second in which it ended (rounds of one second share theirs).
 */
export class RoundLog implements DirectorListener {
  readonly #options: RoundLogOptions;
  readonly #queue: AppendQueue;

  constructor(options: RoundLogOptions) {
    this.#options = options;
    this.#queue = new AppendQueue({ troubles: options.troubles, maxBytes: MAX_WAITING_BYTES });
    tryToMakeDirectory(options.config.stats_dir);
  }

  /** To be called after the statistics have counted the round's last test. */
  onRound(virtual: Virtual): void {
    const { config, statistics, wallNow } = this.#options;
    const endedAt = wallNow();
    const text = reportRound(virtual, statistics, endedAt);
    const { stats_dir: directory } = config;
    if (config.log_stats_combined) this.#queue.append(join(directory, 'sd_fullstats.log'), text);
    if (!config.log_stats) return;
    const { name, port } = virtual.config;
    const epoch = Math.floor(endedAt.getTime() / 1000);
    const file = `sd_virtstats_${safeFileName(name)}:${port}.${epoch}`;
    this.#queue.append(join(directory, file), text, join(directory, 'sd_virtstats_*'));
  }

  /** Waits for what is still on its way to the disk. */
  async stop(): Promise<void> {
    await this.#queue.settled();
  }
}
