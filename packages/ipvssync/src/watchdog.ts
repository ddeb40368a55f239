import { daemonize } from '@surealived/shared/daemon/daemonize';
import type { Host } from '@surealived/shared/process-host';
import { pathOf } from '@surealived/shared/program-files';
import type { SurealivedConfig } from '@surealived/shared/surealived-cfg';
import { logSettingsOf } from './cli/log-settings.js';
import type { Options } from './cli/options.js';

/** `-d`: returns when the watchdog's child follows, or could not begin. @returns The exit status. */
export function leaveWatchdog(options: Options, config: SurealivedConfig, host: Host): Promise<number> {
  const plan = {
    program: 'ipvssync',
    script: pathOf('#ipvssync', import.meta.url),
    argv: options.childArguments,
    onTerminate: 'stop' as const,
    pidFile: options.pidFile || config.ipvssync_pid_file,
    memlimit: 0,
    log: logSettingsOf(config, options),
  };
  return daemonize(plan, host);
}
