import { allSettings } from './all-settings.js';
import { diffLatency, diffLatencyByDefault } from './diff-latency.js';
import { drainUnderLoad } from './drain-under-load.js';
import { drift } from './drift.js';
import { failureToKernel, failureToKernelQuick } from './failure-to-kernel.js';
import { forwardingMethods } from './forwarding-methods.js';
import { ipvsWorks } from './ipvs-works.js';
import { kills } from './kills.js';
import { leastPrivilege } from './least-privilege.js';
import { mainJob } from './main-job.js';
import { manyRules, manyRulesLonger, rules110000 } from './many-rules.js';
import { reaction } from './reaction.js';
import { sameRules } from './same-rules.js';
import type { Scenario } from './scenario.js';
import { settingsConformance } from './settings-conformance.js';
import { status } from './status.js';
import { syncDaemons } from './sync-daemons.js';
import { trafficSettings } from './traffic-settings.js';
import { tunnels } from './tunnels.js';
import { vanishedHost, vanishedHostQuick } from './vanished-host.js';
import { weightsUnderLoad } from './weights-under-load.js';

/** All scenarios, in the order of the test report; the lab's own proof first, since the others rest on it. */
export const SCENARIOS: readonly Scenario[] = [
  ipvsWorks,
  allSettings,
  sameRules,
  tunnels,
  forwardingMethods,
  trafficSettings,
  weightsUnderLoad,
  drainUnderLoad,
  settingsConformance,
  mainJob,
  drift,
  status,
  kills,
  reaction,
  manyRules,
  diffLatency,
  syncDaemons,
  leastPrivilege,
];

/** What takes too long for every test run. */
export const BENCH_SCENARIOS: readonly Scenario[] = [
  diffLatencyByDefault,
  failureToKernel,
  failureToKernelQuick,
  vanishedHost,
  vanishedHostQuick,
  manyRulesLonger,
  rules110000,
];
