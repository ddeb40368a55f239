import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { makeCertificate } from './certificate.js';
import { outcomeOf } from './outcome-of.js';
import { findProgram } from './server-process.js';

const scripts = fileURLToPath(new URL('../../examples/lua/', import.meta.url));
const vsftpd = findProgram('vsftpd');
const skipped = vsftpd === undefined && process.env.SUREALIVED_NO_SKIP !== '1';
if (skipped) console.log('ftp tests skipped: vsftpd missing; test/install-debian.sh installs it');

describe.skipIf(skipped)('examples/lua/ftp.lua with a real vsftpd', () => {
  const directory = mkdtempSync(join(tmpdir(), 'test-vsftpd-'));
  const children = new Set<ChildProcess>();
  let server: Server;
  let port = 0;

  beforeAll(async () => {
    const configuration = writeConfiguration(directory);
    // each connection becomes standard input and output of a vsftpd of its own, as inetd does it
    server = createServer({ pauseOnConnect: true }, (socket) => {
      const child = spawn(vsftpd ?? '', [configuration], { stdio: [socket, socket, 'inherit'] });
      children.add(child);
      child.once('exit', () => children.delete(child));
      socket.destroy();
    });
    port = await listening(server);
  });
  afterAll(async () => {
    server.close();
    for (const child of children) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    rmSync(directory, { recursive: true });
  });

  const login = (params: string) =>
    outcomeOf({ proto: 'lua', script: join(scripts, 'ftp.lua'), params }, { port });

  it('logs in', async () => {
    const { verdict, obstacle, sentBytes, responseMs } = await login('anonymous nobody@example.org');
    expect([verdict, obstacle]).toEqual([{ up: true, detail: 'logged in as anonymous' }, undefined]);
    expect(sentBytes).toBe('USER anonymous\r\nPASS nobody@example.org\r\nQUIT\r\n'.length);
    expect(responseMs).toBeGreaterThan(0);
  });

  it('is refused where the user may not log in', async () => {
    const { verdict } = await login('somebody secret');
    const detail = 'expected 331, got: 530 This FTP server is anonymous only.';
    expect(verdict).toEqual({ up: false, reason: 'content', detail });
  });

  it('tells of params that the script cannot use', async () => {
    const { verdict, obstacle } = await login('anonymous');
    const problem = `${scripts}ftp.lua:17: expected params such as "user password"`;
    expect([verdict, obstacle]).toEqual([undefined, problem]);
  });
});

describe('examples/lua/rtsp.lua', () => {
  const GOOD = 'RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: OPTIONS, DESCRIBE, SETUP, PLAY\r\n\r\n';
  const options = (port: number, more = {}) =>
    outcomeOf({ proto: 'lua', script: join(scripts, 'rtsp.lua'), params: '/live', ...more }, { port });

  /** A server that says `answer` to an OPTIONS request for itself, and 400 to anything else. */
  async function rtspServer(
    answer: string,
    make: (serve: (socket: Socket) => void) => Server = createServer,
  ): Promise<number> {
    const server = make((socket) => {
      socket.on('error', () => undefined); // tests end by a reset
      socket.once('data', (request) => {
        const { port } = server.address() as AddressInfo;
        const isAsked = request.toString().startsWith(`OPTIONS rtsp://127.0.0.1:${port}/live RTSP/1.0\r\n`);
        socket.end(isAsked ? answer : 'RTSP/1.0 400 Bad Request\r\n\r\n');
      });
    });
    onTestFinished(() => void server.close());
    return await listening(server);
  }

  it.each([
    [GOOD, { up: true, detail: 'status 200' }],
    ['RTSP/1.0 454 Session Not Found\r\n\r\n', { up: false, reason: 'content', detail: 'status 454' }],
    [
      'RTSP/1.0 200 OK\r\nPublic: OPTIONS\r\n\r\n',
      { up: false, reason: 'content', detail: 'the server does not offer DESCRIBE' },
    ],
    [GOOD.slice(0, -2), { up: false, reason: 'protocol' }],
  ])('judges %j', async (answer, verdict) => {
    expect((await options(await rtspServer(answer))).verdict).toMatchObject(verdict);
  });

  it('speaks TLS where SSL is on', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'test-rtsp-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const { keyFile, certFile } = makeCertificate(directory, 'IP:127.0.0.1');
    const files = { key: readFileSync(keyFile), cert: readFileSync(certFile) };
    const port = await rtspServer(GOOD, (serve) => createTlsServer(files, serve));
    expect((await options(port, { SSL: '1' })).verdict).toEqual({ up: true, detail: 'status 200' });
    expect((await options(port)).verdict).toMatchObject({ up: false });
  });
});

/** Lets nobody in but anonymous, who finds an empty directory. Works for whoever starts it, root or not. */
function writeConfiguration(directory: string): string {
  const [file, root] = [join(directory, 'vsftpd.conf'), join(directory, 'root')];
  mkdirSync(root, { mode: 0o555 });
  const settings = {
    listen: 'NO',
    anonymous_enable: 'YES',
    local_enable: 'NO',
    write_enable: 'NO',
    run_as_launching_user: 'YES',
    anon_root: root,
    secure_chroot_dir: root,
    seccomp_sandbox: 'NO',
    xferlog_enable: 'NO',
    ftpd_banner: 'A server to be tested.',
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`);
  writeFileSync(file, lines.join(''));
  return file;
}

/** @returns The port. */
async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
