import { drift } from './drift.js';
import { ipvsWorks } from './ipvs-works.js';
import { leastPrivilege } from './least-privilege.js';
import { mainJob } from './main-job.js';
import { manyRules } from './many-rules.js';
import { reaction } from './reaction.js';
import type { Scenario } from './scenario.js';
import { settingsConformance } from './settings-conformance.js';
import { syncDaemons } from './sync-daemons.js';

/** All scenarios, in the order of the test report; the lab's own proof first, since the others rest on it. */
export const SCENARIOS: readonly Scenario[] = [
  ipvsWorks,
  mainJob,
  drift,
  reaction,
  manyRules,
  settingsConformance,
  syncDaemons,
  leastPrivilege,
];
