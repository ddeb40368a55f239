import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { askAdmin } from '../daemons/admin-client.js';
import { DaemonProcess, type LogLine } from '../daemons/daemon-process.js';
import { HandoverDirectory } from '../daemons/handover-directory.js';
import { RealServer } from '../daemons/real-server.js';

const WEB = 'vproto=tcp vaddr=192.0.2.1 vport=80';
const ADDRESSES = { a: '127.0.0.1', b: '127.0.0.2', c: '127.0.0.3' };
type Name = keyof typeof ADDRESSES;

/** Three servers in a virtual; each real is tested every 20 ms, and leaves IPVS when it fails where that is asked for. */
async function startSite(virtual: string, { removeOnFail = '0', weight = 5 } = {}) {
  const directory = new HandoverDirectory({ startup_delay_ms: 50 });
  const servers = new Map<Name, RealServer>();
  for (const [name, address] of Object.entries(ADDRESSES)) {
    const server = new RealServer(name, 'tcp', address, 0);
    await server.start();
    servers.set(name as Name, server);
  }
  const serverOf = (name: Name): RealServer => servers.get(name) ?? expect.unreachable(name);
  const xml = (attributes: string, more = ''): string => {
    const reals = [...servers].map(
      ([name, { port }]) =>
        `<real name="${name}" addr="${ADDRESSES[name]}" port="80" testport="${port}" weight="${weight}"/>`,
    );
    return `<surealived>
      <virtual name="web" addr="192.0.2.1" port="80" proto="tcp" sched="wrr" rt="masq" ${attributes}>
        <tester proto="tcp" loopdelay="0.02" timeout="5" remove_on_fail="${removeOnFail}"/>${reals.join('')}
      </virtual>${more}</surealived>`;
  };
  const services = directory.writeServices(xml(virtual));
  const start = () => new DaemonProcess('surealived', ['-c', directory.config, services]);
  return {
    directory,
    serverOf,
    start,
    configure: (attributes: string, more?: string) => writeFileSync(services, xml(attributes, more)),
    async [Symbol.asyncDispose]() {
      for (const server of servers.values()) await server.stop();
      directory[Symbol.dispose]();
    },
  };
}

const isOf = (name: Name) => (line: LogLine) => line.real === name;

/** The weights of a real in the lines of all diffs, and `gone` where it leaves. */
function weightsOf({ diffs }: HandoverDirectory, name: Name): readonly (number | 'gone')[] {
  const text = readdirSync(diffs)
    .sort()
    .map((file) => readFileSync(join(diffs, file), 'utf8'));
  const lines = text
    .join('')
    .matchAll(new RegExp(`^cmd=(chg|del)real .* rname=${name} .* rweight=(\\d+)`, 'gm'));
  return [...lines].map(([, command, weight]) => (command === 'del' ? 'gone' : Number(weight)));
}

/** The weights in the full snapshot, as `a=5 b=5`. */
function snapshotOf({ snapshot }: HandoverDirectory): string {
  const lines = readFileSync(snapshot, 'utf8').matchAll(/^real rname=(\w) .* rweight=(\d+)/gm);
  return [...lines].map(([, name, weight]) => `${name}=${weight}`).join(' ');
}

it('gives a real that recovers its weight back in steps, and one that was well from the start at once', async () => {
  await using site = await startSite('slowstart="1"');
  const { directory, serverOf } = site;
  await using daemon = site.start();
  await daemon.waitFor('testing started');
  expect(snapshotOf(directory)).toBe('a=5 b=5 c=5');
  await serverOf('a').stop();
  await daemon.waitFor('real offline', isOf('a'));
  await serverOf('a').start();
  expect(await daemon.waitFor('slow start begins', isOf('a'))).toMatchObject({ weight: 5, seconds: 1 });
  expect(await daemon.waitFor('slow start over', isOf('a'))).toMatchObject({ weight: 5, reason: 'complete' });
  await expect.poll(() => weightsOf(directory, 'a').at(-1)).toBe(5);
  const [offline, first, ...rest] = weightsOf(directory, 'a').map(Number);
  expect([offline, first]).toEqual([0, 1]);
  expect(rest).toEqual([...new Set(rest)].sort((x, y) => x - y)); // a busy machine may leave steps out
  expect(weightsOf(directory, 'b')).toEqual([]);
});

it('has the weight of now in snapshots, obeys an operator at once, and begins again with whole weights', async () => {
  await using site = await startSite('slowstart="3600"', { weight: 50 });
  const { directory, serverOf } = site;
  {
    await using daemon = site.start();
    const port = Number((await daemon.waitFor('testing started')).adminPort);
    for (const name of ['a', 'b'] as const) {
      await serverOf(name).stop();
      await daemon.waitFor('real offline', isOf(name));
      await serverOf(name).start();
      await daemon.waitFor('slow start begins', isOf(name));
    }
    const listing = await askAdmin(port, `rlist ${WEB}`);
    expect(listing).toContain('currwgt=1 confwgt=50 ronline=TRUE rstate=ONLINE rrampto=50\n');
    expect(await askAdmin(port, 'stats')).toContain('r_ramping      : 2\n');
    // another virtual is told by a full snapshot
    const other = `<virtual name="other" addr="192.0.2.2" port="80" proto="tcp" sched="rr" rt="masq">
      <tester proto="no-test"/></virtual>`;
    site.configure('slowstart="3600"', other);
    daemon.child.kill('SIGHUP');
    await daemon.waitFor('configuration reloaded');
    await expect.poll(() => snapshotOf(directory)).toBe('a=1 b=1 c=50');
    await askAdmin(port, `rset ${WEB} raddr=127.0.0.1 rport=80 rweight=40`);
    expect(weightsOf(directory, 'a').at(-1)).toBe(40);
    expect(await daemon.waitFor('slow start over', isOf('a'))).toMatchObject({ reason: 'operator' });
  }
  await using again = site.start();
  await again.waitFor('testing started');
  expect(snapshotOf(directory)).toBe('a=40 b=50 c=50');
});

it('keeps the last to fail in service, releases the first of them, and holds on after a restart', async () => {
  await using site = await startSite('min_online="50%"', { removeOnFail: '1' });
  const { directory, serverOf } = site;
  {
    await using daemon = site.start();
    const port = Number((await daemon.waitFor('testing started')).adminPort);
    for (const name of ['a', 'c', 'b'] as const) {
      await serverOf(name).stop();
      await daemon.waitFor('real offline', isOf(name));
    }
    expect(await daemon.waitFor('real held', isOf('c'))).toMatchObject({
      level: 'warn',
      weight: 5,
      floor: 2,
    });
    await daemon.waitFor('real held', isOf('b'));
    const weights = () => [weightsOf(directory, 'a'), weightsOf(directory, 'b'), weightsOf(directory, 'c')];
    await expect.poll(weights).toEqual([['gone'], [], []]);
    const listing = await askAdmin(port, `rlist ${WEB}`);
    expect(listing).toMatch(/ vheld=2$/m);
    expect(listing.match(/currwgt=5 confwgt=5 ronline=FALSE rstate=ONLINE rheld=TRUE$/gm)).toHaveLength(2);
    // an operator's word is the last
    await askAdmin(port, `rset ${WEB} raddr=127.0.0.3 rport=80 rstate=DOWN`);
    expect(weights()).toEqual([['gone', 5], [], ['gone']]);
    await askAdmin(port, `rset ${WEB} raddr=127.0.0.3 rport=80 rstate=ONLINE`);
    expect(weights()).toEqual([['gone', 5, 'gone'], [], ['gone', 5]]);
    await serverOf('a').start();
    await expect.poll(weights).toEqual([['gone', 5, 'gone', 5], [], ['gone', 5, 'gone']]);
    expect(await askAdmin(port, 'stats')).toMatch(/^r_held {9}: 1\nt_held_set {5}: 4$/m);
  }
  await using again = site.start();
  await again.waitFor('testing started');
  expect(snapshotOf(directory)).toBe('a=5 b=5');
  await again.waitFor('real held', isOf('b'));
  site.configure('min_online="0"');
  again.child.kill('SIGHUP');
  await again.waitFor('configuration reloaded');
  expect(weightsOf(directory, 'b').at(-1)).toBe('gone');
});
