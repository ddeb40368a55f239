import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '@surealived/shared/clock';
import { messageOf, SureAliveError } from '@surealived/shared/errors';
import type { SurealivedConfig } from '@surealived/shared/surealived-cfg';
import type { Backend } from '../backend/backend.js';
import type { FollowStatus } from '../follow/follow-status.js';
import type { IpvsTable } from '../ipvs/table.js';
import { type WantedRole, wantedRole } from '../keeper/sync-role.js';
import { type StatusFacts, statusHead } from './status-document.js';
import { type Traffic, virtualStatuses } from './status-virtuals.js';

/** Where a status comes from. */
export interface StatusSources {
  /** As it is now. */
  readonly config: () => SurealivedConfig;
  readonly backend: Backend;
  readonly table: IpvsTable;
  readonly programVersion: string;
  readonly clock: Clock;
  readonly look: () => FollowStatus;
}

/** Virtuals that are written in one turn of the event loop; less than a millisecond. */
const TURN_VIRTUALS = 50;

/** The status now, as one line of JSON. Never fails for what is wrong around the program. */
export async function reportStatus(sources: StatusSources): Promise<string> {
  const { config, backend, table, programVersion, clock, look } = sources;
  const traffic = await readTraffic(table);
  return formatStatus({
    programVersion,
    backend,
    pid: process.pid,
    wallNow: clock.wallNow(),
    uptimeSec: process.uptime(),
    snapshotFile: config().full_sync_file,
    follow: look(), // after the traffic, which takes a while
    syncRole: readRole(config()),
    traffic,
  });
}

/** `statusDocument` as JSON, some virtuals at a time: a thousand would hold up what has to be in the table at once. */
export async function formatStatus(facts: StatusFacts): Promise<string> {
  const head = JSON.stringify(statusHead(facts)).slice(0, -'}'.length);
  const virtuals: string[] = [];
  for (const virtual of virtualStatuses(facts.follow.virtuals, facts.traffic)) {
    virtuals.push(JSON.stringify(virtual));
    if (virtuals.length % TURN_VIRTUALS === 0) await nextTurn();
  }
  return `${head},"virtuals":[${virtuals.join(',')}]}\n`;
}

async function readTraffic(table: IpvsTable): Promise<Traffic> {
  try {
    return await table.readTraffic();
  } catch (error) {
    if (!(error instanceof SureAliveError)) throw error;
    return messageOf(error);
  }
}

function readRole(config: SurealivedConfig): WantedRole | undefined {
  try {
    return wantedRole(config);
  } catch (error) {
    if (!(error instanceof SureAliveError)) throw error;
    return undefined; // the settings' failure says why
  }
}
