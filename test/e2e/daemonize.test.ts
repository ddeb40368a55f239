import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { withFileLock } from '@surealived/shared/file-lock';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { DatagramServer } from '../../packages/shared/src/datagrams.test-kit.js';
import { temporaryDirectory } from '../../packages/shared/src/files.test-kit.js';
import { askAdmin } from '../daemons/admin-client.js';
import { scriptOf } from '../daemons/daemon-process.js';
import { DetachedDaemon, isAlive, kill, processesWith, untilGone } from '../daemons/detached-daemon.js';
import { HandoverDirectory } from '../daemons/handover-directory.js';

const SERVICES = `<surealived>
  <virtual name="web" addr="192.0.2.1" port="80" proto="tcp" sched="wrr" rt="dr">
    <tester proto="no-test"/>
    <real name="w1" addr="127.0.0.1" port="80" weight="10"/>
  </virtual>
</surealived>
`;
const SNAPSHOT = `meta version=1.0 mdate=2026-11-20 mtime=10:06:36

DIFF file=DIFFS/diff_sync.1

virtual vname=web vproto=tcp vaddr=192.0.2.1 vport=80 vrt=dr vsched=wrr
real rname=w1 raddr=10.0.0.11 rport=80 rweight=10
`;

function site(settings: Readonly<Record<string, string | number>> = {}): HandoverDirectory {
  const directory = new HandoverDirectory(settings);
  onTestFinished(() => directory[Symbol.dispose]());
  directory.writeServices(SERVICES);
  return directory;
}

/** Starts a program with -d; whatever becomes of the test, nothing of it stays. */
async function detach(program: 'surealived' | 'ipvssync', directory: HandoverDirectory, ...args: string[]) {
  const operands = program === 'surealived' ? ['services.xml'] : ['--table', 'memory:table/ipvs.rules'];
  const daemon = await DetachedDaemon.start(program, [...args, ...operands], directory);
  onTestFinished(() => daemon[Symbol.asyncDispose]());
  return daemon;
}

/** A tester that runs detached. */
async function detachTester(settings: Readonly<Record<string, string | number>> = {}) {
  const directory = site(settings);
  const daemon = await detach('surealived', directory);
  expect([daemon.err, daemon.status]).toEqual(['', 0]);
  const first = await daemon.untilChildren(1);
  return { directory, daemon, first };
}

function launch({ config }: HandoverDirectory, ...args: string[]): ChildProcess {
  const argv = [scriptOf('surealived'), '-d', '-c', config, ...args];
  return spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'pipe'] });
}

async function statistics({ log }: DetachedDaemon): Promise<Record<string, string>> {
  const port = Number(log.all('testing started').at(-1)?.adminPort);
  const lines = (await askAdmin(port, 'stats')).split('\n');
  return Object.fromEntries(lines.map((line) => line.split(/ *: /)));
}

describe('surealived -d', () => {
  it('returns when it tests, answers, and ends with its watchdog at SIGINT', async () => {
    const { daemon, first } = await detachTester();
    const { watchdogPid } = daemon;
    expect(await statistics(daemon)).toMatchObject({
      watchdog_pid: String(watchdogPid),
      tester_pid: String(first),
      virtuals: '1',
    });
    for (const pid of [watchdogPid, first]) {
      expect(readFileSync(`/proc/${pid}/comm`, 'utf8')).toBe('surealived\n');
      expect(sessionOf(pid)).toBe(watchdogPid);
    }
    kill(watchdogPid, 'SIGINT');
    await untilGone(watchdogPid);
    expect(isAlive(first)).toBe(false);
    expect(existsSync(daemon.pidFile)).toBe(false);
    expect(daemon.log.all('testing stopped')).toHaveLength(1);
    expect(daemon.log.all('watchdog: failure of its own')).toEqual([]);
  });

  it('starts a tester that was killed again within about a second, and later each time', async () => {
    const { daemon, first } = await detachTester();
    kill(first, 'SIGKILL');
    const second = await daemon.untilChildren(2);
    expect(await statistics(daemon)).toMatchObject({ tester_pid: String(second) });
    kill(second, 'SIGKILL');
    await daemon.untilChildren(3);
    const ends = daemon.log.all('watchdog: child ended');
    expect(ends).toMatchObject([
      { child: first, signal: 'SIGKILL', restartInSec: 1 },
      { child: second, signal: 'SIGKILL', restartInSec: 2 },
    ]);
    const began = daemon.log.all('watchdog: child started')[1];
    const pauseMs = Date.parse(String(began?.time)) - Date.parse(String(ends[0]?.time));
    expect(pauseMs).toBeGreaterThan(900);
    expect(pauseMs).toBeLessThan(5_000);
  });

  it('restarts the tester at SIGTERM', async () => {
    const { daemon, first } = await detachTester();
    kill(daemon.watchdogPid, 'SIGTERM');
    const second = await daemon.untilChildren(2);
    expect(second).not.toBe(first);
    expect(isAlive(first)).toBe(false);
    expect(daemon.log.all('testing stopped')).toHaveLength(1);
    expect(daemon.log.all('watchdog: child ended')).toEqual([]);
  });

  it('reloads at SIGHUP; while the tester cannot start, it tries at once', async () => {
    const { daemon, first, directory } = await detachTester();
    kill(daemon.watchdogPid, 'SIGHUP');
    await daemon.log.until('configuration reloaded');
    expect(daemon.childPid).toBe(first);
    directory.writeServices('<surealived>');
    kill(first, 'SIGKILL');
    await daemon.log.until('watchdog: child ended', 3);
    expect(daemon.log.all('watchdog: child ended').at(-1)).toMatchObject({ status: 1, restartInSec: 4 });
    expect(String(daemon.log.all('watchdog: child wrote')[0]?.line)).toContain('services.xml:1:');
    directory.writeServices(SERVICES);
    const startMs = performance.now();
    kill(daemon.watchdogPid, 'SIGHUP');
    await daemon.untilChildren(2);
    expect(performance.now() - startMs).toBeLessThan(3_500);
  });

  it('restarts a tester that takes more memory than memlimit, but never for what it needs to begin', async () => {
    const modules = temporaryDirectory();
    const needKb = (kilobytes: number): void =>
      writeFileSync(
        join(modules, 'hungry.mjs'),
        `globalThis.food = Buffer.alloc(${kilobytes} << 10, 1);
         export default ({ defineStreamTester, Type, up }) => defineStreamTester({
           name: 'hungry', description: 'Keeps memory.', attributes: Type.Object({}), *probe() { return up('fed'); } });`,
      );
    needKb(1);
    const { daemon, first } = await detachTester({ memlimit: 1_000, modules_path: modules });
    const raised = await daemon.log.until('watchdog: memlimit is raised to twice what the child began with');
    expect(raised).toMatchObject({ child: first, memlimit: 1_000 });
    const limitKb = Number(raised.limitKb);
    needKb(limitKb);
    kill(daemon.watchdogPid, 'SIGHUP');
    const passed = await daemon.log.until('watchdog: child passed memlimit');
    expect(passed).toMatchObject({ child: first, limitKb });
    expect(passed.memoryKb).toBeGreaterThan(limitKb);
    const second = await daemon.untilChildren(2);
    expect(daemon.log.all('watchdog: child ended')).toMatchObject([{ child: first, status: 0 }]);
    const last = await daemon.log.until('watchdog: memlimit is raised to twice what the child began with', 2);
    expect(last).toMatchObject({ child: second });
    expect(last.limitKb).toBeGreaterThan(2 * limitKb);
  });

  it("ends when its watchdog was killed; the pid file that stayed is in nobody's way", async () => {
    const { daemon, first, directory } = await detachTester();
    kill(daemon.watchdogPid, 'SIGKILL');
    await daemon.log.until('testing stopped');
    await untilGone(first);
    expect(daemon.log.all('stopping')).toMatchObject([{ signal: 'watchdog gone' }]);
    const next = await detach('surealived', directory);
    expect([next.err, next.status]).toEqual(['', 0]);
  });

  it('goes on in a new log file at SIGUSR1', async () => {
    const { daemon, directory } = await detachTester();
    const file = join(directory.path, 'surealived.log');
    renameSync(file, `${file}.1`);
    kill(daemon.watchdogPid, 'SIGUSR1');
    kill(daemon.watchdogPid, 'SIGUSR2'); // ipvssync's: it ends nobody here
    kill(daemon.watchdogPid, 'SIGHUP');
    await daemon.log.until('configuration reloaded');
    kill(daemon.watchdogPid, 'SIGTERM');
    await daemon.log.until('watchdog: child restarted');
    expect(readFileSync(`${file}.1`, 'utf8')).toContain('testing started');
  });

  it('is refused while the pid file names one that runs', async () => {
    const { daemon, directory } = await detachTester();
    const second = await detach('surealived', directory);
    const message = `${daemon.pidFile}: already running with pid ${daemon.watchdogPid}\n`;
    expect([second.err, second.status]).toEqual([message, 1]);
  });

  it.each([
    ['a bad configuration', { maxfd: 'many' }, SERVICES, /surealived\.cfg:\d+: maxfd: expected/],
    ['bad services', {}, SERVICES.replace('"10"', '"x"'), /^\/.*services\.xml:4:\d+: .*weight.*\n$/],
    [
      'hand-over files that cannot be had',
      { lock_sync_file: '/nonexistent/lock' },
      SERVICES,
      /cannot start: .*\/nonexistent\/lock/,
    ],
  ])(
    'says at once what is wrong with %s, and leaves nothing behind',
    async (_what, settings, xml, message) => {
      const directory = site(settings);
      directory.writeServices(xml);
      const daemon = await detach('surealived', directory);
      expect(daemon).toMatchObject({ status: 1, err: expect.stringMatching(message) });
      expect(existsSync(daemon.pidFile)).toBe(false);
    },
  );

  it('says that its port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as { port: number };
    const directory = site({ listen_port: port });
    const daemon = await detach('surealived', directory);
    expect([daemon.err, daemon.status]).toEqual([
      `surealived: cannot start: listen on 127.0.0.1 port ${port} (listen_addr, listen_port): EADDRINUSE\n`,
      1,
    ]);
    await vi.waitFor(() => expect(processesWith(directory.config)).toEqual([]), 30_000);
    expect(daemon.log.all(/^watchdog:/)).toEqual([]); // nobody told it to stop
  });

  it('warns where nothing will be logged', async () => {
    const daemon = await detach('surealived', site({ use_log: 'false' }));
    const message = 'surealived: nothing will be logged: set use_log or use_syslog\n';
    expect([daemon.err, daemon.status]).toEqual([message, 0]);
  });

  it('tests also where the log file and the pid file cannot be written, and says so', async () => {
    const directory = site({ log: '/nonexistent/log' });
    const services = join(directory.path, 'services.xml');
    const command = launch(directory, '--pid-file', '/nonexistent/pid', services);
    let err = '';
    command.stderr?.on('data', (text) => {
      err += text;
    });
    const [status] = await once(command, 'close');
    const started = processesWith(services);
    onTestFinished(async () => {
      for (const pid of started) kill(pid, 'SIGINT');
      for (const pid of started) await untilGone(pid);
    });
    expect([status, started.length]).toEqual([0, 2]);
    expect(err).toMatch(/^surealived: log file: ENOENT.*\nsurealived: pid file not written: ENOENT.*\n$/);
  });

  it('speaks to syslog, also after that was restarted', async () => {
    const directory = site();
    const socket = join(directory.path, 'syslog');
    let server = new DatagramServer(socket);
    writeFileSync(directory.config, `use_syslog true\nsyslog_socket ${socket}\nlog_format auto\n`, {
      flag: 'a',
    });
    const daemon = await detach('surealived', directory);
    const { watchdogPid } = daemon;
    expect(daemon).toMatchObject({ status: 0, err: '' });
    const started = await server.until(/testing started/);
    const [, child] = /surealived\[(\d+)\]/.exec(started) ?? [];
    expect(started).toMatch(
      /^<30>.{15} surealived\[\d+\]: testing started virtuals=1 reals=1 adminPort=\d+$/,
    );
    expect(await server.until(/child started/)).toMatch(
      RegExp(`surealived\\[${watchdogPid}\\]: watchdog: child started child=${child}$`),
    );
    server.close();
    kill(watchdogPid, 'SIGHUP');
    await daemon.log.until(/configuration reloaded/);
    server = new DatagramServer(socket);
    kill(watchdogPid, 'SIGHUP');
    expect(await server.until(/lost/)).toMatch(/messages lost count=\d+$/);
    await server.until(/configuration reloaded/);
  });

  it('starts nothing when the command that started it was killed meanwhile', async () => {
    const directory = site();
    const services = join(directory.path, 'services.xml');
    await withFileLock(directory.lock, { timeoutMs: 5_000, create: true }, async () => {
      const command = launch(directory, services); // its child waits for the lock
      const ended = once(command, 'close');
      await vi.waitFor(() => expect(processesWith(services)).toHaveLength(3), {
        timeout: 30_000,
        interval: 20,
      });
      const processes = processesWith(services);
      command.kill('SIGKILL');
      await ended;
      for (const pid of processes) await untilGone(pid);
    });
    expect(processesWith(services)).toEqual([]);
  });
});

describe('ipvssync -d', () => {
  function filledSite(): HandoverDirectory {
    const directory = site();
    writeFileSync(directory.lock, '');
    writeFileSync(directory.snapshot, SNAPSHOT.replace('DIFFS', directory.diffs));
    return directory;
  }

  it('follows, reads anew at SIGHUP and back at SIGUSR2, survives the death of its child, and ends at SIGTERM', async () => {
    const directory = filledSite();
    const daemon = await detach('ipvssync', directory);
    expect([daemon.err, daemon.status]).toEqual(['', 0]);
    expect(readFileSync(directory.tableFile, 'utf8')).toContain('-r 10.0.0.11:80 -g -w 10\n');
    const snapshot = readFileSync(directory.snapshot, 'utf8');
    writeFileSync(directory.snapshot, snapshot.replace('rweight=10', 'rweight=7'));
    kill(daemon.watchdogPid, 'SIGHUP');
    await daemon.log.until('table synchronised', 2);
    expect(readFileSync(directory.tableFile, 'utf8')).toContain('-w 7\n');
    kill(daemon.watchdogPid, 'SIGUSR2');
    await daemon.log.until('table is read back');
    kill(daemon.childPid, 'SIGKILL');
    const second = await daemon.untilChildren(2);
    const { watchdogPid } = daemon;
    kill(watchdogPid, 'SIGTERM');
    await untilGone(watchdogPid);
    expect(isAlive(second)).toBe(false);
    expect(existsSync(daemon.pidFile)).toBe(false);
    expect(readFileSync(directory.tableFile, 'utf8')).toContain('-w 7\n');
  });

  it('says what is missing', async () => {
    const directory = site();
    rmSync(directory.snapshot, { force: true });
    const daemon = await detach('ipvssync', directory);
    expect(daemon).toMatchObject({ status: 1, err: expect.stringMatching(/^ipvssync: .*missing; .*\n$/) });
  });
});

function sessionOf(pid: number): number {
  return Number(/^\d+ \(.*\) \S \d+ \d+ (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]);
}
