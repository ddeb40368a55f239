import { existsSync } from 'node:fs';
import { isMulticast } from '@surealived/shared/address';
import type { OperationResult } from '../ipvs/operation-result.js';
import type { Settings, SettingsChange, SettingsStore, SyncDaemon } from '../ipvs/settings.js';

/** What a kernel begins with. */
export const INITIAL_SETTINGS: Settings = {
  timeouts: { tcpSec: 900, tcpFinSec: 120, udpSec: 300 },
  daemons: [],
};

/** What the settings ask of their surroundings. */
export interface Surroundings {
  /** Whether a service has destinations of the other IP version, which the synchronisation protocol cannot tell. */
  readonly hasMixedFamilies: () => boolean;
  readonly onChange: () => Promise<void>;
}

/** INT_MAX / HZ, for the shortest tick a kernel may have. */
const MAX_TIMEOUT_SEC = 2_147_483;
/** IP and UDP header, by IP version. */
const HEADER_BYTES = { 4: 28, 6: 48 } as const;
/** Of an interface, and the most that IP can carry. */
const USUAL_MTU = 1500;
const LARGEST_MTU = 65_535;
const BACKUP_MIN_MAXLEN = 1024;

/** The settings of an IPVS in this process. It refuses what net/netfilter/ipvs/ip_vs_ctl.c and ip_vs_sync.c refuse. */
export class MemorySettings implements SettingsStore {
  readonly #surroundings: Surroundings;
  #current: Settings;

  constructor(surroundings: Surroundings, initial: Settings = INITIAL_SETTINGS) {
    this.#surroundings = surroundings;
    this.#current = initial;
  }

  get current(): Settings {
    return this.#current;
  }

  async read(): Promise<Settings> {
    return this.#current;
  }

  async apply(change: SettingsChange): Promise<OperationResult> {
    const errno = findSettingsRefusal(this.#current, change, this.#surroundings.hasMixedFamilies());
    if (errno !== undefined) return { ok: false, errno };
    this.#current = changed(this.#current, change);
    await this.#surroundings.onChange();
    return { ok: true };
  }
}

/** The errno with which the kernel would refuse a change, or `undefined` where it would carry it out. */
export function findSettingsRefusal(
  { daemons }: Settings,
  change: SettingsChange,
  hasMixedFamilies = false,
): string | undefined {
  if (change.kind === 'setTimeouts')
    return Object.values(change.timeouts).some((seconds) => seconds > MAX_TIMEOUT_SEC) ? 'EINVAL' : undefined;
  const { state, group, device } = change.daemon;
  const isRunning = daemons.some((daemon) => daemon.state === state);
  if (change.kind === 'stopDaemon') return isRunning ? undefined : 'ESRCH';
  if (!isMulticast(group) || hasMixedFamilies) return 'EINVAL';
  if (!existsSync(`/sys/class/net/${device}`)) return 'ENODEV';
  return isRunning ? 'EEXIST' : undefined;
}

/** The settings after a change that was not refused. */
export function changed(settings: Settings, change: SettingsChange): Settings {
  if (change.kind === 'setTimeouts') {
    const { tcpSec, tcpFinSec, udpSec } = settings.timeouts;
    const timeouts = {
      tcpSec: change.timeouts.tcpSec || tcpSec,
      tcpFinSec: change.timeouts.tcpFinSec || tcpFinSec,
      udpSec: change.timeouts.udpSec || udpSec,
    };
    return { ...settings, timeouts };
  }
  const others = settings.daemons.filter(({ state }) => state !== change.daemon.state);
  if (change.kind === 'stopDaemon') return { ...settings, daemons: others };
  const all = [...others, withMaxlen(change.daemon)];
  return { ...settings, daemons: all.sort((a, b) => (a.state > b.state ? -1 : 1)) }; // the master first
}

/** On an interface with Ethernet's packet size, which is what a backup goes by where nothing is asked for. */
function withMaxlen(daemon: SyncDaemon): SyncDaemon {
  const headers = HEADER_BYTES[daemon.group.family];
  if (daemon.maxlenBytes === 0) return { ...daemon, maxlenBytes: USUAL_MTU - headers };
  const smallest = daemon.state === 'backup' ? BACKUP_MIN_MAXLEN : 1;
  const maxlenBytes = Math.min(Math.max(daemon.maxlenBytes, smallest), LARGEST_MTU - headers);
  return { ...daemon, maxlenBytes };
}
