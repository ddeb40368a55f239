import { createLogger, type Logger } from './log.js';
import { LogOutputs, type LogSettings } from './log-outputs.js';
import type { Host } from './process-host.js';

/**
 * The log of a program: standard error in the foreground, what the configuration names in a daemon, where SIGUSR1 opens
 * the log file anew.
 */
export async function openProgramLog(settings: LogSettings, host: Host): Promise<Logger> {
  const { program, level, format } = settings;
  if (!host.watchdog) return createLogger(program, { level, format, sink: host.stderr });
  const outputs = await LogOutputs.open(settings);
  for (const problem of outputs.problems) host.stderr.write(`${problem}\n`);
  host.onSignal('SIGUSR1', () => outputs.reopen());
  return createLogger(program, { level, format: 'json', sink: outputs });
}
