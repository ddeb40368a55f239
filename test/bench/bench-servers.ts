import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from '../servers/certificate.js';
import { startNginx } from '../servers/nginx.js';
import { startNsd } from '../servers/nsd.js';
import { findProgram, freePort } from '../servers/server-process.js';
import { DNS_NAME, dnsAddresses, type Load } from './load.js';

/** The servers that are tested: one nginx for what goes by TCP, one nsd for dns where it is installed. */
export interface BenchServers extends AsyncDisposable {
  readonly hasDns: boolean;
  portOf(tester: Load['tester']): number;
  /** Connections that nginx has accepted so far: what a contender says of itself is held against it. */
  accepted(): Promise<number>;
}

interface Ports {
  readonly web: number;
  readonly tls: number;
  readonly dns: number;
  /** Of nginx's counters. */
  readonly status: number;
}

export async function startBenchServers(): Promise<BenchServers> {
  const [web, tls, dns, status] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const ports: Ports = { web, tls, dns, status };
  const nsd = findProgram('nsd');
  const nameServer = nsd === undefined ? undefined : await startNameServer(nsd, dns);
  try {
    const nginx = await startNginx({ port: tls, servers: (directory) => nginxServers(directory, ports) });
    return {
      hasDns: nsd !== undefined,
      portOf: (tester) => ({ tcp: web, http: web, https: tls, dns })[tester],
      accepted: () => readAccepted(status),
      [Symbol.asyncDispose]: async () => {
        await nginx[Symbol.asyncDispose]();
        await nameServer?.[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await nameServer?.[Symbol.asyncDispose]();
    throw error;
  }
}

/** A short page for every request, in plain and over TLS, on all IPv4 addresses. */
function nginxServers(directory: string, { web, tls, status }: Ports): string {
  const { keyFile, certFile } = makeCertificate(directory, 'DNS:bench');
  const certificate = `ssl_certificate ${certFile}; ssl_certificate_key ${keyFile}; ssl_protocols TLSv1.2 TLSv1.3;`;
  return `
    server { listen ${web} backlog=16384; return 200 "ok\\n"; }
    server { listen ${tls} ssl backlog=16384; ${certificate} return 200 "ok\\n"; }
    server { listen 127.0.0.1:${status}; location / { stub_status; } }
  `;
}

async function readAccepted(port: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/`);
  return Number(/requests\s+(\d+)/.exec(await response.text())?.[1]);
}

async function startNameServer(program: string, port: number): Promise<AsyncDisposable> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-nsd-'));
  const text = `$ORIGIN ${DNS_NAME}.\n$TTL 60\n@ SOA ns hostmaster 1 60 60 60 60\n@ NS ns\nns A 192.0.2.1\n`;
  const server = await startNsd(program, {
    directory,
    port,
    addresses: dnsAddresses(),
    zone: { name: DNS_NAME, text },
    settings: ['rrl-ratelimit: 0'],
  });
  return {
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true });
    },
  };
}
