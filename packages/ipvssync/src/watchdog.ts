import { fileURLToPath } from 'node:url';
import { daemonize } from '@surealived/shared/daemon/daemonize';
import type { Host } from '@surealived/shared/process-host';
import type { SurealivedConfig } from '@surealived/shared/surealived-cfg';
import { logSettingsOf } from './cli/log-settings.js';
import type { Options } from './cli/options.js';

const SCRIPT = fileURLToPath(new URL('../bin/ipvssync.js', import.meta.url));

/** `-d`: returns when the watchdog's child follows, or could not begin. @returns The exit status. */
export function leaveWatchdog(options: Options, config: SurealivedConfig, host: Host): Promise<number> {
  const plan = {
    program: 'ipvssync',
    script: SCRIPT,
    argv: options.childArguments,
    onTerminate: 'stop' as const,
    pidFile: options.pidFile || config.ipvssync_pid_file,
    memlimit: 0,
    log: logSettingsOf(config, options),
  };
  return daemonize(plan, host);
}
