/**
 * `-d`: leaves a watchdog behind, which is detached from the terminal, and which starts the program and keeps it running.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { EXIT, type Host } from '../process-host.js';
import { pathOf } from '../program-files.js';
import { refuseWhereRunning } from './pid-file.js';
import type { Report, WatchdogPlan } from './plan.js';

/**
 * Returns when the program does its work, or could not begin: what it wrote to standard error by then stands there.
 *
 * @returns The exit status.
 * @throws AlreadyRunningError
 */
export async function daemonize(plan: WatchdogPlan, host: Host): Promise<number> {
  const { program, pidFile, log } = plan;
  refuseWhereRunning(pidFile, program);
  if (!log.file && !log.syslog)
    host.stderr.write(`${program}: nothing will be logged: set use_log or use_syslog\n`);
  const shown = [program, ...plan.argv]; // for those who look at the processes; the watchdog goes by its plan
  const script = pathOf('#watchdog', import.meta.url);
  const watchdog = spawn(process.execPath, [...process.execArgv, script, ...shown], {
    cwd: '/',
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  watchdog.send(plan, () => undefined); // where that fails, its end tells
  const status = await outcome(watchdog, plan, host);
  if (watchdog.connected) watchdog.disconnect();
  watchdog.unref();
  return status;
}

function outcome(watchdog: ChildProcess, { program }: WatchdogPlan, host: Host): Promise<number> {
  return new Promise((resolve) => {
    const finish = (status: number): void => {
      watchdog.removeAllListeners();
      resolve(status);
    };
    const fail = (why: string): void => {
      host.stderr.write(`${program}: the watchdog ${why}\n`);
      finish(EXIT.failed);
    };
    watchdog.on('message', (report: Report) => {
      if (report.kind === 'output') host.stderr.write(report.text);
      else finish(report.kind === 'started' ? EXIT.ok : report.status);
    });
    watchdog.on('error', (error) => fail(`did not start: ${error.message}`));
    watchdog.on('disconnect', () => fail('ended before it said anything'));
  });
}
