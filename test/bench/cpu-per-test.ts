/**
 * CPU per test of surealived beside the same tests made with node:net, against one local nginx.
 *
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { askAdmin } from '../daemons/admin-client.js';
import { DaemonProcess } from '../daemons/daemon-process.js';
import { HandoverDirectory } from '../daemons/handover-directory.js';
import { MeasuredProcess, readCpuTime } from './measured-process.js';
import { startNginx } from './nginx.js';
import type { BenchPart, Row } from './report.js';

const REALS = 5000;
const LOOP_DELAY_MS = 3800; // 5,000 reals: about 1,300 tests a second
const WARM_UP_MS = 6000;
const MEASURE_MS = 15_000;
const WEB_PORT = 18_480;

/** Something that tests: its process, and how many tests it has made. */
interface Contender extends AsyncDisposable {
  readonly pid: number;
  /** Successful and failed tests so far. */
  count(): Promise<{ successes: number; failures: number }>;
}

type TesterName = 'tcp' | 'http';

export const cpuPerTest: BenchPart = {
  name: 'cpu-per-test',
  title: `CPU per test, ${REALS} reals at about ${Math.round((REALS * 1000) / LOOP_DELAY_MS)} tests/s, one nginx`,
  columns: ['tester', 'tests/s', 'surealived µs (user + system)', 'node:net µs (user + system)', 'ratio'],
  async run(): Promise<readonly Row[]> {
    await using _nginx = await startNginx(WEB_PORT);
    const rows: Row[] = [];
    for (const tester of ['tcp', 'http'] as const) rows.push(await compare(tester));
    return rows;
  },
};

async function compare(tester: TesterName): Promise<Row> {
  const ours = await measure(await startSurealived(tester));
  const theirs = await measure(startNodeNet(tester));
  return {
    cells: [
      tester,
      Math.round(ours.testsPerSec),
      describe(ours),
      describe(theirs),
      (ours.us / theirs.us).toFixed(2),
    ],
    figures: { tester, surealivedUs: ours.us, nodeNetUs: theirs.us, ratio: ours.us / theirs.us },
  };
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

function describe({ us, userUs, systemUs }: Cost): string {
  return `${us.toFixed(1)} (${userUs.toFixed(1)} + ${systemUs.toFixed(1)})`;
}

function startNodeNet(tester: TesterName): Contender {
  const script = fileURLToPath(new URL('./peers/node-net.js', import.meta.url));
  const peer = new MeasuredProcess(script, [tester, String(REALS), String(WEB_PORT), String(LOOP_DELAY_MS)]);
  return {
    pid: peer.pid,
    count: async () => {
      const [successes = 0, failures = 0] = (await peer.ask('count')).split(' ').map(Number);
      return { successes, failures };
    },
    [Symbol.asyncDispose]: () => peer[Symbol.asyncDispose](),
  };
}

async function startSurealived(tester: TesterName): Promise<Contender> {
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

function servicesXml(tester: TesterName): string {
  const attributes = tester === 'http' ? 'url="/" host="bench"' : '';
  const parts = ['<surealived>'];
  for (let first = 0; first < REALS; first += 10) {
    parts.push(
      `<virtual name="v${first}" addr="10.0.${first >> 8}.${first & 255}" port="80" proto="tcp" sched="wrr" rt="dr">`,
      `<tester proto="${tester}" testport="${WEB_PORT}" loopdelay="${LOOP_DELAY_MS / 1000}" timeout="5" ${attributes}/>`,
    );
    for (let i = first; i < first + 10; i++) {
      parts.push(`<real name="r${i}" addr="127.1.${i >> 8}.${i & 255}" port="80" weight="10"/>`);
    }
    parts.push('</virtual>');
  }
  return `${parts.join('\n')}\n</surealived>\n`;
}
