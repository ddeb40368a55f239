import { readFileSync, writeFileSync } from 'node:fs';
import type { Service } from 'ipvssync/ipvs/table';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askAdmin } from '../daemons/admin-client.js';
import { DaemonProcess } from '../daemons/daemon-process.js';
import { HandoverDirectory } from '../daemons/handover-directory.js';
import { RealServer } from '../daemons/real-server.js';
import { TableWatch } from '../daemons/table-watch.js';

const SEEN_TIMEOUT_MS = 10_000;

/** Both daemons, three real servers and a table in memory. */
class Site implements AsyncDisposable {
  readonly directory: HandoverDirectory;
  readonly servers: readonly RealServer[];
  readonly services: string;
  tester!: DaemonProcess;
  synchroniser!: DaemonProcess;
  table!: TableWatch;
  #adminPort = 0;

  private constructor(directory: HandoverDirectory, servers: readonly RealServer[], services: string) {
    this.directory = directory;
    this.servers = servers;
    this.services = services;
  }

  static async start(): Promise<Site> {
    const directory = new HandoverDirectory();
    const http = new RealServer('http', 'http', '127.0.0.1', 0);
    const tcp = new RealServer('tcp', 'tcp', '127.0.0.1', 0);
    const six = new RealServer('six', 'http', '::1', 0);
    for (const server of [http, tcp, six]) await server.start();
    const site = new Site(directory, [http, tcp, six], directory.writeServices(servicesXml(http, tcp, six)));
    await site.startTester();
    await site.startSynchroniser();
    site.table = new TableWatch(directory.tableFile);
    return site;
  }

  async startTester(): Promise<void> {
    this.tester = new DaemonProcess('surealived', ['-c', this.directory.config, this.services]);
    this.#adminPort = Number((await this.tester.waitFor('testing started')).adminPort);
  }

  async startSynchroniser(...args: string[]): Promise<void> {
    const { config, tableFile } = this.directory;
    this.synchroniser = new DaemonProcess('ipvssync', [
      '-c',
      config,
      '--table',
      `memory:${tableFile}`,
      ...args,
    ]);
    await this.synchroniser.waitFor('table synchronised');
  }

  ask(command: string): Promise<string> {
    return askAdmin(this.#adminPort, command);
  }

  /** Waits until the weights of the reals of a virtual are these; `undefined` for a real that is not there. */
  async untilWeights(service: string, weights: Readonly<Record<string, number | undefined>>): Promise<void> {
    const matches = (services: readonly Service[]): boolean => {
      const found = weightsOf(services, service);
      return Object.entries(weights).every(([real, weight]) => found[real] === weight);
    };
    const what = `${service} with ${JSON.stringify(weights)}`;
    await this.table.until(what, matches, SEEN_TIMEOUT_MS).catch((error: Error) => {
      const logs = `${this.tester.describeLog()}\n${this.synchroniser.describeLog()}`;
      throw new Error(
        `${error.message}\nlast seen ${JSON.stringify(weightsOf(this.table.read(), service))}\n${logs}`,
      );
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tester.stop();
    await this.synchroniser.stop();
    this.table?.[Symbol.dispose]();
    for (const server of this.servers) await server.stop();
    this.directory[Symbol.dispose]();
  }
}

function servicesXml(http: RealServer, tcp: RealServer, six: RealServer): string {
  return `<surealived>
    <virtual name="web" addr="192.0.2.1" port="80" proto="tcp" sched="wrr" rt="masq">
      <tester proto="http" testport="${http.port}" url="/" host="site" loopdelay="0.2" timeout="2"/>
      <real name="a" addr="127.0.0.1" port="80" weight="10"/>
      <real name="b" addr="127.0.0.3" port="80" weight="20" testport="1"/>
    </virtual>
    <virtual name="mark" proto="fwmark" fwmark="7" sched="wlc" rt="dr" pers="60">
      <tester proto="tcp" testport="${tcp.port}" loopdelay="0.2" timeout="2" remove_on_fail="1"/>
      <real name="c" addr="127.0.0.1" port="0" weight="5"/>
      <real name="d" addr="127.0.0.2" port="0" weight="5" testport="${tcp.port}"/>
    </virtual>
    <virtual name="six" addr="2001:db8::1" port="443" proto="tcp" sched="rr" rt="tun">
      <tester proto="http" testport="${six.port}" url="/" host="site" loopdelay="0.2"/>
      <real name="e" addr="::1" port="443" weight="7"/>
    </virtual>
  </surealived>`;
}

function weightsOf(services: readonly Service[], name: string): Record<string, number> {
  const service = services.find(({ address, fwmark }) => `${fwmark || address.text}` === name);
  return Object.fromEntries(
    service?.destinations.map(({ address, port, weight }) => [`${address.text} ${port}`, weight]) ?? [],
  );
}

describe('the main job, from services file to table', () => {
  let site: Site;
  beforeEach(async () => {
    site = await Site.start();
  });
  afterEach(async () => {
    await site[Symbol.asyncDispose]();
  });

  /** What has failed from the beginning is in the table then: nothing of it comes once the tester has ended. */
  async function untilAllIsTested(): Promise<void> {
    await site.untilWeights('192.0.2.1', { '127.0.0.1 80': 10, '127.0.0.3 80': 0 });
    await site.untilWeights('7', { '127.0.0.1 0': 5, '127.0.0.2 0': undefined });
  }

  it('takes a stopped server to weight 0 or out of the table, and back', async () => {
    const [http, tcp, six] = site.servers;
    await site.untilWeights('192.0.2.1', { '127.0.0.1 80': 10 });
    await http?.stop();
    await site.untilWeights('192.0.2.1', { '127.0.0.1 80': 0 });
    await tcp?.stop();
    await site.untilWeights('7', { '127.0.0.1 0': undefined });
    await six?.stop();
    await site.untilWeights('2001:db8::1', { '::1 443': 0 });
    for (const server of site.servers) await server.start();
    await site.untilWeights('192.0.2.1', { '127.0.0.1 80': 10 });
    await site.untilWeights('7', { '127.0.0.1 0': 5 });
    await site.untilWeights('2001:db8::1', { '::1 443': 7 });
  });

  it('does at once what an operator sets', async () => {
    const real = 'vproto=tcp vaddr=192.0.2.1 vport=80 raddr=127.0.0.1 rport=80';
    expect(await site.ask(`rset ${real} rstate=OFFLINE`)).toBe(
      'Set: rstate=OFFLINE, weight=10, inpercent=FALSE\n',
    );
    await site.untilWeights('192.0.2.1', { '127.0.0.1 80': 0 });
    await site.ask(`rset ${real} rstate=DOWN`);
    await site.untilWeights('192.0.2.1', { '127.0.0.1 80': undefined });
    await site.ask(`rset ${real} rstate=ONLINE rweight=50%`);
    await site.untilWeights('192.0.2.1', { '127.0.0.1 80': 5 });
    await site.ask(`rset ${real} rweight=77`);
    await site.untilWeights('192.0.2.1', { '127.0.0.1 80': 77 });
  });

  it('keeps the table while the tester is dead, and goes on when it is back', async () => {
    await untilAllIsTested();
    await site.tester.stop('SIGKILL');
    const before = site.table.read();
    await site.servers[0]?.stop();
    expect(site.table.read()).toEqual(before);
    await site.startTester();
    await site.untilWeights('192.0.2.1', { '127.0.0.1 80': 0 });
  });

  it('catches up when the synchroniser was dead meanwhile', async () => {
    await site.untilWeights('192.0.2.1', { '127.0.0.1 80': 10 });
    await site.synchroniser.stop('SIGKILL');
    await site.servers[0]?.stop();
    await site.tester.waitFor('real offline', ({ real }) => real === 'a');
    await site.startSynchroniser();
    await site.untilWeights('192.0.2.1', { '127.0.0.1 80': 0 });
  });

  it('does not act on a snapshot that does not parse, and takes the next good one', async () => {
    const { directory, synchroniser, table } = site;
    await untilAllIsTested();
    await site.tester.stop();
    const before = table.read();
    const good = readFileSync(directory.snapshot, 'utf8');
    writeFileSync(directory.snapshot, good.replace(/vsched=\w+/, 'vsched'));
    writeFileSync(directory.reloadFlag, '');
    const refusal = await synchroniser.waitFor('hand-over files refused, the table stays');
    expect(refusal.reason).toContain(`${directory.snapshot}:5: expected key=value, got "vsched"`);
    expect(table.read()).toEqual(before);
    const edited = good.replace('rweight=10', 'rweight=11');
    writeFileSync(directory.snapshot, edited);
    const torn = await synchroniser.waitFor('hand-over files refused, the table stays', ({ reason }) =>
      String(reason).includes('torn'),
    );
    expect(torn.reason).toContain(`${directory.snapshot}:1: torn: expected `);
    expect(table.read()).toEqual(before);
    writeFileSync(directory.snapshot, edited.replace(/ format=.*/, ''));
    await site.untilWeights('192.0.2.1', { '127.0.0.1 80': 11 });
  });
});
