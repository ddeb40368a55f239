/**
 * What IPVS holds beside its table: connection timeouts, and the daemons that hand connections to another director.
 *
 * Pure but for the interface: what is wanted and what is there become a list of changes, empty when nothing differs.
 *
 * @module
 */
import { type Address, formatEndpoint } from '@surealived/shared/address';
import type { OperationResult } from './operation-result.js';

/** Seconds after which a connection without packets is forgotten. */
export interface Timeouts {
  readonly tcpSec: number;
  /** After the FIN. */
  readonly tcpFinSec: number;
  readonly udpSec: number;
}

/** A master announces connections, a backup takes them over; the kernel can run one of each. */
export type SyncState = 'master' | 'backup';

/** A daemon of the kernel. */
export interface SyncDaemon {
  readonly state: SyncState;
  /** Name of the network interface. */
  readonly device: string;
  /** 0..255; a backup takes what carries its own, and with 0 everything. */
  readonly syncId: number;
  readonly group: Address;
  readonly port: number;
  readonly ttl: number;
  /** Largest message, in bytes of UDP payload; 0, when starting, for what fits into the interface's packets. */
  readonly maxlenBytes: number;
}

export interface Settings {
  readonly timeouts: Timeouts;
  /** At most one of each state. */
  readonly daemons: readonly SyncDaemon[];
}

export interface WantedSettings {
  /** 0 leaves a timeout as it is. */
  readonly timeouts: Timeouts;
  /** Exactly these; `undefined` leaves all as they are. */
  readonly daemons: readonly SyncDaemon[] | undefined;
}

export type SettingsChange =
  | { readonly kind: 'setTimeouts'; readonly timeouts: Timeouts; readonly before: Timeouts }
  | { readonly kind: 'startDaemon'; readonly daemon: SyncDaemon }
  | { readonly kind: 'stopDaemon'; readonly daemon: SyncDaemon };

/** Where the settings are kept. Calls must not overlap, also not with those of the table beside. */
export interface SettingsStore {
  /** @throws SureAliveError where they cannot be read now. */
  read(): Promise<Settings>;
  /** @throws SureAliveError where the outcome is unknown. */
  apply(change: SettingsChange): Promise<OperationResult>;
}

/** Whether anything is wanted at all. */
export function wantsAnything({ timeouts, daemons }: WantedSettings): boolean {
  return daemons !== undefined || Object.values(timeouts).some((seconds) => seconds > 0);
}

/**
 * What makes the settings as wanted. A daemon cannot be changed while it runs: it is stopped and started. What is to be
 * started comes before what is to be stopped for good, so that a failed start leaves the old role in force.
 */
export function planSettings(wanted: WantedSettings, actual: Settings): SettingsChange[] {
  const changes: SettingsChange[] = [];
  const timeouts = overlay(wanted.timeouts, actual.timeouts);
  if (TIMEOUT_NAMES.some(([key]) => timeouts[key] !== actual.timeouts[key]))
    changes.push({ kind: 'setTimeouts', timeouts, before: actual.timeouts });
  if (!wanted.daemons) return changes;
  for (const daemon of wanted.daemons) {
    const running = actual.daemons.find(({ state }) => state === daemon.state);
    if (running && isAsWanted(daemon, running)) continue;
    if (running) changes.push({ kind: 'stopDaemon', daemon: running });
    changes.push({ kind: 'startDaemon', daemon });
  }
  const states = new Set(wanted.daemons.map(({ state }) => state));
  for (const daemon of actual.daemons)
    if (!states.has(daemon.state)) changes.push({ kind: 'stopDaemon', daemon });
  return changes;
}

/** One line in the form of a plan: `~ timeouts udp 300s -> 60s`, `+ sync daemon master on eth0 syncid 5 …`. */
export function describeSettingsChange(change: SettingsChange): string {
  switch (change.kind) {
    case 'setTimeouts':
      return `~ timeouts ${describeTimeouts(change.before, change.timeouts)}`;
    case 'startDaemon':
      return `+ ${describeDaemon(change.daemon)}`;
    case 'stopDaemon':
      return `- ${describeDaemon(change.daemon)}`;
  }
}

/** What was tried, the errno, and what it means here. */
export function describeSettingsRefusal(change: SettingsChange, errno: string): string {
  const meaning = explainErrno(change, errno);
  const attempt =
    change.kind === 'setTimeouts'
      ? `set timeouts ${describeTimeouts(change.before, change.timeouts)}`
      : `${change.kind === 'startDaemon' ? 'start' : 'stop'} ${describeDaemon(change.daemon)}`;
  return `${attempt}: ${errno}${meaning === undefined ? '' : ` (${meaning})`}`;
}

const TIMEOUT_NAMES = [
  ['tcpSec', 'tcp'],
  ['tcpFinSec', 'tcp_fin'],
  ['udpSec', 'udp'],
] as const satisfies readonly (readonly [keyof Timeouts, string])[];

function overlay(wanted: Timeouts, actual: Timeouts): Timeouts {
  return {
    tcpSec: wanted.tcpSec || actual.tcpSec,
    tcpFinSec: wanted.tcpFinSec || actual.tcpFinSec,
    udpSec: wanted.udpSec || actual.udpSec,
  };
}

function isAsWanted(wanted: SyncDaemon, running: SyncDaemon): boolean {
  return (
    wanted.device === running.device &&
    wanted.syncId === running.syncId &&
    wanted.group.text === running.group.text &&
    wanted.port === running.port &&
    wanted.ttl === running.ttl &&
    (wanted.maxlenBytes === 0 || wanted.maxlenBytes === running.maxlenBytes)
  );
}

function describeTimeouts(before: Timeouts, after: Timeouts): string {
  return TIMEOUT_NAMES.filter(([key]) => before[key] !== after[key])
    .map(([key, name]) => `${name} ${before[key]}s -> ${after[key]}s`)
    .join(' ');
}

function describeDaemon({ state, device, syncId, group, port, ttl, maxlenBytes }: SyncDaemon): string {
  const maxlen = maxlenBytes === 0 ? '' : ` maxlen ${maxlenBytes}`;
  return `sync daemon ${state} on ${device} syncid ${syncId} group ${formatEndpoint(group, port)} ttl ${ttl}${maxlen}`;
}

function explainErrno(change: SettingsChange, errno: string): string | undefined {
  switch (errno) {
    case 'ENODEV':
      return 'no such network interface';
    case 'EEXIST':
      return 'it runs already';
    case 'ESRCH':
      return 'it does not run';
    case 'EPERM':
      return 'needs CAP_NET_ADMIN';
    case 'EADDRNOTAVAIL':
    case 'ENETUNREACH':
      return 'the interface has no address of this IP version';
    case 'EINVAL':
      return change.kind === 'startDaemon'
        ? 'the group is no multicast address, or a service has reals of the other IP version'
        : undefined;
    default:
      return undefined;
  }
}
