import { linkSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { virtualKey } from '@surealived/shared/model';
import { readSnapshot } from '@surealived/shared/snapshot/read';
import { formatOverrideDump, parseOverrideDump } from 'surealived/dumps/override-dump';
import { expect } from 'vitest';
import { HandoverDirectory } from '../daemons/handover-directory.js';
import { RealServer } from '../daemons/real-server.js';
import { RunningTester, readFixture, run, withoutNewKeys } from './kit.js';
import { prove, shared } from './prove.js';

/** `refused` says nothing about times and retries; `quick` could take five seconds for a loop. */
function servicesXml(port: number, weight: number, more = ''): string {
  return `<surealived>
    <virtual name="refused" addr="192.0.2.1" port="80" proto="tcp" sched="wrr" rt="dr">
      <tester proto="tcp" testport="1"/>
      <real name="r1" addr="127.0.0.1" port="80" weight="10"/>
    </virtual>
    <virtual name="quick" addr="192.0.2.2" port="80" proto="tcp" sched="wrr" rt="dr">
      <tester proto="tcp" testport="${port}" timeout="5" loopdelay="0.05"/>
      <real name="q1" addr="127.0.0.1" port="80" weight="${weight}"/>
    </virtual>${more}
  </surealived>`;
}

const MORE = `<virtual name="more" addr="192.0.2.3" port="80" proto="tcp" sched="wrr" rt="dr">
  <tester proto="no-test"/></virtual>`;

const start = shared(async () => {
  const server = new RealServer('q1', 'tcp', '127.0.0.1', 0);
  await server.start();
  const settings = { log_stats_combined: 'true' };
  const tester = await RunningTester.start(servicesXml(server.port, 10), { settings });
  return {
    tester,
    server,
    async [Symbol.asyncDispose]() {
      await tester[Symbol.asyncDispose]();
      await server.stop();
    },
  };
});

const momentOf = (line: string): number => Date.parse(line.slice(line.indexOf('time=') + 'time='.length));

/** What `ipvssync --plan` says of a snapshot whose diff file has this text, or is missing. */
async function planOf(snapshot: string, diff?: string) {
  using directory = new HandoverDirectory();
  mkdirSync(directory.diffs);
  writeFileSync(directory.lock, '');
  writeFileSync(directory.snapshot, snapshot.replace('/var/lib/surealived/diffs', directory.diffs));
  if (diff !== undefined) writeFileSync(join(directory.diffs, 'diff_sync.1795169196'), diff);
  return await run('ipvssync', '-c', directory.config, '--plan', '--table', 'memory');
}

prove('9 Better on purpose', {
  async '9.1 the documented defaults of loopdelay, timeout, retries2ok, retries2fail hold'() {
    const { tester } = await start();
    await tester.process.waitFor('real offline', ({ real }) => real === 'r1'); // the first failure is enough
    const connections = await tester.send('connstats\n');
    expect(connections).toMatch(/^r:0\.0 real-stats .* total=1 /m); // and the next test is 3 seconds away
  },
  async '9.2 a refusal while connect runs is a failure of tcp'() {
    const { tester } = await start();
    const offline = await tester.process.waitFor('real offline', ({ real }) => real === 'r1');
    expect(offline).toMatchObject({ reason: 'refused' });
  },
  async '9.3 a loop ends with its last answer'() {
    const { tester } = await start();
    const isThird = (text: string) => text.split('END   Virtual: quick').length > 3;
    const text = await tester.until('stats/sd_fullstats.log', isThird);
    const marks = text.split('\n').filter((line) => /^(START|END {2}) Virtual: quick/.test(line));
    const tookMs = momentOf(marks.at(-1) ?? '') - momentOf(marks[0] ?? '');
    expect(tookMs).toBeGreaterThanOrEqual(0);
    expect(tookMs).toBeLessThan(3000);
  },
  async '9.4 snapshots and dumps are replaced as a whole'() {
    const { tester, server } = await start();
    const { path, snapshot } = tester.directory;
    const set = (setting: string) =>
      tester.send(`rset vproto=tcp vaddr=192.0.2.2 vport=80 raddr=127.0.0.1 rport=80 ${setting}\n`);
    await set('rweight=7');
    const files = [join(path, 'override.dump'), snapshot];
    // whoever has a file open keeps all of it, as this second name does
    for (const file of files) linkSync(file, `${file}.open`);
    const before = files.map((file) => readFileSync(file, 'utf8'));
    await set('rweight=8');
    writeFileSync(tester.services, servicesXml(server.port, 10, MORE));
    await tester.send('reload\n');
    await tester.until('ipvsfull.cfg', (text) => text.includes('vname=more'));
    expect(files.map((file) => readFileSync(`${file}.open`, 'utf8'))).toEqual(before);
    expect(readFileSync(`${path}/override.dump`, 'utf8')).not.toBe(before[0]);
    await set('rweight=10');
  },
  async '9.5 ipvssync: -c is obeyed; no fwmark, a missing diff and a bad line are told'() {
    const text = readFixture('ipvsfull.cfg');
    const diff = readFixture('diff_sync.1795169196');
    const good = await planOf(text, diff);
    expect([good.status, good.out]).toEqual([0, readFixture('plan.txt')]); // from where -c points to
    const [unmarked, missing, bad] = await Promise.all([
      planOf(text.replace(' vfwmark=7', ''), diff),
      planOf(text),
      planOf(text, `cmd=chgreal vname=web\n${diff}`),
    ]);
    expect([unmarked.status, unmarked.err]).toEqual([
      1,
      expect.stringContaining('ipvsfull.cfg:10: vfwmark: missing'),
    ]);
    expect([missing.status, missing.err]).toEqual([
      0,
      expect.stringContaining('diff_sync.1795169196: missing'),
    ]);
    expect([bad.status, bad.err]).toEqual([
      0,
      expect.stringContaining('diff_sync.1795169196:1: vproto: missing'),
    ]);
    expect(bad.out).toBe(good.out);
  },
  async '9.6 numbers and ports: errors with file, line and attribute; unknown attributes: warnings, or with --strict errors'() {
    using directory = new HandoverDirectory();
    const check = async (from: string, to: string, ...args: string[]) => {
      const services = directory.writeServices(servicesXml(80, 10).replace(from, to));
      const { status, err } = await run('surealived', '-t', ...args, '-c', directory.config, services);
      return [status, err.replaceAll(services, 'FILE')];
    };
    const numbers = await check('port="80" weight="10"', 'port="65616" weight="ten"');
    const place = String.raw`FILE:4:\d+: (warning: )?virtual "refused" > real "r1": attribute`;
    const both = new RegExp(`^${place} "port": expected .*\n${place} "weight": expected .*\n$`);
    expect(numbers).toEqual([1, expect.stringMatching(both)]);
    const unknown = new RegExp(`^${place} "wieght": not known here, did you mean "weight"`);
    const misspelt = ['weight="10"', 'weight="10" wieght="9"'] as const;
    expect(await check(...misspelt)).toEqual([0, expect.stringMatching(unknown)]);
    expect(await check(...misspelt, '--strict')).toEqual([1, expect.stringMatching(unknown)]);
  },
  async '9.7 SIGHUP applies the difference and keeps the state of what did not change'() {
    const { tester, server } = await start();
    await tester.process.waitFor('real offline', ({ real }) => real === 'r1');
    writeFileSync(tester.services, servicesXml(server.port, 20, MORE));
    tester.process.child.kill('SIGHUP');
    await tester.process.waitFor('configuration reloaded', ({ changed }) => changed === 1);
    const [last = ''] = readdirSync(tester.directory.diffs).sort().reverse();
    const virtual = 'vname=quick vproto=tcp vaddr=192.0.2.2 vport=80 vfwmark=0 vrt=dr vsched=wrr';
    const isTold = (text: string) =>
      withoutNewKeys(text).endsWith(`${virtual} rname=q1 raddr=127.0.0.1 rport=80 rweight=20\n`);
    const diff = await tester.until(join('diffs', last), isTold);
    expect(diff).not.toContain('vname=refused');
    const rlist = 'rlist vproto=tcp vaddr=192.0.2.1 vport=80\n';
    expect(await tester.send(rlist)).toContain('currwgt=0 confwgt=10 ronline=FALSE rstate=ONLINE');
  },
  '9.8 IPv6 everywhere, in brackets where colons separate'() {
    const six = readSnapshot(readFixture('ipvsfull.cfg'), 'ipvsfull.cfg').virtuals.at(-1);
    expect(six).toMatchObject({ address: { family: 6, text: '2001:db8::1' } });
    expect(six && virtualKey(six)).toBe('[2001:db8::1]:443:0:0');
    const line = '[2001:db8::1]:443:0:0 - [2001:db8::11]:443 - weight=7  rstate=DOWN\n';
    const { entries } = parseOverrideDump(line, 'override.dump');
    expect(formatOverrideDump(entries.map(({ value }) => value))).toBe(line);
  },
});
