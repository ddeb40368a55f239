import { statSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { Problem } from '@surealived/shared/errors';
import type { Logger } from '@surealived/shared/log';
import { realKey, virtualKey } from '@surealived/shared/model';
import type { SurealivedConfig } from '@surealived/shared/surealived-cfg';
import type { Director } from './director.js';
import { DumpFile, keepUnreadable, readDump, warnOf } from './dumps/dump-file.js';
import type { DumpEntry, DumpedReal, ParsedDump } from './dumps/dump-lines.js';
import { formatNotifyDump, parseNotifyDump } from './dumps/notify-dump.js';
import { formatOfflineDump, parseOfflineDump } from './dumps/offline-dump.js';
import { formatOverrideDump, parseOverrideDump } from './dumps/override-dump.js';
import { collectOffline, collectOverrides, restoreOffline, restoreOverride } from './dumps/real-state.js';
import { formatStatsDump, parseStatsDump } from './dumps/stats-dump.js';
import type { Notifier } from './notify/notifier.js';
import type { Real, Virtual } from './state.js';
import type { ConnectionStatistics } from './statistics/connection-statistics.js';
import type { WriteTroubles } from './write-troubles.js';

export interface StateDumpsOptions {
  readonly config: Pick<
    SurealivedConfig,
    'offline_dump' | 'override_dump' | 'notify_dump' | 'stats_dump' | 'stats_dump_savesec'
  >;
  /** Whether the reals that are offline are remembered: `use_offline_dump`, and no `--no-dumpfile`. */
  readonly useOfflineDump: boolean;
  readonly director: Director;
  readonly notifier: Notifier;
  /** Absent where none are gathered. */
  readonly statistics: ConnectionStatistics | undefined;
  readonly troubles: WriteTroubles;
  readonly log: Logger;
  /** Milliseconds of wall time when the machine was booted. */
  readonly bootTimeMs: number;
}

/** Least time between two writes of what changes with the tests. */
const REST_MS = 100;
/** Whose statistics are printed at a time. */
const PIECE_VIRTUALS = 50;

/** The state that outlives the process, in the dump files of spec section 6. */
export class StateDumps {
  readonly #options: StateDumpsOptions;
  readonly #override: DumpFile;
  readonly #notify: DumpFile;
  readonly #offline: DumpFile | undefined;
  readonly #stats: DumpFile | undefined;
  #statsTimer: NodeJS.Timeout | undefined;
  /** Dumps that are there, but could not be restored from. */
  readonly #unreadable: string[] = [];

  constructor(options: StateDumpsOptions) {
    this.#options = options;
    const { config, director, notifier, statistics, troubles } = options;
    this.#override = new DumpFile({
      path: config.override_dump,
      troubles,
      restMs: 0,
      content: () => formatOverrideDump(collectOverrides(director.virtuals)),
    });
    this.#notify = new DumpFile({
      path: config.notify_dump,
      troubles,
      restMs: REST_MS,
      content: () => formatNotifyDump(notifier.dump()),
    });
    if (options.useOfflineDump) {
      this.#offline = new DumpFile({
        path: config.offline_dump,
        troubles,
        restMs: REST_MS,
        content: () =>
          formatOfflineDump(collectOffline(director.virtuals, (virtual) => director.offlineOf(virtual))),
      });
    }
    if (statistics) {
      this.#stats = new DumpFile({
        path: config.stats_dump,
        troubles,
        restMs: REST_MS,
        content: () => printStatistics(director.virtuals, statistics),
      });
    }
  }

  /**
   * Puts back what an earlier process left, and follows the director from then on; to be called before the first test,
   * and before anything is handed over.
   */
  restore(): void {
    this.#restoreState();
    const { director, notifier } = this.#options;
    director.listen({
      onTransition: () => this.#offline?.change(),
      onOperated: () => this.#override.change(),
      onReconfigured: () => {
        this.#offline?.change();
        this.#override.change();
      },
    });
    notifier.onTold = () => this.#notify.change();
  }

  #restoreState(): void {
    const { config, director, log, useOfflineDump } = this.#options;
    const index = new Index(director.virtuals);
    const overrides = index.findReals(
      config.override_dump,
      this.#read(config.override_dump, parseOverrideDump),
    );
    for (const { real, value } of overrides) restoreOverride(real, value);
    const offline = !useOfflineDump
      ? []
      : index.findReals(config.offline_dump, this.#read(config.offline_dump, parseOfflineDump));
    for (const { virtual, real } of offline) restoreOffline(virtual, real);
    director.resume(offline);
    const notified = this.#restoreNotifications(index);
    this.#restoreStatistics(index);
    warnOf(index.problems, log);
    log.info({ offline: offline.length, overrides: overrides.length, notified }, 'state restored');
  }

  /** Writes the dumps from now on: whoever calls this is the only one to do so. */
  start(): void {
    for (const path of this.#unreadable) keepUnreadable(path, this.#options.log);
    for (const file of this.#files) file.start();
    const intervalMs = this.#options.config.stats_dump_savesec * 1000;
    this.#statsTimer = setInterval(() => this.#stats?.change(), intervalMs);
  }

  /** Waits until what an operator set before is on the disk. @returns False where it could not be written for now. */
  operationsSettled(): Promise<boolean> {
    return this.#override.settled();
  }

  /** Writes what is not written yet, and the statistics of now. */
  async stop(): Promise<void> {
    clearInterval(this.#statsTimer);
    this.#stats?.change();
    for (const file of this.#files) await file.stop();
  }

  get #files(): readonly DumpFile[] {
    return [this.#override, this.#notify, this.#offline, this.#stats].filter((file) => file !== undefined);
  }

  #read<T>(file: string, parse: (text: string, file: string) => ParsedDump<T>): readonly DumpEntry<T>[] {
    const entries = readDump(file, parse, this.#options.log);
    if (!entries) this.#unreadable.push(file);
    return entries ?? [];
  }

  #restoreNotifications(index: Index): number {
    const { config, notifier, log, bootTimeMs } = this.#options;
    const { notify_dump: file } = config;
    if (modifiedMs(file) < bootTimeMs) {
      log.info({ file }, 'the machine was booted since notifications were told: all are told anew');
      return 0;
    }
    const found = index.findVirtuals(file, this.#read(file, parseNotifyDump));
    for (const { virtual, value } of found) notifier.restore(virtual, value.state);
    return found.length;
  }

  #restoreStatistics(index: Index): void {
    const { config, statistics } = this.#options;
    if (!statistics) return;
    const { stats_dump: file } = config;
    const virtuals = index.findVirtuals(file, this.#read(file, parseStatsDump));
    for (const { virtual, value } of virtuals) {
      statistics.restore(virtual, value);
      const dumped = value.reals.map(({ line, ...real }) => ({
        line,
        value: { virtual: value.virtual, ...real },
      }));
      for (const { real, value: figures } of index.findReals(file, dumped))
        statistics.ofReal(virtual, real).restore(figures);
    }
  }
}

/** Wall time of the last change; `Infinity` where there is no file, or none that can be looked at. */
function modifiedMs(file: string): number {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return Number.POSITIVE_INFINITY; // whoever reads it says why
  }
}

/** Tests go on in between: the figures of thousands of reals take a while to print. */
async function printStatistics(
  virtuals: readonly Virtual[],
  statistics: ConnectionStatistics,
): Promise<string> {
  const pieces: string[] = [];
  for (let begin = 0; begin < virtuals.length; begin += PIECE_VIRTUALS) {
    pieces.push(formatStatsDump(statistics.dump(virtuals.slice(begin, begin + PIECE_VIRTUALS))));
    await setImmediate();
  }
  return pieces.join('');
}

/** The virtuals and reals there are, by their keys; what a dump names beside them is a problem. */
class Index {
  readonly problems: Problem[] = [];
  readonly #virtuals: ReadonlyMap<string, Virtual>;
  readonly #reals = new Map<string, { readonly virtual: Virtual; readonly real: Real }>();

  constructor(virtuals: readonly Virtual[]) {
    this.#virtuals = new Map(virtuals.map((virtual) => [virtualKey(virtual.config), virtual]));
    for (const [key, virtual] of this.#virtuals)
      for (const real of virtual.reals) this.#reals.set(`${key} ${realKey(real.config)}`, { virtual, real });
  }

  findVirtuals<T extends { readonly virtual: string }>(file: string, entries: readonly DumpEntry<T>[]) {
    return entries.flatMap(({ line, value }) => {
      const virtual = this.#virtuals.get(value.virtual);
      if (virtual) return [{ virtual, value }];
      this.problems.push({ file, line, message: `there is no virtual ${value.virtual} any more` });
      return [];
    });
  }

  findReals<T extends DumpedReal>(file: string, entries: readonly DumpEntry<T>[]) {
    return entries.flatMap(({ line, value }) => {
      const place = this.#reals.get(`${value.virtual} ${value.real}`);
      if (place) return [{ ...place, value }];
      const message = `there is no real ${value.real} in a virtual ${value.virtual} any more`;
      this.problems.push({ file, line, message });
      return [];
    });
  }
}
