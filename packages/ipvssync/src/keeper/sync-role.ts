/**
 * Who decides which sync daemons run: the configuration, until `--role` commands something else.
 *
 * A command is kept in a file, so that neither a restart of ipvssync nor its next look at the kernel undoes it. It holds
 * until the machine boots: then no daemon runs, and whoever elects a master is started anew, too.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { parseAddress } from '@surealived/shared/address';
import { replaceFile } from '@surealived/shared/atomic-file';
import { ConfigError } from '@surealived/shared/errors';
import { isOneOf } from '@surealived/shared/model';
import { type SurealivedConfig, SYNC_ROLES, type SyncRole } from '@surealived/shared/surealived-cfg';
import { readBytes } from '@surealived/shared/text-file';
import type { SyncDaemon, SyncState, WantedSettings } from '../ipvs/settings.js';

const MAX_FILE_BYTES = 4096;
const LINE = /^role=(\S+) boot_id=(\S*)\n$/;
const STATES: Readonly<Record<SyncRole, readonly SyncState[]>> = {
  none: [],
  master: ['master'],
  backup: ['backup'],
  both: ['master', 'backup'],
};
/** What the largest packet has left beside the headers, by IP version: the kernel cuts what is above. */
const LARGEST_MAXLEN_BYTES = { 4: 65_507, 6: 65_487 } as const;

/** `unmanaged` leaves the daemons as they are. */
export type WantedRole = SyncRole | 'unmanaged';

/**
 * The settings as they should be now.
 *
 * @throws ConfigError where the role cannot be read, or has no interface to run on.
 */
export function wantedSettings(config: SurealivedConfig): WantedSettings {
  return {
    timeouts: {
      tcpSec: config.ipvs_timeout_tcp_sec,
      tcpFinSec: config.ipvs_timeout_tcp_fin_sec,
      udpSec: config.ipvs_timeout_udp_sec,
    },
    daemons: wantedDaemons(config),
  };
}

/** The role that is wanted now. @throws ConfigError where what `--role` has set cannot be read. */
export function wantedRole({ ipvs_sync_role_file, ipvs_sync_role }: SurealivedConfig): WantedRole {
  return readCommandedRole(ipvs_sync_role_file) ?? ipvs_sync_role;
}

/** What `--role` has set since the machine was booted. @throws ConfigError where the file cannot be understood. */
export function readCommandedRole(file: string): SyncRole | undefined {
  const content = readIfThere(file);
  if (content === undefined) return undefined;
  const [, role = '', bootId] = LINE.exec(content) ?? [];
  if (!isOneOf(SYNC_ROLES, role))
    throw new ConfigError([
      { file, line: 1, message: 'expected what "ipvssync --role" writes; run it again' },
    ]);
  return bootId === readBootId() ? role : undefined;
}

/** One writer at a time. @throws The error of the file system. */
export async function writeCommandedRole(file: string, role: SyncRole): Promise<void> {
  await replaceFile(file, `role=${role} boot_id=${readBootId()}\n`);
}

function wantedDaemons(config: SurealivedConfig): readonly SyncDaemon[] | undefined {
  const { ipvs_sync_role_file, ipvs_sync_interface } = config;
  const role = wantedRole(config);
  if (role === 'unmanaged') return undefined;
  const states = STATES[role];
  if (states.length > 0 && ipvs_sync_interface === '') {
    const message = `role ${role} needs ipvs_sync_interface in surealived.cfg, which is not given`;
    throw new ConfigError([{ file: ipvs_sync_role_file, line: 1, message }]);
  }
  return states.map((state) => daemonOf(config, state));
}

function daemonOf(config: SurealivedConfig, state: SyncState): SyncDaemon {
  const group = parseAddress(config.ipvs_sync_group);
  if (!group) throw new Error(`${config.ipvs_sync_group} was not checked`);
  return {
    state,
    device: config.ipvs_sync_interface,
    syncId: config.ipvs_sync_id,
    group,
    port: config.ipvs_sync_port,
    ttl: config.ipvs_sync_ttl,
    maxlenBytes: Math.min(config.ipvs_sync_maxlen_bytes, LARGEST_MAXLEN_BYTES[group.family]),
  };
}

/** @throws ConfigError where it is there and cannot be read. */
function readIfThere(file: string): string | undefined {
  try {
    return readBytes(file, MAX_FILE_BYTES)?.toString() ?? '';
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new ConfigError([{ file, line: 0, message }]);
  }
}

function readBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
