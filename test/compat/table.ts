/**
 * What a replacement of SureAliveD has to keep, statement by statement, under the sections of the spec. Each is shown by the
 * proof of the same name: `npx vitest run test/compat --reporter=verbose` prints the table with its outcome.
 *
 * Elsewhere: memlimit, and what each signal does to a daemon, in `test/e2e/daemonize.test.ts`; SSL in `tls.test.ts` of the
 * engine. Not shown: that the timer of the full snapshot has 60 s. Not yet there: 9.9, repairing the table when somebody else
 * changes it.
 *
 * @module
 */

/** How a statement is shown: a file written by hand, parsed and written back; the real programs; functions alone. */
export type Way = 'file' | 'process' | 'function';

export const TABLE = {
  '1 Options of surealived': {
    '-h --help tells every option with the letters of the original': 'process',
    '-V --version prints the version': 'process',
    '-t --test-config exits 0 for a good services file and 1 for a bad one': 'process',
    '-c --config names the configuration; the default is /etc/surealived/surealived.cfg': 'process',
    '-n --no-sync writes no snapshots': 'process',
    '-k --no-dumpfile neither loads nor writes offline.dump': 'process',
    '-v --verbose raises the level: error < warn < info < debug < dbdet': 'process',
    'an unknown option, or no services file, is refused': 'process',
  },
  '1 Options of ipvssync': {
    '-h --help tells every option with the letters of the original': 'process',
    '-V --version prints the version': 'process',
    '-t --test-config checks the full snapshot of the configuration, and exits 0 or 1': 'process',
    '-u --del-umanaged, also spelt --del-unmanaged, deletes unknown virtuals': 'process',
    '-k --keep-diffs is known, an unknown option is refused': 'process',
    'refuses to start without the full snapshot or without the lock file': 'process',
  },
  '1 Daemons and signals': {
    '-d: a watchdog and its child; a dead child is there again after about 1 s; INT stops all': 'process',
    'not daemonized, they log to stderr': 'process',
    'ipvssync: HUP touches the reload flag and reads anew, TERM leaves the table as it is': 'process',
  },
  '2 surealived.cfg': {
    'a file with every key is read': 'file',
    'every key has the default of the original': 'function',
    'keys and values are separated by white space, # starts a comment line': 'function',
    'unknown keys are ignored': 'function',
    'booleans are true when they begin with t or T': 'function',
    'modules: all, or names with commas between them': 'function',
  },
  '3 Services: elements and attributes': {
    'a file with every attribute is read': 'file',
    'every default is that of the original': 'function',
    'every mandatory attribute is missed by its name': 'function',
    'a virtual has exactly one tester and any number of reals': 'function',
    'unknown tags are errors': 'function',
    'a name has at most 127 bytes': 'function',
    'addr and port are mandatory unless there is a fwmark; with it they are 0.0.0.0 and 0': 'function',
    'ops is for UDP only': 'function',
    'multicast addresses are refused, for virtuals and reals': 'function',
    'booleans are 1/0, true/false, on/off in any case': 'function',
    'stats_samples is 1..20': 'function',
    'testport is mandatory but for no-test': 'function',
    'a real overrides every attribute of its module': 'file',
  },
  '3 Services: modules': {
    'tcp: the connection is enough': 'function',
    'http: HTTP/1.0 GET with Host and User-Agent: SureAliveD': 'function',
    'http: the 3 characters of the status equal retcode, 200 by default': 'function',
    'http: unless naive, the body is read to its end': 'function',
    'dns: asks for the SOA, class IN; any answer record is success': 'function',
    'exec: arguments are address, test port, and params split at single spaces': 'process',
    'exec: exit 0 is success; at the time-out the process group is killed': 'process',
    'lua: prepare gets nine things besides params, process_event what was read': 'function',
    'lua: w, r, rav, eok and efail': 'function',
    'lua: the script begins anew for each test': 'function',
    'no-test: always online': 'function',
  },
  '4 Testing and state: rules': {
    'a success raises retries_ok and zeroes retries_fail; a failure the reverse': 'function',
    'reaching retries2ok sets online, reaching retries2fail sets offline': 'function',
    'a real starts online': 'function',
    'effective weight: 0 if OFFLINE, DOWN or offline; else the override; else the configured weight':
      'function',
    'a percentage of the configured weight is at least 1': 'function',
    'in IPVS: DOWN is removed, offline with remove_on_fail too, anything else stays': 'function',
    'problems without a connection are told apart: rst, arp, conn': 'function',
    'a virtual is down below notify_min_reals or notify_min_weight, absolute or percent': 'function',
    'the first start of a virtual is random within startup_delay_ms, its reals are spread over it':
      'function',
  },
  '4 Testing and state: a running tester': {
    'a change is acted on at once: diff line and notification': 'process',
    'notifications have the arguments of the original, one of a virtual comes after the first loop':
      'process',
    'a virtual is told of again when it is up again': 'process',
    'scripts run detached': 'process',
    'a refused connection is counted as rst': 'process',
    'a test comes from bindaddr, which the original only reads': 'process',
    'a real that offline.dump names starts offline': 'process',
    'what notify.dump tells survives a restart, but not a reboot': 'process',
  },
  '5 Hand-over: formats': {
    'the full snapshot is read and written back': 'file',
    'a diff file is read and written back': 'file',
    'keys may come in any order, unknown keys are ignored': 'function',
  },
  '5 Hand-over: surealived writes': {
    'the full snapshot of a services file, at start, and the reload flag': 'process',
    'each change as lines of the diff file: addreal and chgreal, or delreal': 'process',
    'a removed real is not in the next full snapshot; the old diff ends with DIFF file=NEXT': 'function',
    'under flock on lock_sync_file': 'process',
  },
  '5 Hand-over: ipvssync reads': {
    'a snapshot of the original with its diff': 'process',
    'removes the reload flag, makes reals exact, leaves unknown virtuals alone': 'process',
    'follows the diff, to the next one, and reads anew on the reload flag': 'process',
    'removes consumed diff files, with -k it does not': 'process',
  },
  '6 Dump files': {
    'offline.dump is read and written back': 'file',
    'override.dump is read and written back, with a space where the % would be': 'file',
    'notify.dump is read and written back': 'file',
    'stats.dump is read and written back': 'file',
    'VKEY has tcp as 0, udp as 1, fwmark as 2': 'function',
    'surealived takes up override.dump and stats.dump, and writes them back': 'process',
    'surealived writes offline.dump': 'process',
    'entries of reals that no longer exist are dropped with a warning': 'process',
  },
  '7 Admin socket': {
    vlist: 'process',
    rlist: 'process',
    'rlist of a virtual without reals': 'process',
    rset: 'process',
    stats: 'process',
    connstats: 'process',
    'error answers': 'process',
    'lines end with \\n or \\r\\n, several commands on one connection': 'process',
    'rset is in override.dump at once, and the configured weight with ONLINE deletes it there': 'process',
  },
  '8 Other files': {
    'the communication dump is written as in the original': 'file',
    'sd_fullstats.log is written as in the original, in us with logmicro': 'file',
    'a running tester writes both, truncates the dump at each test, and writes sd_virtstats files': 'process',
  },
  '9 Better on purpose': {
    '9.1 the documented defaults of loopdelay, timeout, retries2ok, retries2fail hold': 'process',
    '9.2 a refusal while connect runs is a failure of tcp': 'process',
    '9.3 a loop ends with its last answer': 'process',
    '9.4 snapshots and dumps are replaced as a whole': 'process',
    '9.5 ipvssync: -c is obeyed; no fwmark, a missing diff and a bad line are told': 'process',
    '9.6 numbers and ports: errors with file, line and attribute; unknown attributes: warnings, or with --strict errors':
      'process',
    '9.7 SIGHUP applies the difference and keeps the state of what did not change': 'process',
    '9.8 IPv6 everywhere, in brackets where colons separate': 'file',
  },
} as const satisfies Record<string, Record<string, Way>>;
