import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { scriptOf } from '../../daemons/daemon-process.js';
import { HandoverDirectory } from '../../daemons/handover-directory.js';
import { listIpvs, restoreIpvs, saveIpvs } from '../lab/ipvs.js';
import { type IpvsService, serviceName } from '../lab/ipvs-entry.js';
import type { LabProcess } from '../lab/lab-process.js';
import type { Namespace } from '../lab/namespace.js';
import type { Lab } from '../lab.js';
import type { Scenario } from './scenario.js';

const RESYNC_SEC = 4;
const TIMEOUT_MS = 20_000;
const FOREIGN = 'tcp 10.9.9.9:99';
const FOREIGN_RULES = ['-A -t 10.9.9.9:99 -s rr', '-a -t 10.9.9.9:99 -r 10.9.9.10:99 -g -w 5'];

/** What others write into the table behind ipvssync's back, and that there is one ipvssync at a time. */
export const drift: Scenario = {
  name: 'drift',
  title:
    'ipvsadm -C is repaired within resync_interval + 1 s and at once on SIGUSR2, foreign services outlive it, and a second ipvssync is refused',
  timeoutMs: 90_000,
  async run(lab) {
    const [director, other] = (await lab.createNamespaces(['director', 'other'])) as [Namespace, Namespace];
    await director.ip(['link set lo up']);
    await other.ip(['link set lo up']);
    const directory = writeSnapshot();
    const start = (where: Namespace, ...args: string[]): Promise<LabProcess> =>
      where.spawn([process.execPath, scriptOf('ipvssync'), '-c', directory.config, ...args], {
        name: 'ipvssync',
      });
    const ours = await start(director);
    await ours.waitForLine(/"table synchronised"/, TIMEOUT_MS);
    const expected = await saveIpvs(director);
    assert.equal(expected.length, 2);
    const until = (what: string, table: readonly IpvsService[]): Promise<number> =>
      untilTable(lab, director, what, table);

    await director.run(['ipvsadm', '-C']);
    const inTimeMs = await until('the table in time', expected);
    lab.measure('repairedInTimeMs', inTimeMs);
    assert(inTimeMs <= (RESYNC_SEC + 1) * 1000, `repaired after ${inTimeMs} ms`);

    await director.run(['ipvsadm', '-C']);
    ours.signal('SIGUSR2');
    const atOnceMs = await until('the table at once', expected);
    lab.measure('repairedAtOnceMs', atOnceMs);
    assert(atOnceMs < RESYNC_SEC * 500, `repaired after ${atOnceMs} ms`);

    const before = ours.lineCount;
    await restoreIpvs(director, FOREIGN_RULES);
    await director.run(['ipvsadm', '-e', '-t', '10.0.0.1:80', '-r', '10.0.0.11:80', '-g', '-w', '99']);
    await director.run(['ipvsadm', '-d', '-t', '10.0.0.1:80', '-r', '10.0.0.12:80']);
    ours.signal('SIGUSR2');
    const [foreign] = (await listIpvs(director)).filter((service) => serviceName(service) === FOREIGN);
    assert(foreign);
    await ours.waitForLine(
      /"change":"~ tcp 10.0.0.1:80 real 10.0.0.11:80 weight 10 -> 99".*"drift/,
      TIMEOUT_MS,
      before,
    );
    await ours.waitForLine(/"change":"- tcp 10.0.0.1:80 real 10.0.0.12:80".*"drift/, TIMEOUT_MS, before);
    await ours.waitForLine(/"virtuals":"tcp 10.9.9.9:99"/, TIMEOUT_MS, before);
    const repaired = await saveIpvs(director);
    assert.deepEqual(
      repaired.filter((service) => serviceName(service) !== FOREIGN),
      expected,
    );
    assert.equal(repaired.length, expected.length + 1);
    for (const signals of [['SIGUSR2'], []] as const) {
      await director.run(['ipvsadm', '-C']);
      await restoreIpvs(director, FOREIGN_RULES);
      for (const signal of signals) ours.signal(signal);
      await until(`ours beside a foreign service, by ${signals[0] ?? 'time'}`, repaired);
    }

    for (const args of [['--once'], []]) {
      const second = await start(director, ...args);
      assert.deepEqual(await second.exited, { code: 1, signal: null });
      assert.match(second.output, RegExp(`namespace is taken by process ${ours.pid} \\(ipvssync\\)`));
    }
    const plan = await start(director, '--plan');
    assert.deepEqual(await plan.exited, { code: 0, signal: null });
    assert.equal(plan.output, `nothing to change\nleft alone: ${FOREIGN} (-u deletes it)`);
    const elsewhere = await start(other, '--once');
    assert.deepEqual(await elsewhere.exited, { code: 0, signal: null });
    assert.deepEqual(await saveIpvs(other), expected);

    await ours.kill();
    const next = await start(director, '--once');
    assert.deepEqual(await next.exited, { code: 0, signal: null });
  },
};

async function untilTable(
  lab: Lab,
  director: Namespace,
  what: string,
  expected: readonly IpvsService[],
): Promise<number> {
  const startedMs = performance.now();
  await lab.waitUntil(async () => assert.deepEqual(await saveIpvs(director), expected), {
    what,
    timeoutMs: TIMEOUT_MS,
    intervalMs: 10,
    accept: () => true,
  });
  return performance.now() - startedMs;
}

function writeSnapshot(): HandoverDirectory {
  const directory = new HandoverDirectory({ resync_interval_sec: RESYNC_SEC });
  const lines = [
    'meta version=1.0 mdate=2026-11-20 mtime=10:06:36',
    `DIFF file=${directory.diffs}/diff_sync.1`,
    'virtual vname=web vproto=tcp vaddr=10.0.0.1 vport=80 vrt=dr vsched=wrr',
    'real rname=w1 raddr=10.0.0.11 rport=80 rweight=10',
    'real rname=w2 raddr=10.0.0.12 rport=80 rweight=10',
    'virtual vname=dns vproto=udp vaddr=10.0.0.2 vport=53 vrt=masq vsched=rr',
    'real rname=d1 raddr=10.0.0.21 rport=53 rweight=1',
  ];
  mkdirSync(directory.diffs);
  writeFileSync(`${directory.diffs}/diff_sync.1`, '');
  writeFileSync(directory.lock, '');
  writeFileSync(directory.snapshot, `${lines.join('\n')}\n`);
  return directory;
}
