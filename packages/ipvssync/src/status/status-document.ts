/**
 * What `--status --json` prints, and what its readable form is made of. Pure.
 *
 * @module
 */
import type { Backend } from '../backend/backend.js';
import type { FollowStatus } from '../follow/follow-status.js';
import { describeDestination, describeService } from '../ipvs/table.js';
import { WHOLE_TABLE } from '../keeper/failures.js';
import type { RoundFigures } from '../keeper/progress.js';
import type { WantedRole } from '../keeper/sync-role.js';
import type { Drain } from '../plan/drain.js';
import type { LeftAlone } from '../plan/protection.js';
import {
  type Connections,
  ConnectionsIndex,
  type Traffic,
  type VirtualStatus,
  virtualStatuses,
} from './status-virtuals.js';

/** Goes up when the document changes in a way that its readers may not bear; a new key is none. */
export const STATUS_VERSION = 1;

/** All that a document is made of. */
export interface StatusFacts {
  readonly programVersion: string;
  readonly pid: number;
  readonly wallNow: Date;
  readonly uptimeSec: number;
  readonly backend: Backend;
  readonly snapshotFile: string;
  readonly follow: FollowStatus;
  /** `undefined` where it cannot be read. */
  readonly syncRole: WantedRole | undefined;
  readonly traffic: Traffic;
}

/** Ages and times to come are in seconds; null stands for what is not known, or not to come. */
export interface StatusDocument {
  readonly version: typeof STATUS_VERSION;
  readonly programVersion: string;
  readonly pid: number;
  readonly time: string;
  readonly uptimeSec: number;
  /** As options would name it: `kernel`, `memory:/tmp/table`. */
  readonly table: string;
  /** Network namespace of the table; null for that of the process. */
  readonly netns: string | null;
  /** Whether the table is as the hand-over files say, and these can be read. */
  readonly asDesired: boolean;
  readonly snapshot: {
    readonly file: string;
    readonly generation: number | null;
    readonly virtuals: number;
    readonly reals: number;
    /** Why the files are refused. */
    readonly trouble: string | null;
    /** Whether a diff line was refused since it was read. */
    readonly incomplete: boolean;
  };
  readonly lastRound: RoundDocument | null;
  readonly lastChange: RoundDocument | null;
  readonly readBack: { readonly agoSec: number | null; readonly inSec: number | null };
  readonly operations: { readonly done: number; readonly refused: number };
  readonly failing: readonly FailureDocument[];
  readonly heldBack: { readonly maxDeletes: number; readonly deletions: readonly string[] } | null;
  readonly leftAlone: readonly LeftAloneDocument[];
  readonly draining: readonly DrainingDocument[];
  readonly drift: { readonly count: number; readonly agoSec: number | null };
  readonly latency: {
    readonly count: number;
    readonly medianMs: number | null;
    readonly p99Ms: number | null;
  };
  readonly settings: {
    readonly syncRole: WantedRole | null;
    readonly failure: Omit<FailureDocument, 'virtual'> | null;
  };
  /** Why there are no figures of virtuals. */
  readonly trafficTrouble: string | null;
  readonly virtuals: readonly VirtualStatus[];
}

export type StatusHead = Omit<StatusDocument, 'virtuals'>;

export interface RoundDocument {
  readonly agoSec: number;
  /** Whether the whole table was read. */
  readonly whole: boolean;
  readonly operations: number;
  readonly refused: number;
  readonly durationMs: number;
}

export interface FailureDocument {
  /** null for the table as a whole. */
  readonly virtual: string | null;
  readonly reason: string;
  readonly sinceSec: number;
  readonly retryInSec: number;
}

export interface LeftAloneDocument {
  readonly virtual: string;
  readonly reason: LeftAlone['reason'];
  readonly inSnapshot: boolean;
}

export interface DrainingDocument {
  readonly virtual: string;
  readonly real: string;
  readonly sinceSec: number;
  readonly timeoutSec: number;
  /** null where they could not be read. */
  readonly connections: Connections | null;
  /** Whether it may go, but could not be deleted yet. */
  readonly drained: boolean;
}

export function statusDocument(facts: StatusFacts): StatusDocument {
  return { ...statusHead(facts), virtuals: [...virtualStatuses(facts.follow.virtuals, facts.traffic)] };
}

/** All but the virtuals, which may be many. */
export function statusHead(facts: StatusFacts): StatusHead {
  const { follow, backend, traffic } = facts;
  const { nowMs, progress, virtuals } = follow;
  const trafficTrouble = typeof traffic === 'string' ? traffic : null;
  return {
    version: STATUS_VERSION,
    programVersion: facts.programVersion,
    pid: facts.pid,
    time: facts.wallNow.toISOString(),
    uptimeSec: rounded(facts.uptimeSec),
    ...tableOf(backend),
    asDesired: isAsDesired(follow) && trafficTrouble === null,
    snapshot: {
      file: facts.snapshotFile,
      generation: follow.generation ?? null,
      virtuals: virtuals.length,
      reals: virtuals.reduce((sum, { reals }) => sum + reals.length, 0),
      trouble: follow.trouble ?? null,
      incomplete: follow.isIncomplete,
    },
    lastRound: roundDocument(progress.last, nowMs),
    lastChange: roundDocument(progress.lastChange, nowMs),
    readBack: { agoSec: ago(progress.readBackAtMs, nowMs), inSec: until(follow.nextReadBackAtMs, nowMs) },
    operations: { done: progress.counts.operations, refused: progress.counts.refused },
    failing: follow.failing.map(({ name, reason, sinceMs }) => ({
      virtual: name === WHOLE_TABLE ? null : name,
      ...failureDocument(reason, sinceMs, follow.retryAtMs, nowMs),
    })),
    heldBack: follow.heldBack ?? null,
    leftAlone: follow.leftAlone.map(({ service, reason, isDesired }) => ({
      virtual: describeService(service),
      reason,
      inSnapshot: isDesired,
    })),
    draining: drainingOf(facts),
    drift: { count: follow.driftCount, agoSec: ago(progress.driftAtMs, nowMs) },
    latency: {
      count: follow.latency.count,
      medianMs: follow.latency.medianMs ?? null,
      p99Ms: follow.latency.p99Ms ?? null,
    },
    settings: settingsOf(facts),
    trafficTrouble,
  };
}

function tableOf(backend: Backend): Pick<StatusDocument, 'table' | 'netns'> {
  if (backend.kind === 'kernel') return { table: 'kernel', netns: backend.netns ?? null };
  return { table: backend.file === undefined ? 'memory' : `memory:${backend.file}`, netns: null };
}

/** What drains and what is left alone on purpose is as desired. */
function isAsDesired({ trouble, isIncomplete, failing, settingsFailure, heldBack }: FollowStatus): boolean {
  return trouble === undefined && !isIncomplete && failing.length === 0 && !settingsFailure && !heldBack;
}

function settingsOf({ syncRole, follow }: StatusFacts): StatusDocument['settings'] {
  const { settingsFailure: failure, settingsRetryAtMs, nowMs } = follow;
  return {
    syncRole: syncRole ?? null,
    failure: failure ? failureDocument(failure.reason, failure.sinceMs, settingsRetryAtMs, nowMs) : null,
  };
}

function roundDocument(round: RoundFigures | undefined, nowMs: number): RoundDocument | null {
  if (!round) return null;
  const { endedAtMs, isWhole, operations, refused, durationMs } = round;
  const figures = { operations, refused, durationMs: rounded(durationMs) };
  return { agoSec: seconds(nowMs - endedAtMs), whole: isWhole, ...figures };
}

function failureDocument(
  reason: string,
  sinceMs: number,
  retryAtMs: number,
  nowMs: number,
): Omit<FailureDocument, 'virtual'> {
  return { reason, sinceSec: seconds(nowMs - sinceMs), retryInSec: until(retryAtMs, nowMs) ?? 0 };
}

function drainingOf({ follow: { drains, nowMs }, traffic }: StatusFacts): readonly DrainingDocument[] {
  if (drains.length === 0) return [];
  const connections = new ConnectionsIndex(traffic);
  return drains.map((drain) => drainingDocument(drain, connections, nowMs));
}

function drainingDocument(drain: Drain, connections: ConnectionsIndex, nowMs: number): DrainingDocument {
  const { service, destination, sinceMs, timeoutSec, isOver } = drain;
  return {
    virtual: describeService(service),
    real: describeDestination(destination),
    sinceSec: seconds(nowMs - sinceMs),
    timeoutSec,
    connections: connections.find(service, destination) ?? null,
    drained: isOver,
  };
}

function ago(atMs: number | undefined, nowMs: number): number | null {
  return atMs === undefined ? null : seconds(nowMs - atMs);
}

function until(atMs: number, nowMs: number): number | null {
  return Number.isFinite(atMs) ? seconds(Math.max(0, atMs - nowMs)) : null;
}

function seconds(ms: number): number {
  return rounded(ms / 1000);
}

/** To a tenth. */
function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
