import { changedKeys, describeRestartNeed, isOfTheTable } from '@surealived/shared/config-change';
import { describeProblem, messageOf, SureAliveError } from '@surealived/shared/errors';
import type { Logger } from '@surealived/shared/log';
import { loadConfig, type SurealivedConfig } from '@surealived/shared/surealived-cfg';

/** surealived.cfg as it counts for an ipvssync that runs. */
export class ConfigInForce {
  readonly #file: string;
  readonly #log: Logger;
  #current: SurealivedConfig;

  constructor(file: string, config: SurealivedConfig, log: Logger) {
    this.#file = file;
    this.#current = config;
    this.#log = log;
  }

  get current(): SurealivedConfig {
    return this.#current;
  }

  /** Reads the file again. Where anything in it is wrong, all stays as it was; what needs a restart is told. */
  reload(): void {
    try {
      const { config, warnings } = loadConfig(this.#file);
      for (const warning of warnings) this.#log.warn(describeProblem(warning));
      const changed = changedKeys('ipvssync', this.#current, config);
      const taken = changed.filter(isOfTheTable);
      for (const name of changed) if (!isOfTheTable(name)) this.#log.warn(describeRestartNeed(name));
      if (taken.length === 0) return;
      const changes = Object.fromEntries(taken.map((name) => [name, config[name]]));
      this.#current = { ...this.#current, ...changes };
      this.#log.info({ keys: taken.join(',') }, 'configuration changed');
    } catch (error) {
      if (!(error instanceof SureAliveError)) throw error;
      this.#log.error({ reason: messageOf(error) }, 'configuration refused, the one in force stays');
    }
  }
}
