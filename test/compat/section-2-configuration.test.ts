import { CONFIG_KEYS, parseConfig } from '@surealived/shared/surealived-cfg';
import { expect } from 'vitest';
import { readFixture } from './kit.js';
import { prove } from './prove.js';

const FILE = 'surealived.cfg';
const read = (text: string) => parseConfig(text, FILE).config;

/** The table of the original, key by key. */
const DEFAULTS = {
  maxfd: 1024,
  log: '/var/log/surealived/surealived.log',
  use_log: false,
  logging: 'info',
  use_syslog: false,
  use_tm_in_syslog: false,
  ipvssync_log: '/var/log/surealived/ipvssync.log',
  ipvssync_logging: 'debug',
  modules_path: '/usr/lib/surealived/modules/',
  modules: 'all',
  epoll_size: 256,
  loop_interval_ms: 100,
  epoll_interval_ms: 10,
  startup_delay_ms: 1000,
  debug_comm: 0,
  debug_comm_path: '/var/log/surealived/comm',
  memlimit: 0,
  stats_dir: '/var/log/surealived/stats',
  log_stats: false,
  log_stats_combined: false,
  no_sync: false,
  lock_sync_file: '/var/lib/surealived/ipvsfull.lock',
  full_sync_file: '/var/lib/surealived/ipvsfull.cfg',
  full_reload_file: '/var/lib/surealived/ipvsfull.reload',
  diff_sync_dir: '/var/lib/surealived/diffs',
  use_offline_dump: true,
  offline_dump: '/var/lib/surealived/offline.dump',
  override_dump: '/var/lib/surealived/override.dump',
  notify_dump: '/var/lib/surealived/notify.dump',
  gather_stats: true,
  stats_dump: '/var/lib/surealived/stats.dump',
  stats_dump_savesec: 60,
  listen_addr: '127.0.0.1',
  listen_port: 1337,
};

/** What surealived.cfg beside this file says, key by key. */
const WRITTEN: typeof DEFAULTS = {
  maxfd: 4096,
  log: '/tmp/sd/surealived.log',
  use_log: true,
  logging: 'dbdet',
  use_syslog: true,
  use_tm_in_syslog: true,
  ipvssync_log: '/tmp/sd/ipvssync.log',
  ipvssync_logging: 'error',
  modules_path: '/tmp/sd/modules/',
  modules: 'http,tcp,dns',
  epoll_size: 64,
  loop_interval_ms: 50,
  epoll_interval_ms: 5,
  startup_delay_ms: 2500,
  debug_comm: 1,
  debug_comm_path: '/tmp/sd/comm',
  memlimit: 65536,
  stats_dir: '/tmp/sd/stats',
  log_stats: true,
  log_stats_combined: true,
  no_sync: true,
  lock_sync_file: '/tmp/sd/full.lock',
  full_sync_file: '/tmp/sd/full.cfg',
  full_reload_file: '/tmp/sd/full.reload',
  diff_sync_dir: '/tmp/sd/diffs',
  use_offline_dump: false,
  offline_dump: '/tmp/sd/offline.dump',
  override_dump: '/tmp/sd/override.dump',
  notify_dump: '/tmp/sd/notify.dump',
  gather_stats: false,
  stats_dump: '/tmp/sd/stats.dump',
  stats_dump_savesec: 30,
  listen_addr: '127.0.0.2',
  listen_port: 1338,
};

/** Keys that the original does not know. What is not set must leave everything as it is there. */
const OURS = {
  resync_interval_sec: 30,
  protect: [],
  max_deletes: Number.POSITIVE_INFINITY,
  log_format: 'auto',
  syslog_socket: '/dev/log',
  pid_file: '',
  ipvssync_pid_file: '',
  ipvssync_status_socket: '/run/surealived/ipvssync.sock',
  max_tasks: 64,
  share_probes: false,
  workers: 0,
  notify_timeout_sec: 600,
  ipvs_timeout_tcp_sec: 0,
  ipvs_timeout_tcp_fin_sec: 0,
  ipvs_timeout_udp_sec: 0,
  ipvs_sync_role: 'unmanaged',
  ipvs_sync_interface: '',
  ipvs_sync_id: 0,
  ipvs_sync_group: '224.0.0.81',
  ipvs_sync_port: 8848,
  ipvs_sync_ttl: 1,
  ipvs_sync_maxlen_bytes: 0,
  ipvs_sync_role_file: '/var/lib/surealived/sync.role',
  listen_socket: '',
  listen_socket_mode: 0o660,
};

prove('2 surealived.cfg', {
  'a file with every key is read'() {
    const text = readFixture(FILE);
    for (const key of Object.keys(DEFAULTS)) expect(text).toMatch(new RegExp(`^\\s*${key}\\s`, 'm'));
    expect(parseConfig(text, FILE)).toEqual({ config: { ...WRITTEN, ...OURS }, warnings: [] });
  },
  'every key has the default of the original'() {
    expect(read('')).toEqual({ ...DEFAULTS, ...OURS });
    expect(Object.keys(CONFIG_KEYS).sort()).toEqual(Object.keys({ ...DEFAULTS, ...OURS }).sort());
  },
  'keys and values are separated by white space, # starts a comment line'() {
    expect(read('# log a\n \t# log b\nlog\t \tc  \n#maxfd 5000\n')).toMatchObject({ log: 'c', maxfd: 1024 });
  },
  'unknown keys are ignored'() {
    expect(parseConfig('something_else 7\nanother\n', FILE)).toEqual({ config: read(''), warnings: [] });
  },
  'booleans are true when they begin with t or T'() {
    for (const yes of ['t', 'T', 'true', 'TRUE', 'tomorrow'])
      expect(read(`use_log ${yes}`).use_log).toBe(true);
    for (const no of ['false', 'f', '1', 'yes', 'on', 'FALSE'])
      expect(read(`gather_stats ${no}`).gather_stats).toBe(false);
  },
  'modules: all, or names with commas between them'() {
    expect(read('modules all').modules).toBe('all');
    expect(read('modules tcp,http,my_own').modules).toBe('tcp,http,my_own');
  },
});
