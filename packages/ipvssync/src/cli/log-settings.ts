import { raiseLevel } from '@surealived/shared/log-level';
import { type LogSettings, logSettings } from '@surealived/shared/log-outputs';
import type { SurealivedConfig } from '@surealived/shared/surealived-cfg';
import type { Options } from './options.js';

/** Where the log goes, and how much of it. */
export function logSettingsOf(config: SurealivedConfig, { verbosity }: Options): LogSettings {
  const level = raiseLevel(config.ipvssync_logging, verbosity);
  return logSettings('ipvssync', { file: config.ipvssync_log, level }, config);
}
