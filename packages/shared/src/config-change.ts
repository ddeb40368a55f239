import { isDeepStrictEqual } from 'node:util';
import type { SurealivedConfig } from './surealived-cfg.js';

type KeyName = keyof SurealivedConfig;

/** What `ipvssync` alone may do with the table and when, beside the keys that begin with `ipvs`. */
const OF_THE_TABLE: readonly KeyName[] = ['resync_interval_sec', 'protect', 'max_deletes'];
/** Keys that are for both programs. */
const OF_BOTH: readonly KeyName[] = [
  'use_log',
  'log_format',
  'use_syslog',
  'use_tm_in_syslog',
  'syslog_socket',
  'lock_sync_file',
  'full_sync_file',
  'full_reload_file',
  'diff_sync_dir',
];

/** The keys of one program that now say something else than before. Pure. */
export function changedKeys(
  program: 'surealived' | 'ipvssync',
  before: SurealivedConfig,
  now: SurealivedConfig,
): readonly KeyName[] {
  const names = Object.keys(now) as KeyName[];
  return names.filter((name) => concerns(program, name) && !isDeepStrictEqual(before[name], now[name]));
}

/** `maxfd: takes effect after a restart` */
export function describeRestartNeed(name: KeyName): string {
  return `${name}: takes effect after a restart`;
}

/** Whether a key says how the table, timeouts and sync daemons shall be: `ipvssync` takes that over while it runs. */
export function isOfTheTable(name: KeyName): boolean {
  return name.startsWith('ipvs_') || OF_THE_TABLE.includes(name);
}

function concerns(program: 'surealived' | 'ipvssync', name: KeyName): boolean {
  const isOfIpvssync = name.startsWith('ipvs') || OF_THE_TABLE.includes(name);
  return OF_BOTH.includes(name) || isOfIpvssync === (program === 'ipvssync');
}
