import { writeFileSync } from 'node:fs';
import { systemClock } from '@surealived/shared/clock';
import { refuseWhereRunning, removePidFile, writePidFile } from '@surealived/shared/daemon/pid-file';
import { describeProblem, messageOf } from '@surealived/shared/errors';
import type { Logger } from '@surealived/shared/log';
import type { Host } from '@surealived/shared/process-host';
import { openProgramLog } from '@surealived/shared/program-log';
import { ANY_GENERATION } from '@surealived/shared/snapshot/format';
import type { LoadedConfig } from '@surealived/shared/surealived-cfg';
import { openTable } from './backend.js';
import { follow } from './follow.js';
import { logSettingsOf } from './log-settings.js';
import type { Options } from './options.js';

/**
 * Follows until SIGINT or SIGTERM; the table stays as it is then. SIGHUP makes everything be read anew.
 *
 * @throws SureAliveError where it cannot begin.
 */
export async function runDaemon(
  options: Options,
  { config, warnings }: LoadedConfig,
  host: Host,
): Promise<void> {
  const { backend, deleteUnmanaged, keepDiffs } = options;
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
  host.onSignal('SIGHUP', () => touch(config.full_reload_file, log));
  const onFollowing = async (): Promise<void> => {
    const reason = await writePidFile(pidFile);
    if (reason !== undefined) log.error({ reason }, 'pid file not written');
    host.watchdog?.reportStarted();
  };
  const table = await openTable(backend);
  try {
    await follow({
      paths: config,
      table,
      policy: { deleteUnmanaged },
      keepDiffs,
      log,
      clock: systemClock,
      signal: stop.signal,
      onFollowing,
    });
  } finally {
    table.close();
    removePidFile(pidFile);
  }
}

/** Sets the reload flag: the follower sees it like any other, and takes the snapshot that is there also where it is an older one. */
function touch(file: string, log: Logger): void {
  try {
    writeFileSync(file, ANY_GENERATION);
  } catch (error) {
    log.error({ file, reason: messageOf(error) }, 'reload flag not written');
  }
}
