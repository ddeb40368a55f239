import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { scriptOf } from '../../daemons/daemon-process.js';
import { HandoverDirectory } from '../../daemons/handover-directory.js';
import type { Namespace } from '../lab/namespace.js';
import type { Scenario } from './scenario.js';

/** Nothing else in the lab uses it, so that its module is not there yet. */
const RARE_SCHEDULER = 'sed';

const META = 'meta version=1.0 mdate=2026-11-20 mtime=10:06:36\n';
const SNAPSHOT = `${META}
virtual vname=a vproto=sctp vaddr=10.0.0.1 vport=2905 vrt=masq vsched=wrr
real rname=r raddr=10.1.0.1 rport=2906 rweight=3
virtual vname=b vproto=tcp vaddr=10.0.0.2 vport=80 vrt=dr vsched=sh vsflags=sh-fallback,sh-port
real rname=r raddr=10.1.0.1 rport=8080 rweight=1
virtual vname=c vproto=tcp vaddr=10.0.0.3 vport=80 vrt=tun vsched=mh vpers=60 vsflags=mh-port vprefix=20
real rname=r1 raddr=10.1.0.1 rport=80 rweight=1
real rname=r2 raddr=10.1.0.2 rport=80 rweight=1 rtuntype=gue rtunport=6080
real rname=r3 raddr=10.1.0.3 rport=80 rweight=1 rtuntype=gue rtunport=6080 rtunflags=csum
real rname=r4 raddr=10.1.0.4 rport=80 rweight=1 rtuntype=gue rtunport=6081 rtunflags=remcsum
real rname=r5 raddr=10.1.0.5 rport=80 rweight=1 rtuntype=gre
real rname=r6 raddr=10.1.0.6 rport=80 rweight=1 rtuntype=gre rtunflags=csum
virtual vname=d vproto=udp vaddr=10.0.0.4 vport=5060 vrt=masq vsched=rr vpers=60 vops=1 vpe=sip
real rname=r raddr=10.1.0.1 rport=5060 rweight=1
virtual vname=e vproto=tcp vaddr=fd00::1 vport=443 vrt=tun vsched=wlc vpers=300 vprefix=56
real rname=r1 raddr=fd00:1::1 rport=443 rweight=1 rtuntype=gue rtunport=6080
real rname=r2 raddr=10.1.0.1 rport=443 rweight=1 rtuntype=gre
virtual vname=f vproto=fwmark vaddr=:: vport=0 vrt=masq vsched=${RARE_SCHEDULER} vfwmark=7
real rname=r raddr=fd00:1::1 rport=80 rweight=1
`;

export const allSettings: Scenario = {
  name: 'all-settings',
  title:
    'every setting of a snapshot is in the kernel as in memory, and a missing module is loaded or told of',
  timeoutMs: 60_000,
  async run(lab) {
    const [director] = (await lab.createNamespaces(['director'])) as [Namespace];
    await director.ip(['link set lo up']);
    const hook = readFileSync('/proc/sys/kernel/modprobe', 'utf8');
    writeFileSync('/proc/sys/kernel/modprobe', '\n'); // the kernel itself shall load nothing
    try {
      await compareWithMemory(director);
      await nameMissingModule(director);
    } finally {
      writeFileSync('/proc/sys/kernel/modprobe', hook);
    }
  },
};

async function compareWithMemory(director: Namespace): Promise<void> {
  using directory = new HandoverDirectory();
  assert(!isLoaded(`ip_vs_${RARE_SCHEDULER}`));
  writeSnapshot(directory, SNAPSHOT);
  assert.match(await once(director, directory), /^added 6 services and 12 reals in /);
  assert(isLoaded(`ip_vs_${RARE_SCHEDULER}`));
  await once(director, directory, '--table', `memory:${directory.tableFile}`);
  assert.deepEqual(
    sortedLines(await director.run(['ipvsadm', '-Sn'])),
    sortedLines(readFileSync(directory.tableFile, 'utf8')),
  );
  assert.match(await once(director, directory), /^nothing to change/);
  writeSnapshot(directory, SNAPSHOT.replaceAll('6080', '6090').replace('mh-port', 'mh-fallback'));
  assert.match(await once(director, directory), /^edited 1 service and 3 reals in /);
  assert.match(await once(director, directory), /^nothing to change/);
}

async function nameMissingModule(director: Namespace): Promise<void> {
  using directory = new HandoverDirectory();
  writeSnapshot(
    directory,
    `${META}virtual vname=x vproto=tcp vaddr=10.0.0.9 vport=80 vrt=dr vsched=nosuch\n`,
  );
  await assert.rejects(
    once(director, directory),
    /add tcp 10\.0\.0\.9:80: ENOENT \(scheduler "nosuch" is not in the kernel; modprobe ip_vs_nosuch: status 1\)/,
  );
}

function writeSnapshot(directory: HandoverDirectory, text: string): void {
  writeFileSync(directory.lock, '');
  writeFileSync(directory.snapshot, text);
}

function once(director: Namespace, { config }: HandoverDirectory, ...options: string[]): Promise<string> {
  return director.run([process.execPath, scriptOf('ipvssync'), '-c', config, '--once', ...options]);
}

function isLoaded(module: string): boolean {
  return readFileSync('/proc/modules', 'utf8').includes(`${module} `);
}

function sortedLines(text: string): readonly string[] {
  return text.split('\n').filter(Boolean).sort();
}
