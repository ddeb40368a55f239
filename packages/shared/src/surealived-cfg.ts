/**
 * surealived.cfg: `key value` lines, `#` comments, unknown keys ignored (spec section 2), but for a warning where one looks
 * like a known key misspelt.
 *
 * @module
 */
import { isMulticast, parseAddress } from './address.js';
import { besideErrors, ConfigError, type Problem } from './errors.js';
import { LOG_FORMATS, LOG_LEVELS } from './log-level.js';
import { MAX_PORT } from './model.js';
import { nearestName } from './nearest-name.js';
import { parseServiceName } from './service-names.js';
import { parseInteger } from './snapshot/fields.js';
import { readMixedTextFile } from './text-file.js';

export const DEFAULT_CONFIG_PATH = '/etc/surealived/surealived.cfg';
/** A config is a page of text; anything larger is not one. */
const MAX_CONFIG_BYTES = 1 << 20;
/** What a reader puts in the place of bytes that are not UTF-8; they are nobody's business in a comment. */
const NOT_UTF8 = '\ufffd';

/** How a key's text becomes its value; `expected` completes "expected …" in an error. */
interface Key<T> {
  readonly default: T;
  /** For the manual; what stands in backticks is literal. */
  readonly description: string;
  readonly expected: string;
  readonly parse: (text: string) => T | undefined;
  /** The default as the file would have it, where that is not plain. */
  readonly defaultText?: string;
  /** The part of a refused text that is wrong, where that is not all of it. */
  readonly culprit?: (text: string) => string | undefined;
}

const text = (fallback: string, description: string): Key<string> => ({
  default: fallback,
  description,
  expected: 'a text',
  parse: (value) => value,
});
/** Empty where none is the default: leaving the value away says the same. */
const path = (fallback: string, description: string): Key<string> => ({
  ...text(fallback, description),
  expected: 'a path',
});
/** A path that is written into a line format, where white space would end it. */
const tokenPath = (fallback: string, description: string): Key<string> => ({
  ...path(fallback, description),
  expected: 'a path without white space',
  parse: (value) => (/\s/.test(value) ? undefined : value),
});
const integer = (
  fallback: number,
  [min, max]: readonly [number, number],
  description: string,
): Key<number> => ({
  default: fallback,
  description,
  expected: `an integer ${min}..${max}`,
  parse: (value) => parseInteger(value, min, max),
});
/** The original's rule: true is whatever begins with t or T. */
const flag = (fallback: boolean, description: string): Key<boolean> => ({
  default: fallback,
  description,
  expected: 'true or false',
  parse: (value) => /^t/i.test(value),
});
const choice = <T extends string>(fallback: T, values: readonly T[], description: string): Key<T> => ({
  default: fallback,
  description,
  expected: `one of ${values.join(', ')}`,
  parse: (value) => values.find((candidate) => candidate === value.toLowerCase()),
});
const ipAddress = (fallback: string, description: string): Key<string> => ({
  default: fallback,
  description,
  expected: 'an IP address',
  parse: (value) => parseAddress(value)?.text,
});

const multicastGroup = (fallback: string, description: string): Key<string> => ({
  default: fallback,
  description,
  expected: 'a multicast address',
  parse: (value) => {
    const address = parseAddress(value);
    return address && isMulticast(address) ? address.text : undefined;
  },
});
/** What Linux takes for the name of a network interface, or none. */
const networkInterface = (description: string): Key<string> => ({
  ...text('', description),
  expected: 'the name of a network interface',
  parse: (value) => (/^[^\s/:]{0,15}$/.test(value) ? value : undefined),
});
/** 0, or a number within limits. */
const integerOrZero = (range: readonly [number, number], description: string): Key<number> => {
  const key = integer(0, range, description);
  return {
    ...key,
    expected: `0 or ${key.expected}`,
    parse: (value) => (value === '0' ? 0 : key.parse(value)),
  };
};

/** A Unix socket, or none: its address holds a path of so many bytes, and a NUL. */
const MAX_SOCKET_PATH_BYTES = 107;
const socketPath = (description: string): Key<string> => ({
  ...path('', description),
  expected: `an absolute path of at most ${MAX_SOCKET_PATH_BYTES} bytes`,
  parse: (value) =>
    value === '' || (value.startsWith('/') && Buffer.byteLength(value) <= MAX_SOCKET_PATH_BYTES)
      ? value
      : undefined,
});
/** One that is there by default; `none` becomes empty. */
const ownSocketPath = (fallback: string, description: string): Key<string> => {
  const key = socketPath(description);
  return {
    ...key,
    default: fallback,
    expected: `none or ${key.expected}`,
    parse: (value) => (value === 'none' ? '' : key.parse(value)),
  };
};
const splitList = (value: string): readonly string[] => (value === '' ? [] : value.split(/\s*,\s*/));
const serviceNames = (description: string): Key<readonly string[]> => ({
  default: [],
  description,
  expected: 'virtuals such as tcp:192.0.2.1:80, udp:[2001:db8::1]:53 or fwmark:7, separated by commas',
  parse: (value) => {
    const names = splitList(value).map(parseServiceName);
    return names.every((name) => name !== undefined) ? names : undefined;
  },
  culprit: (value) => splitList(value).find((part) => parseServiceName(part) === undefined),
});
/** `none` is no limit. */
const limit = (max: number, description: string): Key<number> => ({
  default: Number.POSITIVE_INFINITY,
  defaultText: 'none',
  description,
  expected: `none or an integer 0..${max}`,
  parse: (value) => parseLimit(value, max),
});
const permissions = (fallback: number, description: string): Key<number> => ({
  default: fallback,
  defaultText: `0${fallback.toString(8)}`,
  description,
  expected: 'permissions in octal digits, such as 0660',
  parse: (value) => (/^0?[0-7]{3}$/.test(value) ? Number.parseInt(value, 8) : undefined),
});

/** Reads `none` or 0..max. */
export function parseLimit(value: string, max = MAX_LIMIT): number | undefined {
  return value === 'none' ? Number.POSITIVE_INFINITY : parseInteger(value, 0, max);
}

const MAX_LIMIT = 1_000_000;
const MAX_INTERVAL_MS = 3_600_000;
const MAX_INTERVAL_SEC = 86_400;
/** What every kernel takes: it counts in ticks of a thousandth of a second at the shortest, in 31 bits. */
const MAX_IPVS_TIMEOUT_SEC = 2_147_483;
/** What a backup must be able to receive, and what fits into the largest packet. */
const SYNC_MAXLEN_BYTES = [1024, 65_507] as const;

/** Which connection sync daemons of the kernel run. */
export const SYNC_ROLES = ['none', 'master', 'backup', 'both'] as const;
export type SyncRole = (typeof SYNC_ROLES)[number];

/** Every key with its default; names are those of the file. */
export const CONFIG_KEYS = {
  maxfd: integer(
    1024,
    [64, 10_000_000],
    'Open files to ask the system for. A test takes one; 208 are kept for everything else, and two for each of `max_tasks`, but three quarters at most. More tests at a time wait for their turn. Sentinels take up to half of what is there for tests.',
  ),
  log: path(
    '/var/log/surealived/surealived.log',
    'Log file of `surealived -d`; `stderr` is none, for that of a daemon is closed.',
  ),
  use_log: flag(false, 'Whether the programs write their log files when they run as daemons.'),
  logging: choice(
    'info',
    LOG_LEVELS,
    'How much `surealived` logs: `error`, `warn`, `info`, `debug` or `dbdet`, each with what is before it.',
  ),
  log_format: choice(
    'auto',
    LOG_FORMATS,
    'Form of the log: `text`, `json`, or `auto`, which is text on a terminal, in the journal and in the log of a daemon, JSON lines elsewhere.',
  ),
  use_syslog: flag(false, 'Whether the programs log to syslog when they run as daemons.'),
  use_tm_in_syslog: flag(false, 'Whether lines to syslog have a time of their own, with milliseconds.'),
  syslog_socket: path('/dev/log', 'Datagram socket of the syslog daemon.'),
  ipvssync_log: path('/var/log/surealived/ipvssync.log', 'Log file of `ipvssync -d`, as `log`.'),
  ipvssync_logging: choice('debug', LOG_LEVELS, 'How much `ipvssync` logs, as `logging`.'),
  pid_file: path(
    '',
    'File for the process id of `surealived`: with `-d` that of the watchdog. A living process of the program in it keeps a second one from starting.',
  ),
  ipvssync_status_socket: ownSocketPath(
    '/run/surealived/ipvssync.sock',
    'Path of the Unix socket that `ipvssync --status` asks; `none` for no socket. Who may write to it may ask: the user of `ipvssync` and its group. The directory is made where only that is missing.',
  ),
  ipvssync_pid_file: path('', 'The same for `ipvssync`.'),
  modules_path: path(
    '/usr/lib/surealived/modules/',
    'Directory of further testers, a file for each; see surealived.xml(5).',
  ),
  modules: text(
    'all',
    'Testers that there shall be: `all`, or names separated by commas; the built-in ones need naming too, but for `no-test`.',
  ),
  workers: integer(
    0,
    [0, 64],
    'Threads that make the tests, each those of its own virtuals: worthwhile where the tests take more than one processor. With 0 the main thread makes them. `maxfd` and `max_tasks` are divided among them.',
  ),
  epoll_size: integer(256, [1, 65_536], 'Network events taken at a time.'),
  loop_interval_ms: integer(100, [1, MAX_INTERVAL_MS], 'Accepted, as SureAliveD has it; without effect.'),
  epoll_interval_ms: integer(
    10,
    [1, MAX_INTERVAL_MS],
    'Resolution of the timers of tests, in milliseconds; more than 50 counts as 50.',
  ),
  startup_delay_ms: integer(
    1000,
    [0, MAX_INTERVAL_MS],
    'The first tests of a virtual begin at random within this time, and those of its reals are spread over it, in milliseconds.',
  ),
  max_tasks: integer(
    64,
    [1, 10_000],
    'Tests at a time that are programs or have their own connection, such as those of `exec`. They take two open files each and get a quarter of all at most: more wait for their turn.',
  ),
  share_probes: flag(
    false,
    'Whether tests that are identical are made once for all reals that want them, in whichever virtuals these are.',
  ),
  notify_timeout_sec: integer(
    600,
    [1, MAX_INTERVAL_SEC],
    'Seconds after which a program of a notification is killed, together with what it started. It holds one of 16 places until then.',
  ),
  debug_comm: integer(0, [0, 1], '1 to let testers with `debugcomm` dump their conversations.'),
  debug_comm_path: path(
    '/var/log/surealived/comm',
    'Directory of those dumps, one file for each real with its last test.',
  ),
  memlimit: integer(
    0,
    [0, Number.MAX_SAFE_INTEGER],
    'Memory in KB at which the watchdog starts `surealived` anew, or twice what it has when it begins, where that is more; 0 for none.',
  ),
  stats_dir: path('/var/log/surealived/stats', 'Directory of the statistics files.'),
  log_stats: flag(
    false,
    'Whether to write a file for each round of tests of a virtual, `sd_virtstats_NAME:PORT.EPOCH`; nothing removes them.',
  ),
  log_stats_combined: flag(false, 'Whether to append all rounds to one file, `sd_fullstats.log`.'),
  no_sync: flag(false, 'Whether to leave the hand-over files alone, as `surealived -n`.'),
  lock_sync_file: path('/var/lib/surealived/ipvsfull.lock', 'Lock of the hand-over files.'),
  full_sync_file: path('/var/lib/surealived/ipvsfull.cfg', 'The full snapshot.'),
  full_reload_file: path(
    '/var/lib/surealived/ipvsfull.reload',
    'The flag that tells `ipvssync` to read everything anew.',
  ),
  diff_sync_dir: tokenPath('/var/lib/surealived/diffs', 'Directory of the diff files.'),
  ipvs_timeout_tcp_sec: integer(
    0,
    [0, MAX_IPVS_TIMEOUT_SEC],
    'Seconds after which IPVS forgets a TCP connection without packets, as the first of `ipvsadm --set`; 0 leaves it as it is.',
  ),
  ipvs_timeout_tcp_fin_sec: integer(
    0,
    [0, MAX_IPVS_TIMEOUT_SEC],
    'The same after the FIN of a TCP connection, as the second of `ipvsadm --set`.',
  ),
  ipvs_timeout_udp_sec: integer(
    0,
    [0, MAX_IPVS_TIMEOUT_SEC],
    'The same for UDP, as the third of `ipvsadm --set`.',
  ),
  ipvs_sync_role: choice(
    'unmanaged',
    ['unmanaged', ...SYNC_ROLES],
    "Which of the kernel's connection sync daemons run: a `master`, which announces the connections of this machine, a `backup`, which takes over those of another, `both` or `none`; `unmanaged` leaves them as they are. `ipvssync --role` has precedence until the machine boots.",
  ),
  ipvs_sync_interface: networkInterface('Network interface of the sync daemons.'),
  ipvs_sync_id: integer(0, [0, 255], 'Id that master and backup share; a backup with 0 takes every id.'),
  ipvs_sync_group: multicastGroup(
    '224.0.0.81',
    'Multicast group of the sync daemons, IPv4 or IPv6, as a `master` sends to it and a `backup` hears it.',
  ),
  ipvs_sync_port: integer(8848, [1, MAX_PORT], 'UDP port of the sync daemons.'),
  ipvs_sync_ttl: integer(1, [1, 255], 'Routers that their packets may pass, and one more.'),
  ipvs_sync_maxlen_bytes: integerOrZero(
    SYNC_MAXLEN_BYTES,
    'Payload of their largest packet, in bytes. 0 for what the kernel chooses: of a `master` what fits into 1500 bytes, of a `backup` what fits into a packet of the interface.',
  ),
  ipvs_sync_role_file: path(
    '/var/lib/surealived/sync.role',
    'File of the role that `ipvssync --role` has set; dropped when the machine has booted since.',
  ),
  resync_interval_sec: integer(
    30,
    [0, MAX_INTERVAL_SEC],
    'Seconds after which `ipvssync` reads the whole table back and repairs what somebody else changed; 0 for never.',
  ),
  protect: serviceNames(
    'Services of the table that `ipvssync` never touches, whether the snapshot has them or not; a mark stands for both families.',
  ),
  max_deletes: limit(
    MAX_LIMIT,
    'How many services and reals `ipvssync` may delete at a time, a service together with its reals; see ipvssync(8) on what happens with more.',
  ),
  use_offline_dump: flag(
    true,
    'Whether to keep in `offline_dump` which reals are offline, and to begin with that after a restart.',
  ),
  offline_dump: path('/var/lib/surealived/offline.dump', 'File of the offline reals.'),
  override_dump: path(
    '/var/lib/surealived/override.dump',
    'File of what the operator set: states and weights.',
  ),
  notify_dump: path(
    '/var/lib/surealived/notify.dump',
    "File of the virtuals' last notifications; dropped when the machine has booted since.",
  ),
  gather_stats: flag(true, 'Whether to keep the times and counts that `connstats` shows.'),
  stats_dump: path('/var/lib/surealived/stats.dump', 'File of those times and counts.'),
  stats_dump_savesec: integer(
    60,
    [1, MAX_INTERVAL_SEC],
    'Seconds from one writing of `stats_dump` to the next.',
  ),
  listen_addr: ipAddress(
    '127.0.0.1',
    'Address of the admin socket. It knows no passwords: leave it on loopback.',
  ),
  listen_port: integer(1337, [0, MAX_PORT], 'Port of the admin socket; 0 for any that is free.'),
  listen_socket: socketPath('Path of a Unix socket for the same commands, beside the port.'),
  listen_socket_mode: permissions(0o660, 'Permissions of that socket, in octal digits.'),
} as const;

type KeyName = keyof typeof CONFIG_KEYS;
/** The configuration, under the names of the file. */
export type SurealivedConfig = {
  readonly [K in KeyName]: (typeof CONFIG_KEYS)[K] extends Key<infer T> ? T : never;
};

export interface LoadedConfig {
  readonly config: SurealivedConfig;
  /** Lines that are ignored although they look like a known key misspelt. */
  readonly warnings: readonly Problem[];
}

/**
 * Reads a configuration text.
 *
 * @param content The whole file; the last of repeated keys holds.
 * @throws ConfigError with every problem of the file.
 */
export function parseConfig(content: string, file: string): LoadedConfig {
  const config: Record<string, unknown> = {};
  for (const [name, key] of Object.entries(CONFIG_KEYS)) config[name] = key.default;
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  let roleLine = 0;
  for (const [index, text] of content.split('\n').entries()) {
    const [, name, value = ''] = /^\s*([^\s#]\S*)\s*(.*?)\s*$/.exec(text) ?? [];
    if (name === undefined) continue;
    const line = index + 1;
    if (!Object.hasOwn(CONFIG_KEYS, name)) {
      const nearest = nearestName(name, Object.keys(CONFIG_KEYS));
      if (nearest !== undefined)
        warnings.push({ file, line, message: `${name}: not known here, did you mean "${nearest}"?` });
      continue;
    }
    if (value.includes(NOT_UTF8)) {
      problems.push({ file, line, message: `${name}: expected UTF-8 text, got "${value}"` });
      continue;
    }
    if (name === 'ipvs_sync_role') roleLine = line;
    const key: Key<unknown> = CONFIG_KEYS[name as KeyName];
    const mayBeEmpty = key.default === '' || Array.isArray(key.default);
    const parsed = value === '' && !mayBeEmpty ? undefined : key.parse(value);
    if (parsed === undefined) {
      problems.push({
        file,
        line,
        message: `${name}: expected ${key.expected}, got "${key.culprit?.(value) ?? value}"`,
      });
    } else config[name] = parsed;
  }
  if (needsInterface(config.ipvs_sync_role as string) && config.ipvs_sync_interface === '') {
    const message = `ipvs_sync_role: ${config.ipvs_sync_role} needs ipvs_sync_interface, which is not given`;
    problems.push({ file, line: roleLine, message });
  }
  if (problems.length > 0) throw new ConfigError(besideErrors(problems, warnings));
  return { config: config as SurealivedConfig, warnings };
}

/** Whether a role runs any daemon, which has to be told its interface. */
function needsInterface(role: string): boolean {
  return role !== 'unmanaged' && role !== 'none';
}

/** @throws ConfigError, also where the file cannot be read. */
export function loadConfig(file: string): LoadedConfig {
  return parseConfig(readMixedTextFile(file, MAX_CONFIG_BYTES), file);
}
