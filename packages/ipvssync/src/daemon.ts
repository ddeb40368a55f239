import { utimesSync, writeFileSync } from 'node:fs';
import { systemClock } from '@surealived/shared/clock';
import { messageOf } from '@surealived/shared/errors';
import { createLogger, type Logger, raiseLevel } from '@surealived/shared/log';
import type { Host } from '@surealived/shared/process-host';
import type { SurealivedConfig } from '@surealived/shared/surealived-cfg';
import { openTable } from './backend.js';
import { follow } from './follow.js';
import type { Options } from './options.js';

/**
 * Follows until SIGINT or SIGTERM; the table stays as it is then. SIGHUP makes everything be read anew.
 *
 * @throws SureAliveError where it cannot begin.
 */
export async function runDaemon(options: Options, config: SurealivedConfig, host: Host): Promise<void> {
  const { backend, deleteUnmanaged, keepDiffs, verbosity } = options;
  const level = raiseLevel(config.ipvssync_logging, verbosity);
  const log = createLogger('ipvssync', { level, format: config.log_format, sink: host.stderr });
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    host.onSignal(signal, () => {
      log.info({ signal }, 'stopping');
      stop.abort();
    });
  host.onSignal('SIGHUP', () => touch(config.full_reload_file, log));
  const table = await openTable(backend);
  try {
    const policy = { deleteUnmanaged };
    await follow({ paths: config, table, policy, keepDiffs, log, clock: systemClock, signal: stop.signal });
  } finally {
    table.close();
  }
}

/** Sets the reload flag, as surealived does when it starts; the follower sees it like any other. */
function touch(file: string, log: Logger): void {
  try {
    writeFileSync(file, '', { flag: 'a' });
    const now = systemClock.wallNow();
    utimesSync(file, now, now);
  } catch (error) {
    log.error({ file, reason: messageOf(error) }, 'reload flag not written');
  }
}
