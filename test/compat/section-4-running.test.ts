import { once } from 'node:events';
import { chmodSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { expect } from 'vitest';
import { RealServer } from '../daemons/real-server.js';
import { RunningTester, withoutNewKeys } from './kit.js';
import { prove, shared } from './prove.js';

/** Notes its arguments, and whether it leads a session of its own. */
const SCRIPT = `#!/bin/sh
read -r stat < /proc/$$/stat
set -- "$@" leads=$(set -- $stat; [ "$6" = $$ ] && echo yes || echo no)
echo "$*" >> TOLD
`;

/** In `web` the one real breaks. In `slow` one real keeps the loop waiting for half a minute, the other refuses. */
function servicesXml(script: string, answering: number, silent: number): string {
  return `<surealived>
    <virtual name="web" addr="192.0.2.1" port="80" proto="tcp" sched="wrr" rt="dr">
      <tester proto="tcp" testport="${answering}" loopdelay="0.05" notify_up="${script}" notify_down="${script}"
        notify_min_reals="1" real_notify_down="${script}"/>
      <real name="w1" addr="127.0.0.1" port="80" weight="10"/>
    </virtual>
    <virtual name="slow" proto="fwmark" fwmark="7" sched="rr" rt="tun">
      <tester proto="http" testport="${silent}" url="/" host="h" loopdelay="0.05" timeout="30" remove_on_fail="1"
        real_notify_down="${script}"/>
      <real name="hangs" addr="127.0.0.1" port="0" weight="1" bindaddr="127.0.0.9"/>
      <real name="refuses" addr="127.0.0.2" port="0" weight="1" testport="1"/>
    </virtual>
  </surealived>`;
}

const WEB = 'vname=web vaddr=192.0.2.1 vport=80 vproto=tcp vfwmark=0';
const SLOW = 'vname=slow vaddr=0.0.0.0 vport=0 vproto=fwmark vfwmark=7';
const REFUSAL_TOLD = `notify=DOWN ${SLOW} rname=refuses raddr=127.0.0.2 rport=0`;

/** What was seen when the refusal in `slow` was told, and when `web` had gone down. */
interface Seen {
  readonly rounds: string;
  readonly diff: string;
  readonly first: string;
  readonly told: string;
  readonly stats: string;
  /** notify.dump. */
  readonly dump: string;
  /** What was told when `web` was up again. */
  readonly again: string;
  /** Where the tests of the real that hangs came from. */
  readonly sources: ReadonlySet<string | undefined>;
}

let played: Promise<Seen> | undefined;
const seen = (): Promise<Seen> => {
  played ??= play();
  return played;
};

async function play(): Promise<Seen> {
  const answering = new RealServer('a', 'tcp', '127.0.0.1', 0);
  await answering.start();
  const sources = new Set<string | undefined>();
  const silent = createServer((socket) => {
    sources.add(socket.remoteAddress);
    socket.on('error', () => undefined); // a tester resets its connections
  }).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  let services = '';
  await using tester = await RunningTester.start('<surealived/>', {
    settings: { log_stats_combined: 'true' },
    prepare(directory) {
      const script = join(directory.path, 'notify.sh');
      writeFileSync(script, SCRIPT.replace('TOLD', join(directory.path, 'told')));
      chmodSync(script, 0o755);
      services = servicesXml(script, answering.port, (silent.address() as AddressInfo).port);
      directory.writeServices(services);
    },
  });
  const isTold = (begin: string) => (text: string) => text.split('\n').some((line) => line.startsWith(begin));
  await tester.until('told', isTold(REFUSAL_TOLD));
  const [diffFile = ''] = readdirSync(tester.directory.diffs);
  const diff = await tester.until(join('diffs', diffFile), (text) => text !== '');
  const first = await tester.until('told', isTold(`notify=UP ${WEB}`));
  const rounds = await tester.until('stats/sd_fullstats.log', (text) => text.includes('END   Virtual: web'));
  await answering.stop();
  await tester.until('told', isTold(`notify=DOWN ${WEB} leads`));
  const told = await tester.until('told', isTold(`notify=DOWN ${WEB} rname`));
  const stats = await tester.send('stats\n');
  const dump = await tester.until('notify.dump', (text) => text.includes('DOWN'));
  await answering.start();
  const again = await tester.until('told', (text) => text.split(`notify=UP ${WEB}`).length === 3);
  await answering.stop();
  silent.close();
  return { rounds, diff, first, told, again, stats, dump, sources };
}

/** A real that is not tested for a long while, with dumps of before. */
function startWith(dumps: Readonly<Record<string, string>>, writtenAt = new Date()): Promise<RunningTester> {
  const services = `<surealived>
    <virtual name="web" addr="192.0.2.1" port="80" proto="tcp" sched="wrr" rt="dr">
      <tester proto="tcp" testport="1" notify_up="/bin/true" notify_down="/bin/true" notify_min_reals="1"/>
      <real name="w1" addr="127.0.0.1" port="80" weight="10"/>
    </virtual>
  </surealived>`;
  return RunningTester.start(services, {
    settings: { startup_delay_ms: 3_600_000 },
    prepare({ path }) {
      for (const [name, text] of Object.entries(dumps)) {
        writeFileSync(join(path, name), text);
        utimesSync(join(path, name), writtenAt, writtenAt);
      }
    },
  });
}

const DUMPS = {
  'notify.dump': 'vnotify 192.0.2.1:80:0:0 - state=UP\n',
  'offline.dump': '192.0.2.1:80:0:0 - 127.0.0.1:80\n',
};
const restarted = shared(() => startWith(DUMPS));

prove('4 Testing and state: a running tester', {
  async 'a change is acted on at once: diff line and notification'() {
    const { diff, rounds } = await seen();
    const virtual = 'vname=slow vproto=fwmark vaddr=0.0.0.0 vport=0 vfwmark=7 vrt=tun vsched=rr';
    expect(withoutNewKeys(diff)).toBe(
      `cmd=delreal ${virtual} rname=refuses raddr=127.0.0.2 rport=0 rweight=0\n`,
    );
    expect(rounds).not.toContain('Virtual: slow');
  },
  async 'notifications have the arguments of the original, one of a virtual comes after the first loop'() {
    const { first, told, rounds } = await seen();
    expect(rounds).toContain('END   Virtual: web');
    expect(first.split('\n').filter((line) => line.includes('web'))).toEqual([`notify=UP ${WEB} leads=yes`]);
    expect(told.trim().split('\n').sort()).toEqual([
      `${REFUSAL_TOLD} leads=yes`,
      `notify=DOWN ${WEB} leads=yes`,
      `notify=DOWN ${WEB} rname=w1 raddr=127.0.0.1 rport=80 leads=yes`,
      `notify=UP ${WEB} leads=yes`,
    ]);
  },
  async 'a virtual is told of again when it is up again'() {
    const { told, again } = await seen();
    expect(again).toBe(`${told}notify=UP ${WEB} leads=yes\n`);
  },
  async 'scripts run detached'() {
    expect((await seen()).told).not.toContain('leads=no');
  },
  async 'a refused connection is counted as rst'() {
    const { stats } = await seen();
    expect(Number(/^t_rst_problem {2}: (\d+)$/m.exec(stats)?.[1])).toBeGreaterThanOrEqual(2);
    expect(stats).toMatch(/^t_conn_problem : 0$/m);
  },
  async 'a test comes from bindaddr, which the original only reads'() {
    expect((await seen()).sources).toEqual(new Set(['127.0.0.9']));
  },
  async 'a real that offline.dump names starts offline'() {
    const tester = await restarted();
    expect(await tester.send('rlist vproto=tcp vaddr=192.0.2.1 vport=80\n')).toContain(
      'r:0 rname=w1 raddr=127.0.0.1 rport=80 currwgt=0 confwgt=10 ronline=FALSE rstate=ONLINE\n',
    );
    expect(tester.read('ipvsfull.cfg')).toContain('real rname=w1 raddr=127.0.0.1 rport=80 rweight=0\n');
  },
  async 'what notify.dump tells survives a restart, but not a reboot'() {
    expect((await seen()).dump).toBe('vnotify 192.0.2.1:80:0:0 - state=DOWN\n');
    const { process } = await restarted();
    expect(await process.waitFor('state restored')).toMatchObject({ notified: 1 });
    await using rebooted = await startWith(DUMPS, new Date(2001, 1, 1));
    expect(await rebooted.process.waitFor('state restored')).toMatchObject({ notified: 0 });
  },
});
