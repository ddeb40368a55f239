import { describe, expect, it } from 'vitest';
import { parseArguments } from './options.js';

const parse = (...argv: string[]) => parseArguments(argv, '1.2.3');

describe('parseArguments', () => {
  it('has the defaults of the original', () => {
    expect(parse()).toEqual({
      options: {
        config: '/etc/surealived/surealived.cfg',
        verbosity: 0,
        mode: 'follow',
        deleteUnmanaged: false,
        maxDeletes: undefined,
        isForced: false,
        allowEmpty: false,
        wait: false,
        json: false,
        keepDiffs: false,
        backend: { kind: 'kernel' },
        daemonize: false,
        pidFile: '',
        childArguments: [],
      },
    });
  });

  it.each<[string[], object]>([
    [['-c', '/x.cfg'], { config: '/x.cfg' }],
    [['--config=/x.cfg'], { config: '/x.cfg' }],
    [['-v'], { verbosity: 1 }],
    [['-vv', '--verbose'], { verbosity: 3 }],
    [['-t'], { mode: 'test' }],
    [['--plan'], { mode: 'plan' }],
    [['--once'], { mode: 'once' }],
    [['--status'], { mode: 'status', json: false }],
    [['--status', '--json'], { mode: 'status', json: true }],
    [['--role', 'backup'], { mode: 'role', role: 'backup' }],
    [['--netns', 'd1'], { backend: { kind: 'kernel', netns: 'd1' } }],
    [['-u'], { deleteUnmanaged: true }],
    [['--del-umanaged'], { deleteUnmanaged: true }],
    [['--del-unmanaged'], { deleteUnmanaged: true }],
    [['-d', '--pid-file=/run/x.pid'], { daemonize: true, mode: 'follow', pidFile: '/run/x.pid' }],
    [['--max-deletes', '20'], { maxDeletes: 20 }],
    [['--max-deletes=none'], { maxDeletes: Number.POSITIVE_INFINITY }],
    [['--once', '--force'], { mode: 'once', isForced: true }],
    [['--plan', '--json', '--allow-empty'], { mode: 'plan', json: true, allowEmpty: true }],
    [['--wait', '-d'], { mode: 'follow', wait: true }],
    [['--wait', '-t'], { mode: 'test', wait: true }],
    [['-uk'], { deleteUnmanaged: true, keepDiffs: true }],
    [['--table', 'memory'], { backend: { kind: 'memory', file: undefined } }],
    [['--table', 'memory:/tmp/a:b'], { backend: { kind: 'memory', file: '/tmp/a:b' } }],
  ])('%j', (argv, expected) => {
    expect(parse(...argv)).toMatchObject({ options: expected });
  });

  it.each<[string[], RegExp]>([
    [['-x'], /^Unknown option '-x'/],
    [['--bogus'], /^Unknown option '--bogus'/],
    [['-c'], /argument missing/],
    [['file'], /^unexpected argument "file"$/],
    [['--once=yes'], /does not take an argument/],
    [['--table', 'nftables'], /^--table: expected kernel, memory or memory:PATH, got "nftables"$/],
    [['--table', 'memory:'], /got "memory:"$/],
    [['--role', 'primary'], /^--role: expected none, master, backup, both, got "primary"$/],
    [['--role=both', '--once'], /^--once and --role exclude each other$/],
    [['--role=both', '-d'], /^--daemonize excludes /],
    [['--netns=d1', '--table=memory'], /^--netns goes with the table of the kernel alone$/],
    [['--netns='], /^--netns: expected a name or a path, got ""$/],
    [['--max-deletes', 'all'], /^--max-deletes: expected none or a number, got "all"$/],
    [['--force'], /^--force goes with --once alone$/],
    [['--once', '--wait'], /^--wait goes with following and --test-config alone$/],
    [['--once', '--json'], /^--json goes with --plan and --status alone$/],
    [['-d', '--once'], /^--daemonize excludes --plan, --once, --status and --role$/],
    [['-d', '--status'], /^--daemonize excludes /],
    [['--once', '--status'], /^--once and --status exclude each other$/],
    [['--plan', '--once'], /^--plan and --once exclude each other$/],
  ])('refuses %j', (argv, message) => {
    expect(parse(...argv)).toMatchObject({ isError: true, print: expect.stringMatching(message) });
  });

  it('gives the child of a watchdog all but the watchdog, with absolute paths', () => {
    const { options } = parse('-dukv', '-c', 'a.cfg', '--pid-file', 'p', '--table=memory:t') as {
      options: { childArguments: readonly string[] };
    };
    expect(options.childArguments).toEqual([
      '--del-unmanaged',
      '--keep-diffs',
      '--verbose',
      `--config=${process.cwd()}/a.cfg`,
      `--table=memory:${process.cwd()}/t`,
    ]);
    expect(parse(...options.childArguments)).toMatchObject({ options: { daemonize: false, pidFile: '' } });
  });

  it('prints version and help', () => {
    expect(parse('-V')).toEqual({ isError: false, print: '1.2.3' });
    const help = parse('-h');
    expect(help).toMatchObject({ isError: false, print: expect.stringContaining('-u, --del-unmanaged') });
  });
});
