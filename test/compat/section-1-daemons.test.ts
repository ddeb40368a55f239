import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';
import { DaemonProcess } from '../daemons/daemon-process.js';
import { DetachedDaemon, isAlive, kill, untilGone } from '../daemons/detached-daemon.js';
import { HandoverDirectory } from '../daemons/handover-directory.js';
import { RunningTester, readFixture } from './kit.js';
import { prove } from './prove.js';

prove('1 Daemons and signals', {
  async '-d: a watchdog and its child; a dead child is there again after about 1 s; INT stops all'() {
    using directory = new HandoverDirectory();
    const services = directory.writeServices(readFixture('web.xml'));
    await using daemon = await DetachedDaemon.start('surealived', [services], directory);
    expect([daemon.status, daemon.err]).toEqual([0, '']);
    const first = await daemon.untilChildren(1);
    const diedAtMs = performance.now();
    kill(first, 'SIGKILL');
    const second = await daemon.untilChildren(2);
    expect(performance.now() - diedAtMs).toBeGreaterThan(900);
    expect(performance.now() - diedAtMs).toBeLessThan(4000);
    const { watchdogPid } = daemon;
    kill(watchdogPid, 'SIGINT');
    await untilGone(watchdogPid);
    expect(isAlive(second)).toBe(false);
  },
  async 'not daemonized, they log to stderr'() {
    await using tester = await RunningTester.start(readFixture('web.xml'), { settings: { use_log: 'true' } });
    const { config, path, tableFile } = tester.directory;
    await using synchroniser = new DaemonProcess('ipvssync', [
      '-c',
      config,
      '--table',
      `memory:${tableFile}`,
    ]);
    await synchroniser.waitFor('table synchronised');
    // both were heard, and not through the files that the configuration names for daemons
    expect(readdirSync(path).filter((name) => name.endsWith('.log'))).toEqual([]);
  },
  async 'ipvssync: HUP touches the reload flag and reads anew, TERM leaves the table as it is'() {
    using directory = new HandoverDirectory();
    mkdirSync(directory.diffs);
    writeFileSync(directory.lock, '');
    writeFileSync(directory.snapshot, readFixture('ipvsfull.cfg'));
    const args = ['-c', directory.config, '--table', `memory:${directory.tableFile}`];
    let snapshotsRead = 0;
    await using synchroniser = new DaemonProcess('ipvssync', args, ({ msg }) => {
      if (msg === 'snapshot read') snapshotsRead++;
    });
    await synchroniser.waitFor('table synchronised');
    expect(snapshotsRead).toBe(1);
    writeFileSync(directory.snapshot, readFixture('ipvsfull.cfg').replace('rweight=10', 'rweight=11'));
    synchroniser.child.kill('SIGHUP');
    await synchroniser.waitFor('table synchronised', ({ operations }) => operations === 1);
    expect(snapshotsRead).toBe(2);
    expect(existsSync(directory.reloadFlag)).toBe(false);
    const before = readFileSync(directory.tableFile, 'utf8');
    expect(before).toContain('-a -t 192.168.0.1:80 -r 10.0.0.11:80 -g -w 11');
    expect(await synchroniser.stop('SIGTERM')).toBe(0);
    expect(readFileSync(directory.tableFile, 'utf8')).toBe(before);
  },
});
