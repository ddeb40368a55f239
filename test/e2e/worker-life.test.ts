import { once } from 'node:events';
import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { askAdmin } from '../daemons/admin-client.js';
import { DaemonProcess } from '../daemons/daemon-process.js';
import { HandoverDirectory } from '../daemons/handover-directory.js';
import { RealServer } from '../daemons/real-server.js';

const SEEN = { timeout: 10_000 };

interface VirtualLine {
  readonly name: string;
  readonly tester: string;
  readonly port: number;
}

/** Virtuals with one real each, on 192.0.2.1 and so on. */
function servicesXml(virtuals: readonly VirtualLine[]): string {
  const lines = virtuals.map(
    ({ name, tester, port }, i) => `
  <virtual name="${name}" addr="192.0.2.${i + 1}" port="80" proto="tcp" sched="wrr" rt="masq">
    <tester ${tester} testport="${port}" loopdelay="0.1"/>
    <real name="a" addr="127.0.0.1" port="80" weight="10"/>
  </virtual>`,
  );
  return `<surealived>${lines.join('')}\n</surealived>\n`;
}

function realOf(index: number): string {
  return `vproto=tcp vaddr=192.0.2.${index + 1} vport=80 raddr=127.0.0.1 rport=80`;
}

/** A directory with a module of testers. */
function directoryWith(settings: Record<string, string | number>, modules: Record<string, string> = {}) {
  const directory = new HandoverDirectory({ workers: 2, ...settings });
  onTestFinished(() => directory[Symbol.dispose]());
  const path = join(directory.path, 'modules');
  mkdirSync(path);
  for (const [file, text] of Object.entries(modules)) writeFileSync(join(path, file), text);
  appendFileSync(directory.config, `modules_path ${path}\n`);
  return directory;
}

function run(directory: HandoverDirectory, xml: string): DaemonProcess {
  const daemon = new DaemonProcess('surealived', ['-c', directory.config, directory.writeServices(xml)]);
  onTestFinished(async () => void (await daemon.stop()));
  return daemon;
}

async function started(daemon: DaemonProcess): Promise<number> {
  return Number((await daemon.waitFor('testing started')).adminPort);
}

/** A port that takes connections and says nothing. */
async function silentPort(): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function webServer(): Promise<RealServer> {
  const server = new RealServer('web', 'http', '127.0.0.1', 0);
  await server.start();
  onTestFinished(() => server.stop());
  return server;
}

/** A tester whose probe does what the text says. */
const moduleOf = (name: string, probe: string, head = ''): string => `${head}
export default ({ defineStreamTester, Type, up }) => defineStreamTester({
  name: '${name}', description: 'For a test.', attributes: Type.Object({}),
  *probe() { ${probe}; return up('fine'); } });`;

describe('workers', () => {
  it('take over a reload: what is new, what is gone, what is tested in another way', async () => {
    const { port } = await webServer();
    const http = 'proto="http" url="/" host="a" timeout="20"';
    const hangs = { name: 'moved', tester: http, port: await silentPort() };
    const others = ['v1', 'v2', 'v3'].map((name) => ({ name, tester: http, port }));
    const directory = directoryWith({});
    const daemon = run(directory, servicesXml([hangs, ...others]));
    const adminPort = await started(daemon);
    const names = async () => {
      const { virtuals } = JSON.parse(await askAdmin(adminPort, 'rlist --json')) as {
        virtuals: { name: string; onlineCount: number; reals: { tests: number }[] }[];
      };
      return virtuals.map((v) => `${v.name} ${v.onlineCount} ${(v.reals[0]?.tests ?? 0) > 2}`);
    };
    await askAdmin(adminPort, `rset ${realOf(1)} rstate=OFFLINE`);
    // well before its first test is over
    directory.writeServices(servicesXml([{ ...hangs, port }, ...others, { ...hangs, name: 'new', port: 9 }]));
    expect(await askAdmin(adminPort, 'reload')).toContain(
      'ok virtuals=5 reals=5 added=1 removed=0 changed=1',
    );
    await expect
      .poll(names, SEEN)
      .toEqual(['moved 1 true', 'v1 1 true', 'v2 1 true', 'v3 1 true', 'new 0 true']);
    directory.writeServices(servicesXml([{ ...hangs, port }]));
    expect(await askAdmin(adminPort, 'reload')).toContain('ok virtuals=1 reals=1 added=0 removed=4');
    await expect.poll(names, SEEN).toEqual(['moved 1 true']);
    expect(daemon.describeLog()).not.toContain('"virtual":"moved"');
    expect(await daemon.stop()).toBe(0);
  });

  it('make checks and show what was said, and dump conversations', async () => {
    const { port } = await webServer();
    const tester = 'proto="http" url="/x" host="site" debugcomm="1"';
    const directory = directoryWith({ debug_comm: 1 });
    const daemon = run(directory, servicesXml([{ name: 'web', tester, port }]));
    const answer = await askAdmin(await started(daemon), `check ${realOf(0)}`);
    expect(answer).toMatch(/^t:0 at=\d+\.\d{3}ms sent=\d+ data=GET \/x HTTP\/1\.0\\r\\nHost: site\\r\\n/m);
    expect(answer).toMatch(
      /^t:1 at=.*received=12 data=HTTP\/1\.1 200\nt:2 .*\nverdict=UP detail=status 200\n/m,
    );
    const dump = () => readFileSync(join(directory.path, 'comm', 'web_a'), 'utf8');
    await expect
      .poll(dump, SEEN)
      .toMatch(/^\[.*\] {2}sd_write ->\nGET \/x HTTP\/1\.0\r\n.*sd_read <-\nHTTP/s);
    await expect.poll(dump, SEEN).toContain('ok\n\n');
  });

  it('leave the main thread alone while one of them computes, and are ended all the same', async () => {
    const { port } = await webServer();
    const directory = directoryWith({}, { 'endless.mjs': moduleOf('endless', 'for (;;);') });
    const virtuals = [
      { name: 'stuck', tester: 'proto="endless"', port },
      { name: 'web', tester: 'proto="http" url="/" host="a"', port },
    ];
    const daemon = run(directory, servicesXml(virtuals));
    const adminPort = await started(daemon);
    const tests = async () => Number(/^t_success\s*: (\d+)$/m.exec(await askAdmin(adminPort, 'stats'))?.[1]);
    await expect.poll(tests, SEEN).toBeGreaterThan(3);
    expect(await daemon.stop()).toBe(0);
  });

  it('end the process with them when they die: nobody would test their reals', async () => {
    const { port } = await webServer();
    const late = `setTimeout(() => { throw new Error('a bug of ours'); }, 50)`;
    const directory = directoryWith({}, { 'buggy.mjs': moduleOf('buggy', late) });
    const daemon = run(directory, servicesXml([{ name: 'web', tester: 'proto="buggy"', port }]));
    const exited = once(daemon.child, 'close');
    await started(daemon);
    expect(await daemon.waitFor('a worker has died')).toMatchObject({
      level: 'error',
      cause: 'worker 1: a bug of ours',
    });
    expect(await exited).toEqual([1, null]);
    expect(daemon.describeLog()).toContain('buggy.mjs');
  });

  it.each([
    [
      'cannot be loaded',
      `throw new Error('no threads, please')`,
      /lonely\.mjs:2: in a worker: no threads, please/,
    ],
    ['ends it', 'process.exit(3)', /^worker \d: ended with status 3$/],
  ])('do not begin with a module that in a thread %s', async (_what, statement, cause) => {
    const { port } = await webServer();
    const head = `import { workerData } from 'node:worker_threads';
      if (workerData?.capacity) ${statement}; // not where files are read`;
    const directory = directoryWith({}, { 'lonely.mjs': moduleOf('lonely', '', head) });
    const daemon = run(directory, servicesXml([{ name: 'web', tester: 'proto="lonely"', port }]));
    const exited = once(daemon.child, 'close');
    expect(await daemon.waitFor('cannot start')).toMatchObject({ cause: expect.stringMatching(cause) });
    expect(await exited).toEqual([1, null]);
  });

  it('take the programs of their tests with them', async () => {
    const directory = directoryWith({});
    const [program, pidFile] = [join(directory.path, 'hang.sh'), join(directory.path, 'pid')];
    writeFileSync(program, `#!/bin/sh\necho $$ >${pidFile}.new; mv ${pidFile}.new ${pidFile}; sleep 60\n`);
    chmodSync(program, 0o755);
    const daemon = run(
      directory,
      servicesXml([{ name: 'v', tester: `proto="exec" exec="${program}"`, port: 1 }]),
    );
    await expect.poll(() => existsSync(pidFile), SEEN).toBe(true);
    const pid = readFileSync(pidFile, 'utf8').trim();
    expect(await daemon.stop()).toBe(0);
    await expect.poll(() => existsSync(`/proc/${pid}`), SEEN).toBe(false);
  });
});
