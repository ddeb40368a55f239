import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@surealived/shared/clock';
import { TesterRegistry } from '@surealived/testers/registry';
import type { Verdict } from '@surealived/testers/tester';
import { parseServices } from 'surealived/config/load';
import { Engine } from 'surealived/engine/engine';
import { prepareTest } from 'surealived/engine/prepare';
import { Reactor } from 'surealived/engine/reactor';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type CertificateFiles, makeCertificate } from './certificate.js';
import { type Nginx, nginxVersion, startNginx } from './nginx.js';

const skipped = nginxVersion() === undefined && process.env.SUREALIVED_NO_SKIP !== '1';
if (skipped) console.log('nginx tests skipped: nginx missing; test/install-debian.sh installs it');

const LARGE_PAGE_BYTES = 3 << 20;

describe.skipIf(skipped)('TLS with a real nginx', () => {
  const directory = mkdtempSync(join(tmpdir(), 'test-nginx-tls-'));
  let certificate: CertificateFiles;
  let nginx: Nginx;
  let [any, old, recent, demanding, plain]: number[] = [];

  beforeAll(async () => {
    certificate = makeCertificate(directory, 'DNS:www.example.org,IP:127.0.0.1');
    writeFileSync(join(directory, 'large'), Buffer.alloc(LARGE_PAGE_BYTES, 'surealived '));
    [any = 0, old = 0, recent = 0, demanding = 0, plain = 0] = await freePorts(5);
    const { keyFile, certFile } = certificate;
    const tls = `ssl_certificate ${certFile}; ssl_certificate_key ${keyFile};`;
    const page = `root ${directory}; location = / { return 200 "ok\\n"; }`;
    const servers = `
      server { listen 127.0.0.1:${any} ssl default_server; ${tls} ssl_reject_handshake on; }
      server { listen 127.0.0.1:${any} ssl; server_name www.example.org; ${tls} ${page} }
      server { listen 127.0.0.1:${old} ssl; ${tls} ssl_protocols TLSv1.2; ${page} }
      server { listen 127.0.0.1:${recent} ssl; ${tls} ssl_protocols TLSv1.3; ${page} }
      server { listen 127.0.0.1:${demanding} ssl; ${tls} ssl_client_certificate ${certFile}; ssl_verify_client on; ${page} }
      server { listen 127.0.0.1:${plain}; ${page} }
    `;
    nginx = await startNginx({ port: plain, servers: () => servers });
  });
  afterAll(async () => {
    await nginx?.[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  /** The verdict on nginx by a tester with these attributes. */
  async function verdictOf(attributes: string, port: number): Promise<Verdict | undefined> {
    const { virtuals } = parseServices(servicesXml(attributes, port), 'services.xml', {
      registry: new TesterRegistry(),
      strict: true,
    });
    const [virtual] = virtuals;
    const [real] = virtual?.reals ?? [];
    if (!virtual || !real) return expect.unreachable();
    const { tester, timeoutMs } = virtual.testing;
    const target = { ...real, port: real.testPort, virtual, real };
    const test = prepareTest(tester, { target, attributes: real.attributes, timeoutMs, tls: real.tls });
    const reactor = new Reactor({ clock: systemClock, tickMs: 2, maxEvents: 64 });
    onTestFinished(() => reactor.close());
    const engine = new Engine(reactor, { sockets: 10, tasks: 10 });
    return new Promise((resolve) => engine.run(test, ({ verdict }) => resolve(verdict)));
  }

  it.each(['1.2', '1.3'])('speaks TLS %s, for a page and for the handshake alone', async (version) => {
    const port = version === '1.2' ? old : recent;
    const verify = `tls_verify="1" tls_ca="${certificate.certFile}" tls_min_days="7"`;
    expect(await verdictOf(`proto="tcp" ${verify}`, port ?? 0)).toMatchObject({ up: true });
    const http = `proto="http" url="/" host="www.example.org" ${verify}`;
    expect(await verdictOf(http, port ?? 0)).toEqual({ up: true, detail: 'status 200' });
  });

  it('reads a large page to its end', async () => {
    for (const port of [old, recent]) {
      const http = 'proto="http" url="/large" host="www.example.org"';
      expect(await verdictOf(http, port ?? 0)).toEqual({ up: true, detail: 'status 200' });
    }
  });

  it('finds the site by its name, from host or sni', async () => {
    const http = (host: string) => `proto="http" url="/" host="${host}"`;
    expect(await verdictOf(http('www.example.org'), any ?? 0)).toMatchObject({ up: true });
    expect(await verdictOf(`proto="tcp" sni="www.example.org"`, any ?? 0)).toMatchObject({ up: true });
    expect(await verdictOf(http('other.example.org'), any ?? 0)).toMatchObject({
      up: false,
      reason: 'tls',
      detail: expect.stringMatching(/^handshake: .*unrecognized name$/),
    });
  });

  it.each<[string, string, RegExp]>([
    ['made out to another', 'sni="www.example.com"', /^certificate is for www\.example\.org, 127\.0\.0\.1, /],
    ['that ends too soon', 'tls_min_days="60"', /^certificate ends in (29|30) days, 60 wanted$/],
    ['of nobody that the system knows', '', /^certificate: self-signed certificate$/],
  ])('says what is wrong with a certificate %s', async (what, attributes, detail) => {
    const ca = what.startsWith('of nobody') ? '' : `tls_ca="${certificate.certFile}"`;
    expect(await verdictOf(`proto="tcp" tls_verify="1" ${ca} ${attributes}`, old ?? 0)).toMatchObject({
      up: false,
      reason: 'tls',
      detail: expect.stringMatching(detail),
    });
  });

  it('is told by the page that a certificate of its own is wanted', async () => {
    expect(await verdictOf('proto="http" url="/" host="www.example.org"', demanding ?? 0)).toEqual({
      up: false,
      reason: 'content',
      detail: 'status 400, expected 200',
    });
  });

  it('is down where nginx speaks plain HTTP', async () => {
    expect(await verdictOf('proto="tcp"', plain ?? 0)).toEqual({
      up: false,
      reason: 'tls',
      detail: 'peer does not speak TLS',
    });
  });
});

function servicesXml(attributes: string, port: number): string {
  return `<surealived>
    <virtual name="www" addr="192.0.2.10" port="443" proto="tcp" sched="wrr" rt="dr">
      <tester testport="${port}" SSL="1" timeout="5" ${attributes}/>
      <real name="w1" addr="127.0.0.1" port="443" weight="1"/>
    </virtual>
  </surealived>`;
}

/** Ports of 127.0.0.1 that nobody has; all are held until the last is found, so that no two are the same. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.once('listening', resolve))));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
