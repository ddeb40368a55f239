/**
 * CPU per test of surealived beside the same tests made with node:net and node:tls, against one local nginx.
 *
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { askAdmin } from '../daemons/admin-client.js';
import { DaemonProcess } from '../daemons/daemon-process.js';
import { HandoverDirectory } from '../daemons/handover-directory.js';
import { makeCertificate } from '../servers/certificate.js';
import { nginxVersion, startNginx } from '../servers/nginx.js';
import { MeasuredProcess, readCpuTime } from './measured-process.js';
import type { BenchPart, Figure, PartResult } from './report.js';

const REALS = 5000;
/** Over TLS, so that tls.connect on one core keeps up. */
const TLS_REALS = 1500;
const LOOP_DELAY_MS = 3800; // 5,000 reals: about 1,300 tests a second
const WARM_UP_MS = 6000;
const MEASURE_MS = 15_000;
const WEB_PORT = 18_480;
const TLS_PORT = 18_481;

/** Something that tests: its process, and how many tests it has made. */
interface Contender extends AsyncDisposable {
  readonly pid: number;
  /** Successful and failed tests so far. */
  count(): Promise<{ successes: number; failures: number }>;
}

interface Comparison {
  readonly tester: 'tcp' | 'http' | 'tls' | 'https';
  /** What the same tests are made with. */
  readonly peers: readonly Peer[];
}

interface Peer {
  readonly name: string;
  readonly script: string;
  readonly args?: readonly string[];
}

const NODE_NET: Peer = { name: 'node:net', script: 'node-net.js' };
const NODE_TLS: Peer = { name: 'tls.connect', script: 'node-tls.js' };
const NODE_TLS_SHARED: Peer = {
  name: 'tls.connect, one secure context',
  script: 'node-tls.js',
  args: ['shared'],
};

const COMPARISONS: readonly Comparison[] = [
  { tester: 'tcp', peers: [NODE_NET] },
  { tester: 'http', peers: [NODE_NET] },
  { tester: 'tls', peers: [NODE_TLS] },
  { tester: 'https', peers: [NODE_TLS, NODE_TLS_SHARED] },
];

export const cpuPerTest: BenchPart = {
  name: 'cpu-per-test',
  title: `CPU per test, ${REALS} reals (${TLS_REALS} over TLS), each tested every ${LOOP_DELAY_MS / 1000} s, one nginx`,
  ours: 'surealived',
  method: 'User and system time of each process, by the tests that it has made meanwhile.',
  missing: () => (nginxVersion() === undefined ? ['nginx-light'] : []),
  async run(): Promise<PartResult> {
    await using _nginx = await startNginx({ port: TLS_PORT, servers });
    const figures: Figure[] = [];
    for (const comparison of COMPARISONS) figures.push(...(await compare(comparison)));
    return { figures };
  },
};

/** A short page for every request, in plain and over TLS, on all IPv4 addresses. */
function servers(directory: string): string {
  const { keyFile, certFile } = makeCertificate(directory, 'DNS:bench');
  const tls = `ssl_certificate ${certFile}; ssl_certificate_key ${keyFile}; ssl_protocols TLSv1.2 TLSv1.3;`;
  return `
    server { listen ${WEB_PORT} backlog=16384; return 200 "ok\\n"; }
    server { listen ${TLS_PORT} ssl backlog=16384; ${tls} return 200 "ok\\n"; }
  `;
}

async function compare({ tester, peers }: Comparison): Promise<readonly Figure[]> {
  const ours = await measure(await startSurealived(tester));
  const figures: Figure[] = [];
  for (const peer of peers) {
    const theirs = await measure(startPeer(peer, tester));
    figures.push({
      key: `${tester}CpuUs`,
      what: `${tester}, ${Math.round(ours.testsPerSec)} tests/s`,
      unit: 'µs',
      ours: ours.us,
      peer: { name: peer.name, value: theirs.us },
      panel: 'CPU per test',
    });
  }
  return figures;
}

function isOverTls(tester: Comparison['tester']): boolean {
  return tester === 'tls' || tester === 'https';
}

function realsOf(tester: Comparison['tester']): number {
  return isOverTls(tester) ? TLS_REALS : REALS;
}

function portOf(tester: Comparison['tester']): number {
  return isOverTls(tester) ? TLS_PORT : WEB_PORT;
}

interface Cost {
  readonly us: number;
  readonly userUs: number;
  readonly systemUs: number;
  readonly testsPerSec: number;
}

async function measure(contender: Contender): Promise<Cost> {
  await using running = contender;
  await delay(WARM_UP_MS);
  const [cpuBefore, testsBefore, startMs] = [
    readCpuTime(running.pid),
    await running.count(),
    performance.now(),
  ];
  await delay(MEASURE_MS);
  const [cpu, tests, endMs] = [readCpuTime(running.pid), await running.count(), performance.now()];
  const failures = tests.failures - testsBefore.failures;
  if (failures > 0) throw new Error(`${failures} tests of a healthy server failed`);
  const count = tests.successes - testsBefore.successes;
  const userUs = (cpu.userUs - cpuBefore.userUs) / count;
  const systemUs = (cpu.systemUs - cpuBefore.systemUs) / count;
  return { us: userUs + systemUs, userUs, systemUs, testsPerSec: (count * 1000) / (endMs - startMs) };
}

function startPeer({ script, args = [] }: Peer, tester: Comparison['tester']): Contender {
  const file = fileURLToPath(new URL(`./peers/${script}`, import.meta.url));
  const figures = [realsOf(tester), portOf(tester), LOOP_DELAY_MS].map(String);
  const peer = new MeasuredProcess(file, [tester, ...figures, ...args]);
  return {
    pid: peer.pid,
    count: async () => {
      const [successes = 0, failures = 0] = (await peer.ask('count')).split(' ').map(Number);
      return { successes, failures };
    },
    [Symbol.asyncDispose]: () => peer[Symbol.asyncDispose](),
  };
}

async function startSurealived(tester: Comparison['tester']): Promise<Contender> {
  const directory = new HandoverDirectory({ maxfd: 16_384, startup_delay_ms: LOOP_DELAY_MS / 2 });
  const services = directory.writeServices(servicesXml(tester));
  const daemon = new DaemonProcess('surealived', ['-c', directory.config, services]);
  const { adminPort } = await daemon.waitFor('testing started');
  return {
    pid: daemon.child.pid ?? 0,
    count: async () => readCounts(await askAdmin(Number(adminPort), 'stats')),
    [Symbol.asyncDispose]: async () => {
      await daemon.stop();
      directory[Symbol.dispose]();
    },
  };
}

function readCounts(stats: string): { successes: number; failures: number } {
  const read = (name: string): number => Number(new RegExp(`^${name}\\s*: (\\d+)$`, 'm').exec(stats)?.[1]);
  return { successes: read('t_success'), failures: read('t_failed') };
}

function servicesXml(tester: Comparison['tester']): string {
  const ssl = isOverTls(tester) ? 'SSL="1" sni="bench"' : '';
  const http = tester.startsWith('http') ? 'proto="http" url="/" host="bench"' : 'proto="tcp"';
  const port = portOf(tester);
  const parts = ['<surealived>'];
  for (let first = 0; first < realsOf(tester); first += 10) {
    parts.push(
      `<virtual name="v${first}" addr="10.0.${first >> 8}.${first & 255}" port="80" proto="tcp" sched="wrr" rt="dr">`,
      `<tester ${http} testport="${port}" loopdelay="${LOOP_DELAY_MS / 1000}" timeout="5" ${ssl}/>`,
    );
    for (let i = first; i < first + 10; i++) {
      parts.push(`<real name="r${i}" addr="127.1.${i >> 8}.${i & 255}" port="80" weight="10"/>`);
    }
    parts.push('</virtual>');
  }
  return `${parts.join('\n')}\n</surealived>\n`;
}
