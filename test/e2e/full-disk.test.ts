import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSnapshot } from '@surealived/shared/snapshot/read';
import { parseOfflineDump } from 'surealived/dumps/offline-dump';
import { parseOverrideDump } from 'surealived/dumps/override-dump';
import { expect, it } from 'vitest';
import { askAdmin } from '../daemons/admin-client.js';
import { DaemonProcess } from '../daemons/daemon-process.js';
import { HandoverDirectory } from '../daemons/handover-directory.js';
import { RealServer } from '../daemons/real-server.js';

const DISK_BYTES = 1 << 18;
const BLOCK_BYTES = 1 << 12;

/** A disk of 256 KB. */
class SmallDisk implements Disposable {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
    mkdirSync(path);
    const options = ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`];
    const { status, stderr } = spawnSync('mount', [...options, 'tmpfs', path]);
    if (status !== 0) throw new Error(`mount: ${stderr}`);
  }

  [Symbol.dispose](): void {
    spawnSync('umount', ['--lazy', this.path]);
  }
}

const canMount = ((): boolean => {
  using directory = new HandoverDirectory();
  try {
    new SmallDisk(join(directory.path, 'disk'))[Symbol.dispose]();
    return true;
  } catch (error) {
    console.log(`test/e2e/full-disk: skipped, it mounts a small disk: ${(error as Error).message.trim()}`);
    return false;
  }
})();

/** Leaves no block of the disk free. */
function fill(file: string): void {
  const { bavail, bsize } = statfsSync(join(file, '..'));
  writeFileSync(file, Buffer.alloc(bavail * bsize - BLOCK_BYTES));
  try {
    for (let i = 0; ; i++) writeFileSync(`${file}.${i}`, Buffer.alloc(BLOCK_BYTES));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

function unfill(file: string): void {
  const [directory, name] = [join(file, '..'), file.slice(file.lastIndexOf('/') + 1)];
  for (const entry of readdirSync(directory)) if (entry.startsWith(name)) rmSync(join(directory, entry));
}

/** More than a block, so that neither snapshot nor dumps fit into what a replaced file leaves. */
function servicesXml(steady: RealServer, shaky: RealServer): string {
  const virtuals = Array.from({ length: 200 }, (_, index) => {
    const { port } = index % 2 === 0 ? steady : shaky;
    return `<virtual name="v${index}" addr="10.9.0.${index}" port="80" proto="tcp" sched="wrr" rt="dr">
      <tester proto="tcp" testport="${port}" loopdelay="0.2" timeout="2"/>
      <real name="r${index}" addr="127.0.0.1" port="80" weight="10"/></virtual>`;
  });
  return `<surealived>${virtuals.join('\n')}</surealived>`;
}

it.skipIf(!canMount)('a full disk costs no file, no test and no order: what is missing follows', async () => {
  using directory = new HandoverDirectory();
  using disk = new SmallDisk(join(directory.path, 'disk'));
  const file = (name: string): string => join(disk.path, name);
  const settings = ['lock', 'full', 'reload'].map((name, index) => {
    const key = ['lock_sync_file', 'full_sync_file', 'full_reload_file'][index];
    return `${key} ${file(name)}`;
  });
  const dumps = ['offline', 'override', 'notify', 'stats'].map(
    (name) => `${name}_dump ${file(`${name}.dump`)}`,
  );
  const more = [...settings, ...dumps, `diff_sync_dir ${file('diffs')}`, 'stats_dump_savesec 1'];
  writeFileSync(directory.config, `${readFileSync(directory.config, 'utf8')}${more.join('\n')}\n`);

  const [steady, shaky] = ['steady', 'shaky'].map((name) => new RealServer(name, 'tcp', '127.0.0.1', 0));
  if (!steady || !shaky) throw new Error('no servers');
  await steady.start();
  await shaky.start();
  const services = directory.writeServices(servicesXml(steady, shaky));
  await using tester = new DaemonProcess('surealived', ['-c', directory.config, services]);
  const adminPort = Number((await tester.waitFor('testing started')).adminPort);
  const ask = (command: string): Promise<string> => askAdmin(adminPort, command);
  const real = (index: number): string =>
    `vproto=tcp vaddr=10.9.0.${index} vport=80 raddr=127.0.0.1 rport=80`;
  await ask(`rset ${real(0)} rstate=DOWN`);
  const override = readFileSync(file('override.dump'), 'utf8');
  const snapshot = readFileSync(file('full'), 'utf8');

  fill(file('filler'));
  await shaky.stop();
  await tester.waitFor('real offline', ({ virtual }) => virtual === 'v1');
  await tester.waitFor('file cannot be written, trying again', (line) => line.file === file('full'));
  await tester.waitFor('file cannot be written, trying again', (line) => line.file === file('offline.dump'));
  expect(await ask(`rset ${real(2)} rstate=OFFLINE rweight=7`)).toContain('Set: rstate=OFFLINE, weight=7');
  await tester.waitFor('file cannot be written, trying again', (line) => line.file === file('override.dump'));
  // what was good stays whole, and the tester works
  expect(readFileSync(file('override.dump'), 'utf8')).toBe(override);
  expect(readFileSync(file('full'), 'utf8')).toBe(snapshot);
  expect(readSnapshot(snapshot, 'full').virtuals).toHaveLength(200);
  expect(await ask('rlist vproto=tcp vaddr=10.9.0.2 vport=80')).toContain('currwgt=0 confwgt=10');
  const stats = await ask('stats');
  for (const name of ['full', 'offline.dump', 'override.dump'])
    expect(stats).toMatch(new RegExp(`${file(name)} since \\d{4}-\\d\\d-\\d\\d [\\d:.]+: ENOSPC`));
  await shaky.start();
  await tester.waitFor('real online', ({ virtual }) => virtual === 'v1');
  await shaky.stop();

  unfill(file('filler'));
  for (const name of ['full', 'offline.dump', 'override.dump'])
    await tester.waitFor('file is written again', (line) => line.file === file(name));
  // the list of the offline may have been short enough in between, and statistics have their own time
  await expect.poll(() => ask('stats')).not.toContain('ENOSPC');
  expect(parseOverrideDump(readFileSync(file('override.dump'), 'utf8'), '').entries).toHaveLength(2);
  await expect.poll(() => ask('stats')).toMatch(/^offline_size +: 100$/m);
  await tester.stop();
  const offline = parseOfflineDump(readFileSync(file('offline.dump'), 'utf8'), '');
  expect([offline.problems, offline.entries.length]).toEqual([[], 100]);
  await steady.stop();
});
