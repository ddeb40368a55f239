import { systemClock } from '@surealived/shared/clock';
import { refuseWhereRunning, removePidFile, writePidFile } from '@surealived/shared/daemon/pid-file';
import { describeProblem } from '@surealived/shared/errors';
import type { Logger } from '@surealived/shared/log';
import type { Host } from '@surealived/shared/process-host';
import { versionOf } from '@surealived/shared/program-files';
import { openProgramLog } from '@surealived/shared/program-log';
import type { LoadedConfig } from '@surealived/shared/surealived-cfg';
import { openTable } from './backend/backend.js';
import { logSettingsOf } from './cli/log-settings.js';
import type { Options } from './cli/options.js';
import { policyOf } from './cli/policy.js';
import { ConfigInForce } from './config-in-force.js';
import { type FollowOptions, follow } from './follow/follow.js';
import type { FollowStatus } from './follow/follow-status.js';
import { Requests } from './follow/requests.js';
import type { IpvsTable } from './ipvs/table.js';
import { SettingsKeeper } from './keeper/settings-keeper.js';
import { wantedSettings } from './keeper/sync-role.js';
import { reportStatus } from './status/status-report.js';
import { StatusServer } from './status/status-server.js';

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
  const pidFile = host.watchdog ? '' : options.pidFile || config.ipvssync_pid_file;
  refuseWhereRunning(pidFile, 'ipvssync');
  const serviceManager = await host.joinServiceManager?.();
  const log = await openProgramLog(logSettingsOf(config, options), host);
  for (const warning of warnings) log.warn(describeProblem(warning));
  const signal = endOf(host, log);
  signal.addEventListener('abort', () => serviceManager?.reportStopping());
  const requests = new Requests();
  host.onSignal('SIGHUP', () => requests.reload());
  host.onSignal('SIGUSR2', () => requests.resync());
  const inForce = new ConfigInForce(options.config, config, log);
  const table = await openTable(options.backend);
  const parts = { options, inForce, table, log };
  let status: StatusServer | undefined;
  const begin = async (look: () => FollowStatus): Promise<void> => {
    if (status) return;
    const reason = await writePidFile(pidFile);
    if (reason !== undefined) log.error({ reason }, 'pid file not written');
    status = statusServer(parts, look);
    await status.open();
    host.watchdog?.reportStarted();
    serviceManager?.reportStarted();
  };
  const onFollowing = (look: () => FollowStatus): Promise<void> => {
    serviceManager?.reportStatus('following');
    return begin(look);
  };
  const onWaiting = (look: () => FollowStatus): Promise<void> => {
    serviceManager?.reportStatus(`waiting: ${look().trouble}`);
    return begin(look);
  };
  try {
    await follow({
      ...followOptions(parts),
      signal,
      requests,
      onFollowing,
      ...(options.wait && { onWaiting }),
    });
  } finally {
    serviceManager?.close();
    await status?.close();
    table.close();
    removePidFile(pidFile);
  }
}

interface Parts {
  readonly options: Options;
  /** What it is at the start, but for what a reload changes. */
  readonly inForce: ConfigInForce;
  readonly table: IpvsTable;
  readonly log: Logger;
}

/** Is aborted when the process is to end. */
function endOf(host: Host, log: Logger): AbortSignal {
  const stop = new AbortController();
  const end = (signal: string): void => {
    log.info({ signal }, 'stopping');
    stop.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) host.onSignal(signal, () => end(signal));
  host.watchdog?.onGone(() => end('watchdog gone'));
  return stop.signal;
}

function followOptions({ options, inForce, table, log }: Parts): Omit<FollowOptions, 'signal'> {
  const clock = systemClock;
  const want = () => wantedSettings(inForce.current);
  return {
    paths: inForce.current,
    table,
    policy: () => policyOf(options, inForce.current),
    settings: new SettingsKeeper({ store: table.settings, want, log, clock }),
    keepDiffs: options.keepDiffs,
    log,
    clock,
    resyncIntervalMs: () => inForce.current.resync_interval_sec * 1000,
    onReload: () => inForce.reload(),
    allowEmpty: options.allowEmpty,
  };
}

function statusServer({ options, inForce, table, log }: Parts, look: () => FollowStatus): StatusServer {
  const sources = {
    config: () => inForce.current,
    backend: options.backend,
    table,
    programVersion: versionOf(import.meta.url),
    clock: systemClock,
    look,
  };
  return new StatusServer({
    path: inForce.current.ipvssync_status_socket,
    document: () => reportStatus(sources),
    log,
  });
}
