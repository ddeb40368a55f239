import { systemClock } from '@surealived/shared/clock';
import { refuseWhereRunning, removePidFile, writePidFile } from '@surealived/shared/daemon/pid-file';
import { describeProblem } from '@surealived/shared/errors';
import type { Host } from '@surealived/shared/process-host';
import { openProgramLog } from '@surealived/shared/program-log';
import type { LoadedConfig } from '@surealived/shared/surealived-cfg';
import { openTable } from './backend.js';
import { ConfigInForce } from './config-in-force.js';
import { follow } from './follow.js';
import { logSettingsOf } from './log-settings.js';
import type { Options } from './options.js';
import { policyOf } from './policy.js';
import { Requests } from './requests.js';
import { SettingsKeeper } from './settings-keeper.js';
import { wantedSettings } from './sync-role.js';

/**
 * Follows until SIGINT or SIGTERM; the table stays as it is then. SIGHUP makes everything be read anew,
 * SIGUSR2 the table.
 *
 * @throws SureAliveError where it cannot begin.
 */
export async function runDaemon(
  options: Options,
  { config, warnings }: LoadedConfig,
  host: Host,
): Promise<void> {
  const { backend, keepDiffs, allowEmpty } = options;
  const pidFile = host.watchdog ? '' : options.pidFile || config.ipvssync_pid_file;
  refuseWhereRunning(pidFile, 'ipvssync');
  const log = await openProgramLog(logSettingsOf(config, options), host);
  for (const warning of warnings) log.warn(describeProblem(warning));
  const stop = new AbortController();
  const end = (signal: string): void => {
    log.info({ signal }, 'stopping');
    stop.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) host.onSignal(signal, () => end(signal));
  host.watchdog?.onGone(() => end('watchdog gone'));
  const requests = new Requests();
  host.onSignal('SIGHUP', () => requests.reload());
  host.onSignal('SIGUSR2', () => requests.resync());
  const onFollowing = async (): Promise<void> => {
    const reason = await writePidFile(pidFile);
    if (reason !== undefined) log.error({ reason }, 'pid file not written');
    host.watchdog?.reportStarted();
  };
  const inForce = new ConfigInForce(options.config, config, log);
  const table = await openTable(backend);
  try {
    await follow({
      paths: config,
      table,
      policy: () => policyOf(options, inForce.current),
      settings: new SettingsKeeper({
        store: table.settings,
        want: () => wantedSettings(inForce.current),
        log,
        clock: systemClock,
      }),
      keepDiffs,
      log,
      clock: systemClock,
      signal: stop.signal,
      resyncIntervalMs: () => inForce.current.resync_interval_sec * 1000,
      requests,
      onReload: () => inForce.reload(),
      allowEmpty,
      onFollowing,
    });
  } finally {
    table.close();
    removePidFile(pidFile);
  }
}
