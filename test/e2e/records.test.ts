import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { askAdmin } from '../daemons/admin-client.js';
import { DaemonProcess } from '../daemons/daemon-process.js';
import { HandoverDirectory } from '../daemons/handover-directory.js';
import { RealServer } from '../daemons/real-server.js';

/** Waits until a file of the directory is as it should be. @returns Its text. */
async function until(
  directory: string,
  name: string,
  isAsWanted: (text: string) => boolean,
): Promise<string> {
  const file = join(directory, name);
  const watcher = watch(directory);
  onTestFinished(() => watcher.close());
  for (;;) {
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    if (isAsWanted(text)) return text;
    await once(watcher, 'change');
  }
}

it('a running tester tells scripts, keeps statistics and dumps conversations', async () => {
  using directory = new HandoverDirectory({ log_stats: 'true', log_stats_combined: 'true', debug_comm: 1 });
  const told = join(directory.path, 'told');
  mkdirSync(told);
  const script = join(directory.path, 'notify.sh');
  writeFileSync(script, `#!/bin/sh\necho "$@" >> ${told}/log\n`);
  chmodSync(script, 0o755);
  const http = new RealServer('http', 'http', '127.0.0.1', 0);
  await http.start();
  const services = directory.writeServices(`<surealived>
    <virtual name="web" addr="192.0.2.1" port="80" proto="tcp" sched="wrr" rt="masq">
      <tester proto="http" testport="${http.port}" url="/x" host="site" loopdelay="0.1" debugcomm="1" logmicro="1"
        notify_up="${script}" notify_down="${script}" notify_min_reals="50%" real_notify_down="${script}"/>
      <real name="a" addr="127.0.0.1" port="80" weight="10"/>
    </virtual>
  </surealived>`);
  const args = ['-c', directory.config, services];
  const virtual = 'vname=web vaddr=192.0.2.1 vport=80 vproto=tcp vfwmark=0';
  {
    await using tester = new DaemonProcess('surealived', args);
    const port = Number((await tester.waitFor('testing started')).adminPort);
    const up = `notify=UP ${virtual}\n`;
    await until(told, 'log', (text) => text === up);
    await http.stop();
    // of a virtual and a real, in whatever order
    const lines = await until(told, 'log', (text) => text.split('\n').length === 4);
    expect(lines.slice(up.length).trim().split('\n').sort()).toEqual([
      `notify=DOWN ${virtual}`,
      `notify=DOWN ${virtual} rname=a raddr=127.0.0.1 rport=80`,
    ]);
    await http.start();
    await until(told, 'log', (text) => text.split('\n').length === 5);
    const connections = await askAdmin(port, 'connstats');
    expect(connections).toMatch(
      /^v:0 vname=web .* samples=20 total=\d+ savgconn=\d+us savgresp=\d+us savgtotal=/m,
    );
    expect(connections).toMatch(
      /^r:0\.0 real-stats vname=web .* total=\d+ connprob=0 arpprob=0 rstprob=[1-9]/m,
    );
    const dump = await until(join(directory.path, 'comm'), 'web_a', (text) => text.includes('sd_read <-'));
    expect(dump).toMatch(/^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\] {2}sd_write ->\nGET \/x HTTP\/1\.0\r\n/);
  }
  const rounds = readFileSync(join(directory.path, 'stats', 'sd_fullstats.log'), 'utf8');
  expect(rounds).toMatch(
    /^START Virtual: web start time=.*\n.* conntime=\d+us .*\nEND {3}Virtual: web .*\n-{14}\n/,
  );
  expect(readFileSync(join(directory.path, 'stats.dump'), 'utf8')).toMatch(
    /^vstats 192\.0\.2\.1:80:0:0 - 20 /,
  );
  {
    await using tester = new DaemonProcess('surealived', [...args, '--no-dumpfile']);
    expect(await tester.waitFor('state restored')).toMatchObject({ notified: 1 });
    await tester.waitFor('testing started');
    await http.stop();
    await tester.waitFor('virtual notified', ({ state }) => state === 'DOWN');
    // the state of before the restart was not told again
    const log = await until(told, 'log', (text) => text.includes('DOWN', text.lastIndexOf('UP')));
    expect(log.match(/notify=UP/g)).toHaveLength(2);
  }
});

it('kills a program of a notification after notify_timeout_sec', async () => {
  using directory = new HandoverDirectory({ notify_timeout_sec: 1 });
  const script = join(directory.path, 'notify.sh');
  writeFileSync(script, '#!/bin/sh\nexec sleep 600\n');
  chmodSync(script, 0o755);
  const services = directory.writeServices(`<surealived>
    <virtual name="web" addr="192.0.2.1" port="80" proto="tcp" sched="wrr" rt="masq">
      <tester proto="no-test" notify_up="${script}"/>
      <real name="a" addr="127.0.0.1" port="80" weight="10"/>
    </virtual>
  </surealived>`);
  await using tester = new DaemonProcess('surealived', ['-c', directory.config, services]);
  expect(await tester.waitFor('notification failed')).toMatchObject({ cause: 'killed after 1000 ms' });
});
