/**
 * surealived.cfg: `key value` lines, `#` comments, unknown keys ignored (spec section 2).
 *
 * @module
 */
import { parseAddress } from './address.js';
import { ConfigError, type Problem } from './errors.js';
import { LOG_FORMATS, LOG_LEVELS } from './log-level.js';
import { MAX_PORT } from './model.js';
import { parseInteger } from './snapshot/fields.js';
import { readTextFile } from './text-file.js';

export const DEFAULT_CONFIG_PATH = '/etc/surealived/surealived.cfg';
/** A config is a page of text; anything larger is not one. */
const MAX_CONFIG_BYTES = 1 << 20;

/** How a key's text becomes its value; `expected` completes "expected …" in an error. */
interface Key<T> {
  readonly default: T;
  readonly expected: string;
  readonly parse: (text: string) => T | undefined;
}

const text = (fallback: string): Key<string> => ({
  default: fallback,
  expected: 'a text',
  parse: (value) => value,
});
/** A path that is written into a line format, where white space would end it. */
const tokenPath = (fallback: string): Key<string> => ({
  default: fallback,
  expected: 'a path without white space',
  parse: (value) => (/\s/.test(value) ? undefined : value),
});
const integer = (fallback: number, min: number, max: number): Key<number> => ({
  default: fallback,
  expected: `an integer ${min}..${max}`,
  parse: (value) => parseInteger(value, min, max),
});
/** The original's rule: true is whatever begins with t or T. */
const flag = (fallback: boolean): Key<boolean> => ({
  default: fallback,
  expected: 'true or false',
  parse: (value) => /^t/i.test(value),
});
const choice = <T extends string>(fallback: T, values: readonly T[]): Key<T> => ({
  default: fallback,
  expected: `one of ${values.join(', ')}`,
  parse: (value) => values.find((candidate) => candidate === value.toLowerCase()),
});
const ipAddress = (fallback: string): Key<string> => ({
  default: fallback,
  expected: 'an IP address',
  parse: (value) => parseAddress(value)?.text,
});

const MAX_INTERVAL_MS = 3_600_000;

/** Every key with its default; names are those of the file. */
export const CONFIG_KEYS = {
  maxfd: integer(1024, 64, 10_000_000),
  log: text('/var/log/surealived/surealived.log'),
  use_log: flag(false),
  logging: choice('info', LOG_LEVELS),
  log_format: choice('auto', LOG_FORMATS),
  use_syslog: flag(false),
  use_tm_in_syslog: flag(false),
  ipvssync_log: text('/var/log/surealived/ipvssync.log'),
  ipvssync_logging: choice('debug', LOG_LEVELS),
  modules_path: text('/usr/lib/surealived/modules/'),
  modules: text('all'),
  epoll_size: integer(256, 1, 65_536),
  loop_interval_ms: integer(100, 1, MAX_INTERVAL_MS),
  epoll_interval_ms: integer(10, 1, MAX_INTERVAL_MS),
  startup_delay_ms: integer(1000, 0, MAX_INTERVAL_MS),
  max_tasks: integer(64, 1, 10_000),
  debug_comm: integer(0, 0, 1),
  debug_comm_path: text('/var/log/surealived/comm'),
  memlimit: integer(0, 0, Number.MAX_SAFE_INTEGER),
  stats_dir: text('/var/log/surealived/stats'),
  log_stats: flag(false),
  log_stats_combined: flag(false),
  no_sync: flag(false),
  lock_sync_file: text('/var/lib/surealived/ipvsfull.lock'),
  full_sync_file: text('/var/lib/surealived/ipvsfull.cfg'),
  full_reload_file: text('/var/lib/surealived/ipvsfull.reload'),
  diff_sync_dir: tokenPath('/var/lib/surealived/diffs'),
  use_offline_dump: flag(true),
  offline_dump: text('/var/lib/surealived/offline.dump'),
  override_dump: text('/var/lib/surealived/override.dump'),
  notify_dump: text('/var/lib/surealived/notify.dump'),
  gather_stats: flag(true),
  stats_dump: text('/var/lib/surealived/stats.dump'),
  stats_dump_savesec: integer(60, 1, MAX_INTERVAL_MS),
  listen_addr: ipAddress('127.0.0.1'),
  listen_port: integer(1337, 0, MAX_PORT),
} as const;

type KeyName = keyof typeof CONFIG_KEYS;
/** The configuration, under the names of the file. */
export type SurealivedConfig = {
  readonly [K in KeyName]: (typeof CONFIG_KEYS)[K] extends Key<infer T> ? T : never;
};

/**
 * Reads a configuration text.
 *
 * @param content The whole file; the last of repeated keys holds.
 * @throws ConfigError with every problem of the file.
 */
export function parseConfig(content: string, file: string): SurealivedConfig {
  const config: Record<string, unknown> = {};
  for (const [name, key] of Object.entries(CONFIG_KEYS)) config[name] = key.default;
  const problems: Problem[] = [];
  for (const [index, line] of content.split('\n').entries()) {
    const [, name, value = ''] = /^\s*([^\s#]\S*)\s*(.*?)\s*$/.exec(line) ?? [];
    if (name === undefined || !Object.hasOwn(CONFIG_KEYS, name)) continue;
    const key: Key<unknown> = CONFIG_KEYS[name as KeyName];
    const parsed = value === '' ? undefined : key.parse(value);
    if (parsed === undefined) {
      problems.push({ file, line: index + 1, message: `${name}: expected ${key.expected}, got "${value}"` });
    } else config[name] = parsed;
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return config as SurealivedConfig;
}

/** @throws ConfigError, also where the file cannot be read. */
export function loadConfig(file: string): SurealivedConfig {
  return parseConfig(readTextFile(file, MAX_CONFIG_BYTES), file);
}
