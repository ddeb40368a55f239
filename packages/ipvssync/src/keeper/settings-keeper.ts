import type { Clock } from '@surealived/shared/clock';
import { isExpected, messageOf } from '@surealived/shared/errors';
import type { Logger } from '@surealived/shared/log';
import { describeSettingsChange, type SettingsStore, type WantedSettings } from '../ipvs/settings.js';
import { type Failure, Failures } from './failures.js';
import { repairSettings } from './settings-round.js';

export interface SettingsKeeperOptions {
  readonly store: SettingsStore;
  /** Asked at each look. */
  readonly want: () => WantedSettings;
  readonly log: Logger;
  readonly clock: Clock;
}

/** What a failure of everything is remembered under. */
const ALL = 'all';

/** Keeps timeouts and sync daemons as they are wanted, for the daemon: what fails is logged once, and tried again. */
export class SettingsKeeper {
  readonly #options: SettingsKeeperOptions;
  readonly #failures: Failures;

  constructor(options: SettingsKeeperOptions) {
    this.#options = options;
    this.#failures = new Failures(options.log, 'setting');
  }

  /** Why the settings are not as wanted; `undefined` where they are. */
  get failure(): Failure | undefined {
    return this.#failures.all[0];
  }

  /** When that is tried again. */
  get retryAtMs(): number {
    return this.#failures.retryAtMs;
  }

  /** Looks at the settings and repairs what differs. */
  async repair(): Promise<void> {
    const { store, want, log, clock } = this.#options;
    const failures = new Map<string, string>();
    try {
      const round = await repairSettings(store, want);
      for (const change of round.done)
        log.info({ change: describeSettingsChange(change) }, 'setting changed');
      if (round.failures.length > 0) failures.set(ALL, round.failures.join('; '));
    } catch (error) {
      if (!isExpected(error)) throw error;
      failures.set(ALL, messageOf(error));
    }
    this.#failures.note(failures, undefined, clock.nowMs());
  }

  /** `repair`, where something failed and the time has come to try it again. */
  async retryIfDue(): Promise<void> {
    if (this.#failures.takeRetry(this.#options.clock.nowMs())) await this.repair();
  }
}
