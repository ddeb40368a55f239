import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LOG_LEVELS, raiseLevel } from '@surealived/shared/log';
import { DEFAULT_CONFIG_PATH } from '@surealived/shared/surealived-cfg';
import { expect } from 'vitest';
import { HandoverDirectory } from '../daemons/handover-directory.js';
import { RunningTester, readFixture, run, TemporaryDirectory } from './kit.js';
import { prove, shared } from './prove.js';

const REFUSING = `<surealived>
  <virtual name="web" addr="192.0.2.1" port="80" proto="tcp" sched="wrr" rt="dr">
    <tester proto="tcp" testport="1" loopdelay="0.05" retries2fail="2"/>
    <real name="w1" addr="127.0.0.1" port="80" weight="10"/>
  </virtual>
</surealived>
`;
/** Names the real, in other words than ours. */
const DUMPED = '192.0.2.1:80:0:0  -  127.0.0.1:80\n';

/** Writes neither snapshots nor offline.dump, and says more than the configuration wants. */
const quiet = shared(() =>
  RunningTester.start(REFUSING, {
    args: ['-n', '-k', '-vv'],
    settings: { logging: 'warn' },
    prepare: ({ path }) => writeFileSync(join(path, 'offline.dump'), DUMPED),
  }),
);

prove('1 Options of surealived', {
  async '-h --help tells every option with the letters of the original'() {
    const { status, out } = await run('surealived', '-h');
    expect(status).toBe(0);
    expect(out).toMatch(/^Usage: surealived \[options\] <services\.xml>\n/);
    for (const names of [
      '-h, --help',
      '-t, --test-config',
      '-c, --config',
      '-v, --verbose',
      '-d, --daemonize',
      '-n, --no-sync',
      '-k, --no-dumpfile',
      '-V, --version',
    ])
      expect(out).toContain(`  ${names} `);
  },
  async '-V --version prints the version'() {
    expect(await run('surealived', '-V')).toMatchObject({
      status: 0,
      out: expect.stringMatching(/^\d+\.\d+\.\d+(-[\w.]+)?\n$/),
    });
  },
  async '-t --test-config exits 0 for a good services file and 1 for a bad one'() {
    using directory = new HandoverDirectory();
    const good = directory.writeServices(readFixture('web.xml'));
    expect(await run('surealived', '-t', '-c', directory.config, good)).toMatchObject({ status: 0, err: '' });
    const bad = directory.writeServices(readFixture('web.xml').replace(' sched="wrr"', ''));
    const { status, err } = await run('surealived', '--test-config', '-c', directory.config, bad);
    expect([status, err]).toEqual([1, expect.stringContaining('attribute "sched": missing')]);
  },
  async '-c --config names the configuration; the default is /etc/surealived/surealived.cfg'() {
    expect(DEFAULT_CONFIG_PATH).toBe('/etc/surealived/surealived.cfg');
    using directory = new TemporaryDirectory();
    const [config, services] = ['surealived.cfg', 'services.xml'].map((name) => join(directory.path, name));
    writeFileSync(String(services), readFixture('web.xml'));
    writeFileSync(String(config), 'epoll_size none\n');
    const { status, err } = await run('surealived', '-t', '--config', String(config), String(services));
    expect(status).toBe(1);
    expect(err).toContain(`${config}:1: epoll_size:`);
  },
  async '-n --no-sync writes no snapshots'() {
    const { process, directory } = await quiet();
    await process.waitFor('real offline');
    const { snapshot, reloadFlag, diffs } = directory;
    expect([snapshot, reloadFlag, diffs].filter((file) => existsSync(file))).toEqual([]);
  },
  async '-k --no-dumpfile neither loads nor writes offline.dump'() {
    const tester = await quiet();
    expect(await tester.process.waitFor('state restored')).toMatchObject({ offline: 0 });
    await tester.process.waitFor('real offline');
    await tester.process.stop();
    expect(tester.read('offline.dump')).toBe(DUMPED);
  },
  async '-v --verbose raises the level: error < warn < info < debug < dbdet'() {
    expect((await quiet()).process.describeLog()).toContain('"msg":"test failed"'); // of level debug
    expect(LOG_LEVELS).toEqual(['error', 'warn', 'info', 'debug', 'dbdet']);
    expect([0, 1, 4].map((times) => raiseLevel('warn', times))).toEqual(['warn', 'info', 'dbdet']);
  },
  async 'an unknown option, or no services file, is refused'() {
    const [unknown, none] = await Promise.all([
      run('surealived', '--no-such-option', 'x.xml'),
      run('surealived'),
    ]);
    expect([unknown.status, none.status]).toEqual([2, 2]);
    expect(unknown.err).toMatch(/^surealived: .*--no-such-option/);
  },
});

/** A directory with the hand-written snapshot. */
function handedOver(snapshot = readFixture('ipvsfull.cfg')): HandoverDirectory {
  const directory = new HandoverDirectory();
  mkdirSync(directory.diffs);
  writeFileSync(directory.lock, '');
  writeFileSync(directory.snapshot, snapshot);
  return directory;
}

prove('1 Options of ipvssync', {
  async '-h --help tells every option with the letters of the original'() {
    const { status, out } = await run('ipvssync', '-h');
    expect(status).toBe(0);
    for (const names of [
      '-h, --help',
      '-t, --test-config',
      '-c, --config',
      '-v, --verbose',
      '-d, --daemonize',
      '-u, --del-unmanaged',
      '    --del-umanaged',
      '-k, --keep-diffs',
      '-V, --version',
    ])
      expect(out).toContain(`  ${names} `);
  },
  async '-V --version prints the version'() {
    expect(await run('ipvssync', '--version')).toMatchObject({
      status: 0,
      out: expect.stringMatching(/^\d+\.\d+\.\d+(-[\w.]+)?\n$/),
    });
  },
  async '-t --test-config checks the full snapshot of the configuration, and exits 0 or 1'() {
    using good = handedOver();
    expect(await run('ipvssync', '-t', '-c', good.config)).toMatchObject({ status: 0, err: '' });
    using bad = handedOver(readFixture('ipvsfull.cfg').replace('rweight=20', 'rweight=many'));
    const { status, err } = await run('ipvssync', '-t', '-c', bad.config);
    expect([status, err]).toEqual([1, expect.stringContaining(`${bad.snapshot}:7: rweight: `)]);
  },
  async '-u --del-umanaged, also spelt --del-unmanaged, deletes unknown virtuals'() {
    using directory = handedOver();
    const table = join(directory.path, 'before.rules');
    writeFileSync(table, '-A -t 192.168.9.9:80 -s rr\n');
    const plan = ['--plan', '-c', directory.config, '--table', `memory:${table}`];
    const plans = [[], ['-u'], ['--del-umanaged'], ['--del-unmanaged']].map(async (option) => {
      const { out } = await run('ipvssync', ...option, ...plan);
      return out.includes('- tcp 192.168.9.9:80\n');
    });
    expect(await Promise.all(plans)).toEqual([false, true, true, true]);
  },
  async '-k --keep-diffs is known, an unknown option is refused'() {
    using directory = handedOver();
    const common = ['-c', directory.config, '-t'];
    const runs = [['-k'], ['--keep-diffs'], ['-n']].map((option) => run('ipvssync', ...option, ...common));
    expect((await Promise.all(runs)).map(({ status }) => status)).toEqual([0, 0, 2]);
  },
  async 'refuses to start without the full snapshot or without the lock file'() {
    for (const missing of ['snapshot', 'lock'] as const) {
      using directory = new HandoverDirectory();
      mkdirSync(directory.diffs);
      const there = missing === 'lock' ? directory.snapshot : directory.lock;
      writeFileSync(there, readFixture('ipvsfull.cfg'));
      const { status, err } = await run('ipvssync', '-c', directory.config, '--table', 'memory');
      expect([status, err]).toEqual([1, expect.stringContaining(`${directory[missing]}: missing`)]);
    }
  },
});
