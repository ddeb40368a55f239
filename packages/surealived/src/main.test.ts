import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { readSnapshot } from '@surealived/shared/snapshot/read';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from '../../shared/src/files.test-kit.js';
import { FakeHost } from '../../shared/src/host.test-kit.js';
import { listen, refusingPort } from './engine/hostile-servers.test-kit.js';
import { main } from './main.js';

async function run(...argv: string[]): Promise<{ status: number; out: string; err: string }> {
  const host = new FakeHost();
  const status = await main(argv, host);
  return { status, out: host.out, err: host.err };
}

function services(testPort: number, more = ''): string {
  return `<surealived>
  <virtual name="web" addr="192.168.0.1" port="80" proto="tcp" sched="wrr" rt="masq">
    <tester proto="tcp" testport="${testPort}" loopdelay="0.05" timeout="1" remove_on_fail="1"${more} />
    <real name="w1" addr="127.0.0.1" port="80" weight="10" />
    <real name="w2" addr="127.0.0.1" port="81" weight="20" testport="${testPort}" />
  </virtual>
</surealived>
`;
}

function writeFiles(xml: string, cfg = '') {
  const directory = temporaryDirectory();
  const [config, file] = [join(directory, 'surealived.cfg'), join(directory, 'services.xml')];
  const full = join(directory, 'full');
  const paths = [
    `lock_sync_file ${directory}/lock`,
    `full_sync_file ${full}`,
    `full_reload_file ${directory}/reload`,
    ...['offline', 'override', 'notify', 'stats'].map((name) => `${name}_dump ${directory}/${name}.dump`),
    '',
  ].join('\n');
  writeFileSync(
    config,
    `${paths}diff_sync_dir ${directory}/diffs\nlisten_port 0\nstartup_delay_ms 0\n${cfg}`,
  );
  writeFileSync(file, xml);
  return { directory, config, file, full, argv: ['-c', config, file] };
}

describe('the command line', () => {
  it.each(['-V', '--version'])('%s prints the version', async (option) => {
    expect(await run(option)).toEqual({
      status: 0,
      out: expect.stringMatching(/^\d+\.\d+\.\d+(-[\w.]+)?\n$/),
      err: '',
    });
  });

  it.each(['-h', '--help'])('%s prints every option', async (option) => {
    const { status, out, err } = await run(option);
    expect([status, err]).toEqual([0, '']);
    for (const name of [
      'config',
      'test-config',
      'strict',
      'verbose',
      'no-sync',
      'daemonize',
      'pid-file',
      'help',
    ])
      expect(out).toContain(`--${name}`);
  });

  it.each([
    [[], 'expected one services file, got 0'],
    [['a.xml', 'b.xml'], 'expected one services file, got 2'],
    [['-x', 'a.xml'], "Unknown option '-x'"],
    [['--frobnicate', 'a.xml'], "Unknown option '--frobnicate'"],
  ])('with %j is a mistake, told in one line', async (argv, message) => {
    expect(await run(...argv)).toEqual({
      status: 2,
      out: '',
      err: `surealived: ${message} (see --help)\n`,
    });
  });

  it('-t counts what a good file has, and writes nothing', async () => {
    const { argv, file, full } = writeFiles(services(80));
    expect(await run('-t', ...argv)).toEqual({
      status: 0,
      out: `${file}: 1 virtuals, 2 reals: ok\n`,
      err: '',
    });
    expect(existsSync(full)).toBe(false);
  });

  it('-t lists warnings, which --strict makes errors', async () => {
    const { argv, file } = writeFiles(services(80, ' tineout="3"'));
    const relaxed = await run('-t', ...argv);
    expect(relaxed).toMatchObject({
      status: 0,
      err: expect.stringMatching(/:3:\d+: warning: .*tineout.*timeout.*\n$/),
    });
    const strict = await run('-t', '--strict', ...argv);
    expect(strict).toMatchObject({ status: 1, out: '', err: expect.stringContaining(`${file}:3:`) });
  });

  it('--test-start says by what a start would fail, where -t looks at the files alone', async () => {
    const { directory, argv, file, full } = writeFiles(services(80));
    expect(await run('--test-start', ...argv)).toEqual(await run('-t', ...argv));
    expect(existsSync(full)).toBe(false);
    const diffs = join(directory, 'diffs');
    writeFileSync(diffs, 'no folder');
    const err = `the hand-over cannot be written: ENOTDIR: not a directory, access '${diffs}/.'\n`;
    expect(await run('--test-start', ...argv)).toEqual({ status: 1, out: '', err });
    const good = { status: 0, out: `${file}: 1 virtuals, 2 reals: ok\n`, err: '' };
    expect(await run('--test-start', '--no-sync', ...argv)).toEqual(good);
    expect(await run('-t', ...argv)).toEqual(good);
  });

  it('-t lists everything that is wrong', async () => {
    const { argv } = writeFiles(services(80).replace('weight="10"', 'weight="x"').replace('port="81"', ''));
    const { status, out, err } = await run('-t', ...argv);
    expect([status, out, err.trimEnd().split('\n').length]).toEqual([1, '', 2]);
  });

  it.each([
    [
      'a config that is not there',
      ['-c', '/nonexistent/surealived.cfg', 'x.xml'],
      '/nonexistent/surealived.cfg: ENOENT',
    ],
    ['services that are not there', undefined, '/nonexistent.xml: ENOENT'],
  ])('refuses %s', async (_what, argv, message) => {
    const { config } = writeFiles('');
    const { status, err } = await run(...(argv ?? ['-c', config, '/nonexistent.xml']));
    expect([status, err]).toEqual([1, expect.stringMatching(`^${message}.*\n$`)]);
  });

  it('refuses a bad config with every mistake in it', async () => {
    const { argv } = writeFiles(services(80), 'maxfd x\nepoll_size 0\n');
    const { status, err } = await run(...argv);
    expect([status, err.match(/surealived\.cfg:\d+: /g)?.length]).toEqual([1, 2]);
  });
});

describe('surealived.cfg', () => {
  it('is warned about by -t where a key is misspelt, which --strict makes an error', async () => {
    const { argv, config } = writeFiles(services(80), 'listne_port 5\n');
    const message = `listne_port: not known here, did you mean "listen_port"\\?`;
    expect(await run('-t', ...argv)).toMatchObject({
      status: 0,
      err: expect.stringMatching(`^${config}:\\d+: warning: ${message}\n$`),
    });
    expect(await run('-t', '--strict', ...argv)).toMatchObject({
      status: 1,
      out: '',
      err: expect.stringMatching(`^${config}:\\d+: ${message}\n$`),
    });
    // it may be the cause of what is wrong elsewhere
    const broken = writeFiles(services(80, ' timeout="x"'), 'listne_port 5\nmodules_path /nonexistent\n');
    expect((await run('-t', ...broken.argv)).err).toMatch(
      /warning: modules_path: there is no \/nonexistent\n.*timeout/s,
    );
    expect((await run('-t', '-c', writeFiles('', 'listne_port 5\nmaxfd x\n').config, 'x.xml')).err).toMatch(
      /warning: listne_port: .*\n.*maxfd: expected/,
    );
  });
});

describe('the daemon', () => {
  it('has its number in the pid file from its start to its end, and goes on at SIGUSR1', async () => {
    const { argv, directory } = writeFiles(services(80), `pid_file /nonexistent/pid\n`);
    const file = join(directory, 'pid');
    writeFileSync(file, '4194304\n');
    const host = new FakeHost();
    const ended = main(['--pid-file', file, ...argv], host);
    await host.waitForLog('testing started');
    await expect.poll(() => readFileSync(file, 'utf8')).toBe(`${process.pid}\n`);
    host.emit('SIGUSR1');
    host.emit('SIGTERM');
    expect(await ended).toBe(0);
    expect(existsSync(file)).toBe(false);
  });

  it('is refused where the pid file names another one', async () => {
    const { argv, full, directory } = writeFiles(services(80));
    const file = join(directory, 'pid');
    const other = spawn('sh', ['-c', 'printf surealived >/proc/$$/comm; echo; read end'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    onTestFinished(() => void other.kill('SIGKILL'));
    await once(other.stdout, 'data');
    writeFileSync(file, `${other.pid}\n`);
    expect(await run('--pid-file', file, ...argv)).toEqual({
      status: 1,
      out: '',
      err: `${file}: already running with pid ${other.pid}\n`,
    });
    expect(existsSync(full)).toBe(false);
  });

  it('tests, hands over, answers, and stops at SIGTERM', async () => {
    const port = await listen(() => undefined);
    const { argv, full } = writeFiles(services(port));
    const host = new FakeHost();
    const ended = main(argv, host);
    const { adminPort } = await host.waitForLog('testing started');
    const admin = connect(Number(adminPort), '127.0.0.1');
    admin.end('rset vproto=tcp vaddr=192.168.0.1 vport=80 raddr=127.0.0.1 rport=80 rweight=3\n');
    const [answer] = await once(admin, 'data');
    expect(String(answer)).toBe('Set: rstate=ONLINE, weight=3, inpercent=FALSE\n_SD_CMD_END_\n');
    host.emit('SIGTERM');
    expect(await ended).toBe(0);
    const { virtuals, diffFile } = readSnapshot(readFileSync(full, 'utf8'), full);
    expect(virtuals[0]?.reals.map(({ weight }) => weight)).toEqual([10, 20]);
    expect(readFileSync(diffFile ?? '', 'utf8')).toMatch(
      /cmd=chgreal .* rname=w1 .* rweight=3 at=\d+ crc32=\w+\n$/,
    );
    expect(host.logged.at(-1)).toMatchObject({ level: 'info', msg: 'testing stopped' });
    await expect(once(connect(Number(adminPort), '127.0.0.1'), 'connect')).rejects.toThrow('ECONNREFUSED');
  });

  it('reads the files once more after the start where SIGHUP came before that', async () => {
    const { argv } = writeFiles(services(await refusingPort()));
    const host = new FakeHost();
    const ended = main(argv, host);
    host.emit('SIGHUP');
    await host.waitForLog('configuration reloaded');
    const messages = host.logged.map(({ msg }) => msg);
    expect(messages.indexOf('testing started')).toBeLessThan(messages.indexOf('configuration reloaded'));
    host.emit('SIGTERM');
    expect(await ended).toBe(0);
  });

  it('takes a real that refuses out of the table at once', async () => {
    const { argv, full } = writeFiles(services(await refusingPort()));
    const host = new FakeHost();
    const ended = main(argv, host);
    expect(await host.waitForLog('real offline')).toMatchObject({ virtual: 'web', reason: 'refused' });
    host.emit('SIGINT');
    expect(await ended).toBe(0);
    const { diffFile } = readSnapshot(readFileSync(full, 'utf8'), full);
    expect(readFileSync(diffFile ?? '', 'utf8')).toMatch(/^cmd=delreal vname=web .* rweight=0 at=/);
  });

  it.each([
    ['-n', ''],
    ['--no-sync', ''],
    ['-v', 'no_sync true\n'],
  ])('writes no snapshot with %s and the config %j', async (option, cfg) => {
    const { argv, full } = writeFiles(services(await refusingPort()), cfg);
    const host = new FakeHost();
    const ended = main([option, ...argv], host);
    await host.waitForLog('real offline');
    host.emit('SIGTERM');
    expect(await ended).toBe(0);
    expect(existsSync(full)).toBe(false);
  });

  it('does not start when its port is taken, and says which', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as { port: number };
    const { argv, full } = writeFiles(services(80), `listen_port ${port}\n`);
    const host = new FakeHost();
    expect(await main(argv, host)).toBe(1);
    expect(host.logged.at(-1)).toMatchObject({
      level: 'error',
      msg: 'cannot start',
      cause: `listen on 127.0.0.1 port ${port} (listen_addr, listen_port): EADDRINUSE`,
    });
    expect(existsSync(full)).toBe(false);
  });

  it('does not start when it cannot write its snapshot, and leaves the port free', async () => {
    const port = await refusingPort();
    const { argv } = writeFiles(services(80), `listen_port ${port}\nlock_sync_file /nonexistent/lock\n`);
    const host = new FakeHost();
    expect(await main(argv, host)).toBe(1);
    expect(host.logged.at(-1)).toMatchObject({
      msg: 'cannot start',
      cause: expect.stringContaining('/nonexistent/lock'),
    });
    expect(await listen(() => undefined, '127.0.0.1', port)).toBe(port);
  });
});
