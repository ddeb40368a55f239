import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { askAdmin } from '../daemons/admin-client.js';
import { DaemonProcess } from '../daemons/daemon-process.js';
import { FileCheck, type FlakyServer, NameServer, TlsServer } from '../daemons/flaky-servers.js';
import { HandoverDirectory } from '../daemons/handover-directory.js';
import { RealServer } from '../daemons/real-server.js';
import { makeCertificate } from '../servers/certificate.js';

const SEEN = { timeout: 10_000, interval: 50 };

interface Real {
  /** Of its virtual. */
  readonly virtual: string;
  readonly name: string;
  readonly online: boolean;
  readonly weight: number;
  readonly failure: string | null;
  readonly tests: number;
}

/** A surealived with so many workers, in a directory of its own. */
class Site implements AsyncDisposable {
  readonly workers: number;
  readonly directory: HandoverDirectory;
  readonly daemon: DaemonProcess;
  #port = 0;

  constructor(workers: number, xml: string) {
    this.workers = workers;
    this.directory = new HandoverDirectory({ workers });
    const services = this.directory.writeServices(xml);
    this.daemon = new DaemonProcess('surealived', ['-c', this.directory.config, services]);
  }

  async begin(): Promise<void> {
    this.#port = Number((await this.daemon.waitFor('testing started')).adminPort);
  }

  ask(command: string): Promise<string> {
    return askAdmin(this.#port, command);
  }

  async reals(): Promise<readonly Real[]> {
    const { virtuals } = JSON.parse(await this.ask('rlist --json')) as {
      virtuals: { name: string; reals: Omit<Real, 'virtual'>[] }[];
    };
    return virtuals.flatMap(({ name, reals }) => reals.map((real) => ({ ...real, virtual: name })));
  }

  /** Waits until each real is as it should be. */
  async until(isAsWanted: (real: Real) => boolean): Promise<void> {
    const others = async () => (await this.reals()).filter((real) => !isAsWanted(real));
    await expect.poll(others, SEEN).toEqual([]);
  }

  /** Everything that a reader of the files sees, and what the commands tell, but for times and counts. */
  async results(): Promise<unknown> {
    const { virtuals } = JSON.parse(await this.ask('vlist --json')) as {
      virtuals: { name: string; addr: string }[];
    };
    const histories: Record<string, readonly string[]> = {};
    for (const { name: virtual, addr } of virtuals) {
      const answer = await this.ask(`history --json vproto=tcp vaddr=${addr} vport=80`);
      const { reals } = JSON.parse(answer) as {
        reals: { name: string; transitions: { event: string }[]; output: string | null }[];
      };
      for (const { name, transitions, output } of reals)
        histories[`${virtual} ${name}`] = [...transitions.map(({ event }) => event), output ?? ''];
    }
    return {
      reals: (await this.reals()).map(({ virtual, name, online, weight, failure }) => {
        return [virtual, name, online, weight, failure];
      }),
      histories,
      figures: (await this.ask('stats')).match(/^(t_on|t_off|offline_|override_|t_obst).*$/gm),
      snapshot: readFileSync(this.directory.snapshot, 'utf8').match(/^(virtual|real) .*$/gm),
      diffs: this.#diffs(),
    };
  }

  /** The diff lines of each real, in their order. */
  #diffs(): Record<string, readonly string[]> {
    const { diffs } = this.directory;
    const lines: Record<string, string[]> = {};
    for (const file of readdirSync(diffs).sort()) {
      for (const line of readFileSync(join(diffs, file), 'utf8').match(/^cmd=.*(?= at=)/gm) ?? []) {
        const key = line.replace(/^.* (vname=\S+) .* (rname=\S+) .*$/, '$1 $2');
        lines[key] = [...(lines[key] ?? []), line];
      }
    }
    return Object.fromEntries(Object.entries(lines).sort());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon.stop();
    this.directory[Symbol.dispose]();
  }
}

/** What is tested, by the kind of its tests: each in three virtuals of two reals, with other thresholds. */
const FAILURES: Readonly<Record<string, string>> = {
  tcp: 'refused: connect: ECONNREFUSED',
  http: 'refused: connect: ECONNREFUSED',
  tls: 'refused: connect: ECONNREFUSED',
  dns: 'refused: recv: ECONNREFUSED',
  exec: 'content: exit status 1',
};

function servicesXml(servers: Readonly<Record<string, FlakyServer>>, program: string): string {
  const testers: Readonly<Record<string, string>> = {
    tcp: 'proto="tcp"',
    http: 'proto="http" url="/" host="www.example.org"',
    tls: 'proto="http" url="/" host="www.example.org" SSL="1"',
    dns: 'proto="dns" request="www.example.org" qtype="A"',
    exec: `proto="exec" exec="${program}"`,
  };
  const virtuals = Object.entries(testers).flatMap(([kind, tester], k) =>
    [1, 2, 3].map(
      (n) => `
  <virtual name="${kind}${n}" addr="192.0.2.${k * 10 + n}" port="80" proto="tcp" sched="wrr" rt="masq">
    <tester ${tester} testport="${servers[kind]?.port}" loopdelay="0.1" timeout="5"
      retries2fail="${n}" retries2ok="${n}" ${n === 3 ? 'remove_on_fail="1"' : ''}/>
    <real name="a" addr="127.0.0.1" port="80" weight="10"/>
    <real name="b" addr="127.0.0.1" port="81" weight="20"/>
  </virtual>`,
    ),
  );
  return `<surealived>${virtuals.join('')}
  <virtual name="free" addr="192.0.2.99" port="80" proto="tcp" sched="wrr" rt="masq">
    <tester proto="no-test"/>
    <real name="a" addr="127.0.0.1" port="80" weight="10"/>
  </virtual>
</surealived>\n`;
}

it('come to the same results, however many there are', { timeout: 60_000 }, async () => {
  using shared = new HandoverDirectory();
  const exec = new FileCheck(shared.path);
  const servers = {
    tcp: new RealServer('tcp', 'tcp', '127.0.0.1', 0),
    http: new RealServer('http', 'http', '127.0.0.1', 0),
    tls: new TlsServer(makeCertificate(shared.path, 'DNS:www.example.org')),
    dns: new NameServer(),
    exec,
  };
  const heal = () => Promise.all(Object.values(servers).map((server) => server.start()));
  const break_ = () => Promise.all(Object.values(servers).map((server) => server.stop()));
  await heal();
  const xml = servicesXml(servers, exec.program);
  await using none = new Site(0, xml);
  await using one = new Site(1, xml);
  await using three = new Site(3, xml);
  const sites = [none, one, three];
  const all = (act: (site: Site) => Promise<unknown>) => Promise.all(sites.map(act));
  const isFree = ({ virtual }: Real): boolean => virtual === 'free';

  await all((site) => site.begin());
  await all((site) => site.until(({ online, tests, failure }) => online && tests > 0 && failure === null));
  await break_();
  await all((site) =>
    site.until(
      (real) => isFree(real) || (!real.online && real.failure === FAILURES[real.virtual.slice(0, -1)]),
    ),
  );
  await all((site) =>
    site.ask('rset vproto=tcp vaddr=192.0.2.1 vport=80 raddr=127.0.0.1 rport=81 rweight=50%'),
  );
  await all((site) =>
    site.ask('rset vproto=tcp vaddr=192.0.2.31 vport=80 raddr=127.0.0.1 rport=80 rstate=OFFLINE'),
  );
  await heal();
  await all((site) => site.until(({ online, failure }) => online && failure === null));
  await servers.tcp.stop();
  const isTcp = ({ virtual }: Real): boolean => virtual.startsWith('tcp');
  await all((site) => site.until((real) => real.online !== isTcp(real)));
  await all((site) => site.until((real) => !isTcp(real) || real.failure === FAILURES.tcp));

  const [expected, ...others] = await all((site) => site.results());
  expect(expected).toMatchObject({
    histories: { 'tcp1 b': ['offline', 'set', 'online', 'offline', ''], 'free a': [''] },
  });
  for (const results of others) expect(results).toEqual(expected);
  await break_();
  for (const site of sites) expect([site.workers, await site.daemon.stop()]).toEqual([site.workers, 0]);
});
