import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '@surealived/shared/clock';
import { changedKeys, describeRestartNeed } from '@surealived/shared/config-change';
import { messageOf } from '@surealived/shared/errors';
import { type Logger, raiseLevel } from '@surealived/shared/log';
import type { SurealivedConfig } from '@surealived/shared/surealived-cfg';
import type { TesterRegistry } from '@surealived/testers/registry';
import type { VirtualConfig } from '../config/model.js';
import { packVirtual, unpackVirtual } from '../config/transfer.js';
import type { Reconfiguration } from '../reconfigure.js';
import type { ReloadReport } from '../reload-report.js';
import type { Candidate } from './candidate.js';

export interface ReloaderOptions {
  /** Reads and checks the files, elsewhere. */
  readonly load: () => Promise<Candidate>;
  /** The testers for a configuration. */
  readonly loadRegistry: (config: SurealivedConfig) => Promise<TesterRegistry>;
  /** The configuration in force. */
  readonly current: () => readonly VirtualConfig[];
  /** Brings a checked configuration into force. */
  readonly apply: (virtuals: readonly VirtualConfig[]) => Reconfiguration;
  /** The settings that this process has begun with. */
  readonly running: SurealivedConfig;
  /** How many levels more than the configuration says the log has. */
  readonly verbosity: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Settings of surealived.cfg that a reload puts in force. */
const RELOADED: readonly string[] = ['modules', 'modules_path', 'logging'];
/** Work on the main loop before the tests get their turn. */
const TURN_MS = 5;

/**
 * Reloads, one at a time: reads and validates first; what is wrong leaves everything as it was.
 *
 * The files are read in another thread and come back as texts. Here they are compared with what is in force, a few at a
 * time, and only what differs is made anew.
 */
export class Reloader {
  readonly #options: ReloaderOptions;
  #last: { readonly at: Date; readonly report: ReloadReport } | undefined;
  #running: Promise<ReloadReport> | undefined;
  /** The reload after the running one: for whoever asks while the files may already have been read. */
  #next: Promise<ReloadReport> | undefined;
  #isStopped = false;

  constructor(options: ReloaderOptions) {
    this.#options = options;
  }

  get last(): { readonly at: Date; readonly report: ReloadReport } | undefined {
    return this.#last;
  }

  reload(): Promise<ReloadReport> {
    if (!this.#running) return this.#begin();
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      return this.#begin();
    });
    return this.#next;
  }

  /** Puts nothing in force any more, also not what is being read. */
  stop(): void {
    this.#isStopped = true;
  }

  #begin(): Promise<ReloadReport> {
    const { clock, log } = this.#options;
    const startMs = clock.nowMs();
    const run = async (): Promise<ReloadReport> => {
      const outcome = await this.#run().catch((error: unknown) => failure([messageOf(error)]));
      const report = { ...outcome, tookMs: clock.nowMs() - startMs };
      this.#running = undefined;
      this.#last = { at: clock.wallNow(), report };
      tell(report, log);
      return report;
    };
    this.#running = run();
    return this.#running;
  }

  async #run(): Promise<Omit<ReloadReport, 'tookMs'>> {
    const { load, loadRegistry, apply, running, verbosity, log } = this.#options;
    const candidate = await load();
    if (!candidate.ok) return failure(candidate.problems);
    const registry = await loadRegistry(candidate.config);
    const virtuals = await this.#unpack(candidate.virtuals, registry);
    if (this.#isStopped) return failure(['surealived is being stopped']);
    const { added, removed, changed } = apply(virtuals);
    log.level = raiseLevel(candidate.config.logging, verbosity);
    const warnings = [...candidate.warnings, ...waitForRestart(running, candidate.config)];
    return { ok: true, problems: [], warnings, added: added.length, removed: removed.length, changed };
  }

  /** What is in force already is taken from there, so that everything after this sees at a glance what is the same. */
  async #unpack(texts: readonly string[], registry: TesterRegistry): Promise<readonly VirtualConfig[]> {
    const { clock } = this.#options;
    let turnMs = clock.nowMs();
    const pause = async (): Promise<void> => {
      if (clock.nowMs() - turnMs < TURN_MS) return;
      await nextTurn();
      turnMs = clock.nowMs();
    };
    const known = new Map<string, VirtualConfig>();
    for (const virtual of this.#options.current()) {
      if (registry.find(virtual.testing.tester.name) === virtual.testing.tester)
        known.set(packVirtual(virtual), virtual);
      await pause();
    }
    const virtuals: VirtualConfig[] = [];
    for (const text of texts) {
      virtuals.push(known.get(text) ?? unpackVirtual(text, registry));
      await pause();
    }
    return virtuals;
  }
}

/** Settings of surealived.cfg that now say something else than what is in force. */
function waitForRestart(running: SurealivedConfig, next: SurealivedConfig): readonly string[] {
  return changedKeys('surealived', running, next)
    .filter((name) => !RELOADED.includes(name))
    .map(describeRestartNeed);
}

function failure(problems: readonly string[]): Omit<ReloadReport, 'tookMs'> {
  return { ok: false, problems, warnings: [], added: 0, removed: 0, changed: 0 };
}

function tell({ ok, problems, warnings, tookMs, ...counts }: ReloadReport, log: Logger): void {
  for (const problem of problems) log.error(problem);
  for (const warning of warnings) log.warn(warning);
  const fields = { ...counts, tookMs: Math.round(tookMs) };
  if (ok) log.info(fields, 'configuration reloaded');
  else log.error({ problems: problems.length }, 'reload failed, the running configuration stays');
}
