import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { holdFileLock } from '@surealived/shared/file-lock';
import { loadInWorker } from 'surealived/reload/candidate';
import { expect, it, onTestFinished, vi } from 'vitest';
import { askAdmin } from '../daemons/admin-client.js';
import { DaemonProcess } from '../daemons/daemon-process.js';
import { HandoverDirectory } from '../daemons/handover-directory.js';
import { RealServer } from '../daemons/real-server.js';

const VIRTUALS = 1000;

/** Virtuals with two reals each; those whose number is in `heavier` have another weight. */
function servicesXml(port: number, heavier: readonly number[] = [], count = VIRTUALS): string {
  const virtuals = Array.from({ length: count }, (_, i) => {
    const address = `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
    const weight = heavier.includes(i) ? 20 : 10;
    return `
  <virtual name="v${i}" addr="${address}" port="80" proto="tcp" sched="wrr" rt="masq">
    <tester proto="tcp" testport="${port}" loopdelay="1" timeout="5"/>
    <real name="a" addr="127.0.0.1" port="80" weight="${weight}"/>
    <real name="b" addr="127.0.0.2" port="80" weight="10"/>
  </virtual>`;
  });
  return `<surealived>${virtuals.join('')}\n</surealived>\n`;
}

async function start(): Promise<AsyncDisposable & { [key: string]: unknown } & Site> {
  const directory = new HandoverDirectory({ maxfd: 4096 });
  const server = new RealServer('all', 'tcp', '0.0.0.0', 0);
  await server.start();
  const services = directory.writeServices(servicesXml(server.port));
  const daemon = new DaemonProcess('surealived', ['-c', directory.config, services]);
  const { adminPort } = await daemon.waitFor('testing started');
  return {
    directory,
    server,
    services,
    daemon,
    port: Number(adminPort),
    async [Symbol.asyncDispose]() {
      await daemon.stop();
      await server.stop();
      directory[Symbol.dispose]();
    },
  };
}

interface Site {
  readonly directory: HandoverDirectory;
  readonly server: RealServer;
  readonly services: string;
  readonly daemon: DaemonProcess;
  readonly port: number;
}

const diffText = ({ directory }: Site): string =>
  readdirSync(directory.diffs)
    .map((name) => readFileSync(join(directory.diffs, name), 'utf8'))
    .join('');

it('tells one changed weight of 1,000 virtuals by one diff line, and keeps what operators and tests said', async () => {
  await using site = await start();
  const { services, daemon, port, server, directory } = site;
  const w0 = 'vproto=tcp vaddr=10.0.0.0 vport=80';
  await askAdmin(port, `rset ${w0} raddr=127.0.0.2 rport=80 rstate=OFFLINE`);
  const before = diffText(site);
  writeFileSync(services, servicesXml(server.port, [500]));
  daemon.child.kill('SIGHUP');
  expect(await daemon.waitFor('configuration reloaded')).toMatchObject({ added: 0, removed: 0, changed: 1 });
  const lines = diffText(site).slice(before.length).split('\n').filter(Boolean);
  expect(lines).toEqual([
    expect.stringMatching(/^cmd=chgreal vname=v500 .* rname=a .* rweight=20 at=\d+ crc32=\w+$/),
  ]);
  expect(await askAdmin(port, `rlist ${w0}`)).toContain(
    'rname=b raddr=127.0.0.2 rport=80 currwgt=0 confwgt=10',
  );
  expect(existsSync(directory.snapshot)).toBe(true);
});

it('refuses a file with a mistake, names its place, and goes on as before', async () => {
  await using site = await start();
  const { services, daemon, port, server } = site;
  writeFileSync(services, servicesXml(server.port, [], 2).replace('weight="10"', 'weight="ten"'));
  const answer = await askAdmin(port, 'reload');
  expect(answer).toContain(`${services}:4:`);
  expect(answer).toContain('attribute "weight"');
  await daemon.waitFor('reload failed, the running configuration stays');
  expect((await askAdmin(port, 'vlist')).trimEnd().split('\n')).toHaveLength(VIRTUALS);
  expect(await askAdmin(port, 'stats')).toContain('failed');
});

it('brings new virtuals into the snapshot, takes old ones out, and has the reader read it', async () => {
  await using site = await start();
  const { services, port, server, directory } = site;
  writeFileSync(services, servicesXml(server.port, [], 3));
  expect(await askAdmin(port, 'reload')).toContain('ok');
  await expect.poll(() => readFileSync(directory.snapshot, 'utf8').match(/^virtual /gm)).toHaveLength(3);
  // set after the snapshot is in its place
  await expect.poll(() => existsSync(directory.reloadFlag)).toBe(true);
  expect((await askAdmin(port, 'vlist')).trimEnd().split('\n')).toHaveLength(3);
});

it('waits with a reload until the tester has begun', async () => {
  using directory = new HandoverDirectory();
  const lock = holdFileLock(directory.lock);
  await using daemon = new DaemonProcess('surealived', [
    '-c',
    directory.config,
    directory.writeServices(servicesXml(9, [], 1)),
  ]);
  await daemon.waitFor('state restored');
  daemon.child.kill('SIGHUP');
  const reloaded = daemon.waitFor('configuration reloaded');
  await Promise.race([reloaded, delay(2000)]); // more time than it takes where it does not wait
  lock?.release();
  await reloaded;
  expect(daemon.describeLog()).toMatch(/"testing started".*"configuration reloaded"/s);
});

it('puts nothing in force any more once it is stopped', async () => {
  await using site = await start();
  const { services, daemon, server, directory } = site;
  writeFileSync(services, servicesXml(server.port, [], VIRTUALS + 1));
  const ended = once(daemon.child, 'close');
  daemon.child.kill('SIGHUP');
  daemon.child.kill('SIGTERM');
  await ended;
  expect(daemon.child.exitCode).toBe(0);
  expect(daemon.describeLog()).not.toContain('configuration reloaded');
  expect(readFileSync(directory.snapshot, 'utf8').match(/^virtual /gm)).toHaveLength(VIRTUALS);
});

it('leaves no thread behind, whatever a module has going', async () => {
  using directory = new HandoverDirectory();
  const modules = join(directory.path, 'modules');
  mkdirSync(modules);
  writeFileSync(
    join(modules, 'busy.mjs'),
    `setInterval(() => undefined, 1000);
     export default ({ defineStreamTester, Type, up }) => defineStreamTester({
       name: 'busy', description: 'Keeps a timer.', attributes: Type.Object({}), *probe() { return up('fine'); } });`,
  );
  writeFileSync(directory.config, `${readFileSync(directory.config, 'utf8')}modules_path ${modules}\n`);
  const services = directory.writeServices(servicesXml(9, [], 1));
  await using daemon = new DaemonProcess('surealived', ['-c', directory.config, services]);
  const port = Number((await daemon.waitFor('testing started')).adminPort);
  const threads = (): number => readdirSync(`/proc/${daemon.child.pid}/task`).length;
  expect(await askAdmin(port, 'reload')).toContain('ok');
  const before = threads();
  for (let i = 0; i < 3; i++) expect(await askAdmin(port, 'reload')).toContain('ok');
  await expect.poll(threads).toBeLessThanOrEqual(before);
});

it('reads a pipe at the start, but refuses it at a reload, where it may wait for ever', async () => {
  using directory = new HandoverDirectory();
  const services = join(directory.path, 'services.xml');
  spawnSync('mkfifo', [services]);
  await using daemon = new DaemonProcess('surealived', ['-c', directory.config, services]);
  await writeFile(services, servicesXml(9, [], 1));
  const port = Number((await daemon.waitFor('testing started')).adminPort);
  expect(await askAdmin(port, 'reload')).toContain(`${services}: not a regular file`);
  rmSync(services);
  writeFileSync(services, servicesXml(9, [], 1));
  expect(await askAdmin(port, 'reload')).toContain('ok');
});

it('reads nothing by the files of another version, installed since it began', async () => {
  using directory = new HandoverDirectory();
  const folder = join(directory.path, 'installed');
  const bundle = fileURLToPath(new URL('../../scripts/bundle.mjs', import.meta.url));
  execFileSync(process.execPath, [bundle, '--out', folder]);
  vi.stubEnv('SUREALIVED_PROGRAMS', folder);
  onTestFinished(() => void vi.unstubAllEnvs());
  const services = directory.writeServices(servicesXml(9, [], 1));
  await using daemon = new DaemonProcess('surealived', ['-c', directory.config, services]);
  const port = Number((await daemon.waitFor('testing started')).adminPort);
  expect(await askAdmin(port, 'reload')).toContain('ok');
  const manifest = join(folder, 'package.json');
  writeFileSync(
    manifest,
    readFileSync(manifest, 'utf8').replace(/"version": "[^"]*"/, '"version": "99.1.0"'),
  );
  expect(await askAdmin(port, 'reload')).toMatch(
    /version 99\.1\.0 has been installed, and this is .*restarted/,
  );
  rmSync(folder, { recursive: true });
  expect(await askAdmin(port, 'reload')).toContain('the files of the program are gone');
  expect(await askAdmin(port, 'vlist')).toContain('vname=');
});

it('gives a reload up that does not end', async () => {
  using directory = new HandoverDirectory();
  const modules = join(directory.path, 'modules');
  mkdirSync(modules);
  writeFileSync(join(modules, 'endless.mjs'), 'for (;;);');
  writeFileSync(directory.config, `${readFileSync(directory.config, 'utf8')}modules_path ${modules}\n`);
  const servicesFile = directory.writeServices(servicesXml(9, [], 1));
  const sources = { configFile: directory.config, servicesFile, strict: false };
  const problems = ['the files and modules are not loaded after 1 s'];
  expect(await loadInWorker(sources, 1000)).toEqual({ ok: false, problems });
});
