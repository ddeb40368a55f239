/**
 * The process of a watchdog. It loads next to nothing, for it has to outlive everything.
 *
 * @module
 */
import { LogOutputs } from '../log-outputs.js';
import { nameProcess, refuseDebugger } from '../process-host.js';
import type { Report, WatchdogPlan } from './plan.js';
import { Watchdog } from './watchdog.js';

process.umask(0o022);
refuseDebugger();
process.once('message', async (plan: WatchdogPlan) => {
  nameProcess(plan.program);
  const log = await LogOutputs.open(plan.log);
  const report = (what: Report): void => void process.send?.(what, undefined, undefined, () => undefined);
  const watchdog = new Watchdog(plan, log, report);
  process.on('disconnect', () => watchdog.launcherGone());
  await watchdog.run();
  if (process.connected) process.disconnect();
});
