import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from './files.test-kit.js';
import { loadConfig, parseConfig } from './surealived-cfg.js';

const LIB = '/var/lib/surealived';
const LOG = '/var/log/surealived';

/** As the manual of the original lists them, and ours. */
const DEFAULTS = {
  maxfd: 1024,
  log: `${LOG}/surealived.log`,
  use_log: false,
  logging: 'info',
  log_format: 'auto',
  use_syslog: false,
  use_tm_in_syslog: false,
  syslog_socket: '/dev/log',
  pid_file: '',
  ipvssync_status_socket: '/run/surealived/ipvssync.sock',
  ipvssync_pid_file: '',
  ipvssync_log: `${LOG}/ipvssync.log`,
  ipvssync_logging: 'debug',
  modules_path: '/usr/lib/surealived/modules/',
  modules: 'all',
  epoll_size: 256,
  loop_interval_ms: 100,
  epoll_interval_ms: 10,
  share_probes: false,
  startup_delay_ms: 1000,
  max_tasks: 64,
  workers: 0,
  notify_timeout_sec: 600,
  debug_comm: 0,
  debug_comm_path: `${LOG}/comm`,
  memlimit: 0,
  stats_dir: `${LOG}/stats`,
  log_stats: false,
  log_stats_combined: false,
  no_sync: false,
  lock_sync_file: `${LIB}/ipvsfull.lock`,
  full_sync_file: `${LIB}/ipvsfull.cfg`,
  full_reload_file: `${LIB}/ipvsfull.reload`,
  diff_sync_dir: `${LIB}/diffs`,
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
  ipvs_sync_role_file: `${LIB}/sync.role`,
  resync_interval_sec: 30,
  protect: [],
  max_deletes: Number.POSITIVE_INFINITY,
  use_offline_dump: true,
  offline_dump: `${LIB}/offline.dump`,
  override_dump: `${LIB}/override.dump`,
  notify_dump: `${LIB}/notify.dump`,
  gather_stats: true,
  stats_dump: `${LIB}/stats.dump`,
  stats_dump_savesec: 60,
  listen_addr: '127.0.0.1',
  listen_port: 1337,
  listen_socket: '',
  listen_socket_mode: 0o660,
};

describe('parseConfig', () => {
  it.each([
    ['nothing', ''],
    ['comments', '# maxfd 5\n   # listen_port x\n\n'],
    ['unknown keys', 'color red\nmaxfds 5\n__proto__ x\nconstructor y\n'],
  ])('has the documented defaults after %s', (_what, content) => {
    expect(parseConfig(content, 'f').config).toEqual(DEFAULTS);
  });

  it('splits key and value at white space, takes \\r\\n, and lets the last of repeated keys hold', () => {
    const content = '\tmaxfd \t 2048  \r\nlog /tmp/a log # with spaces\r\nlisten_port 1\nlisten_port 2';
    expect(parseConfig(content, 'f').config).toEqual({
      ...DEFAULTS,
      maxfd: 2048,
      log: '/tmp/a log # with spaces',
      listen_port: 2,
    });
  });

  it.each([
    ...(['t', 'T', 'true', 'TRUE', 'tomato'] as const).map((text) => [text, true] as const),
    ...(['false', '1', 'yes', 'on', 'F', '0'] as const).map((text) => [text, false] as const),
  ])('takes %s for %s, since true is what begins with t', (text, expected) => {
    expect(parseConfig(`use_log ${text}\nuse_offline_dump ${text}`, 'f').config).toMatchObject({
      use_log: expected,
      use_offline_dump: expected,
    });
  });

  it('takes level names in any case and addresses in their one form', () => {
    expect(parseConfig('logging DBDET\nlisten_addr 0:0::1', 'f').config).toMatchObject({
      logging: 'dbdet',
      listen_addr: '::1',
    });
  });

  it.each([
    [
      'protect tcp:192.0.2.1:80,tcp:x:80',
      'f:1: protect: expected virtuals such as tcp:192.0.2.1:80, udp:[2001:db8::1]:53 or fwmark:7, separated by commas, got "tcp:x:80"',
    ],
    ['max_deletes -1', 'f:1: max_deletes: expected none or an integer 0..1000000, got "-1"'],
    ['maxfd many', 'f:1: maxfd: expected an integer 64..10000000, got "many"'],
    ['maxfd', 'f:1: maxfd: expected an integer 64..10000000, got ""'],
    ['listen_port 65536', 'f:1: listen_port: expected an integer 0..65535, got "65536"'],
    ['listen_addr localhost', 'f:1: listen_addr: expected an IP address, got "localhost"'],
    ['listen_socket here', 'f:1: listen_socket: expected an absolute path of at most 107 bytes, got "here"'],
    [
      'listen_socket_mode 668',
      'f:1: listen_socket_mode: expected permissions in octal digits, such as 0660, got "668"',
    ],
    ['logging loud', 'f:1: logging: expected one of error, warn, info, debug, dbdet, got "loud"'],
    ['log', 'f:1: log: expected a path, got ""'],
    ['ipvs_sync_group 10.0.0.1', 'f:1: ipvs_sync_group: expected a multicast address, got "10.0.0.1"'],
    [
      'ipvs_sync_maxlen_bytes 1000',
      'f:1: ipvs_sync_maxlen_bytes: expected 0 or an integer 1024..65507, got "1000"',
    ],
    [
      'ipvs_sync_interface eth0/1',
      'f:1: ipvs_sync_interface: expected the name of a network interface, got "eth0/1"',
    ],
    ['\nipvs_sync_role both', 'f:2: ipvs_sync_role: both needs ipvs_sync_interface, which is not given'],
    ['use_log', 'f:1: use_log: expected true or false, got ""'],
    // it is written into the snapshot, where a space would end it
    ['diff_sync_dir /a b', 'f:1: diff_sync_dir: expected a path without white space, got "/a b"'],
  ])('refuses %j', (content, message) => {
    expect(() => parseConfig(content, 'f')).toThrow(
      expect.objectContaining({ name: 'ConfigError', message }),
    );
  });

  it.each([
    ['listne_port 5', 'listne_port: not known here, did you mean "listen_port"?'],
    ['\n# c\n use_logs true', 'use_logs: not known here, did you mean "use_log"?'],
    ['Maxfd 5', 'Maxfd: not known here, did you mean "maxfd"?'],
  ])('warns of %j, which says nothing', (content, message) => {
    const { config, warnings } = parseConfig(content, 'f');
    expect(warnings).toEqual([{ file: 'f', line: content.split('\n').length, message }]);
    expect(config).toEqual(DEFAULTS);
  });

  it.each(['color red', 'sd_notify 1', 'x y', '__proto__ x'])('is silent about %j', (content) => {
    expect(parseConfig(content, 'f').warnings).toEqual([]);
  });

  it('takes lists of services, also an empty one, and limits', () => {
    const { config } = parseConfig('protect tcp:192.0.2.1:80 , fwmark:7\nmax_deletes 20', 'f');
    expect(config).toMatchObject({ protect: ['tcp 192.0.2.1:80', 'fwmark 7'], max_deletes: 20 });
    expect(parseConfig('protect\nmax_deletes none', 'f').config).toEqual(DEFAULTS);
  });

  it('takes a path that is left away where none is needed', () => {
    expect(parseConfig('pid_file', 'f').config.pid_file).toBe('');
  });

  it('reports everything that is wrong in one go', () => {
    expect(() => parseConfig('maxfd 1\nlog ok\nepoll_size 0\n# c\nlisten_port -1', 'f')).toThrow(
      expect.objectContaining({
        message: [
          'f:1: maxfd: expected an integer 64..10000000, got "1"',
          'f:3: epoll_size: expected an integer 1..65536, got "0"',
          'f:5: listen_port: expected an integer 0..65535, got "-1"',
        ].join('\n'),
      }),
    );
  });
});

it('takes bytes that are not UTF-8 in comments and unknown keys, and refuses them in values, with the line', () => {
  const file = join(temporaryDirectory(), 'surealived.cfg');
  writeFileSync(file, Buffer.from('# g\xb3\xf3wny\nepoll_size 7\nunknown \xb3\n', 'latin1'));
  expect(loadConfig(file)).toEqual({ config: { ...DEFAULTS, epoll_size: 7 }, warnings: [] });
  writeFileSync(file, Buffer.from('# c\nlog /tmp/\xb3\nepoll_size 0\n', 'latin1'));
  expect(() => loadConfig(file)).toThrow(
    `${file}:2: log: expected UTF-8 text, got "/tmp/\ufffd"\n${file}:3: epoll_size`,
  );
});

it('loads a file, and names one that is not there', () => {
  const file = join(temporaryDirectory(), 'surealived.cfg');
  expect(() => loadConfig(file)).toThrow(`${file}: ENOENT`);
  writeFileSync(file, 'epoll_size 7\n');
  expect(loadConfig(file)).toEqual({ config: { ...DEFAULTS, epoll_size: 7 }, warnings: [] });
});
