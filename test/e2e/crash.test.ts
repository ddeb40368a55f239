import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readSnapshot } from '@surealived/shared/snapshot/read';
import type { DumpEntry, ParsedDump } from 'surealived/dumps/dump-lines';
import { parseNotifyDump } from 'surealived/dumps/notify-dump';
import { parseOfflineDump } from 'surealived/dumps/offline-dump';
import { type DumpedOverride, parseOverrideDump } from 'surealived/dumps/override-dump';
import { parseStatsDump } from 'surealived/dumps/stats-dump';
import { expect, it } from 'vitest';
import { askAdmin } from '../daemons/admin-client.js';
import { DaemonProcess, type LogLine } from '../daemons/daemon-process.js';
import { HandoverDirectory } from '../daemons/handover-directory.js';
import { RealServer } from '../daemons/real-server.js';

/** About a second each: `CRASH_ROUNDS=1000 npx vitest run test/e2e/crash.test.ts` takes longer and finds more. */
const ROUNDS = Number(process.env.CRASH_ROUNDS ?? 50);
const ROUND_TIMEOUT_MS = 20_000;
const VIRTUALS = 1000;
/** From the start of a process, or of its tests, to the moment when it is killed, at most. */
const LIFE_MS = 1800;
const OPERATORS = 4;

/** What an operator set last of a real: acknowledged, or on its way when the process was killed. */
interface Order {
  readonly acknowledged: string;
  readonly unanswered: string | undefined;
}

const NOTHING_SET = 'weight=100% rstate=ONLINE';
const SETTINGS = [
  'weight=100% rstate=DOWN',
  'weight=7  rstate=OFFLINE',
  'weight=50% rstate=ONLINE',
  NOTHING_SET,
];

const addressOf = (index: number): string => `10.9.${index >> 8}.${index & 255}`;
const virtualOf = (index: number): string => `${addressOf(index)}:80:0:0`;

/** Every tenth real is on a server that is not always there. */
function servicesXml(steady: RealServer, shaky: RealServer): string {
  const virtuals = Array.from({ length: VIRTUALS }, (_, index) => {
    const { port } = index % 10 === 0 ? shaky : steady;
    const notify = index % 10 === 0 ? 'notify_up="/bin/true" notify_min_reals="1"' : '';
    return `<virtual name="v${index}" addr="${addressOf(index)}" port="80" proto="tcp" sched="wrr" rt="dr">
      <tester proto="tcp" testport="${port}" loopdelay="0.3" timeout="2" ${notify}/>
      <real name="r" addr="127.0.0.1" port="80" weight="10"/></virtual>`;
  });
  return `<surealived>${virtuals.join('\n')}</surealived>`;
}

/** The files of the directory, read as a restart would, with whatever is wrong with them. */
function readDumps(directory: string) {
  const problems: string[] = [];
  const read = <T>(name: string, parse: (text: string, file: string) => ParsedDump<T>) => {
    const file = join(directory, name);
    if (!existsSync(file)) return [];
    const text = readFileSync(file, 'utf8');
    const parsed = parse(text, file);
    problems.push(...parsed.problems.map(({ line, message }) => `${name}:${line}: ${message}`));
    if (text !== '' && !text.endsWith('\n')) problems.push(`${name}: ends within a line`);
    return parsed.entries.map(({ value }: DumpEntry<T>) => value);
  };
  const dumps = {
    offline: read('offline.dump', parseOfflineDump),
    overrides: read('override.dump', parseOverrideDump),
    notified: read('notify.dump', parseNotifyDump),
    statistics: read('stats.dump', parseStatsDump),
  };
  return { ...dumps, problems };
}

function describe({ weight, adminState }: DumpedOverride): string {
  const text = weight.kind === 'percent' ? `${weight.percent}%` : `${weight.weight} `;
  return `weight=${text} rstate=${adminState}`;
}

/** Sets one real after the other until the process is gone. */
async function operate(port: number, orders: Map<number, Order>, operator: number): Promise<void> {
  for (;;) {
    const index = Math.floor((Math.random() * VIRTUALS) / OPERATORS) * OPERATORS + operator;
    const setting = SETTINGS[Math.floor(Math.random() * SETTINGS.length)] ?? NOTHING_SET;
    const before = orders.get(index) ?? { acknowledged: NOTHING_SET, unanswered: undefined };
    orders.set(index, { ...before, unanswered: setting });
    const names = `vproto=tcp vaddr=${addressOf(index)} vport=80 raddr=127.0.0.1 rport=80`;
    const command = `rset ${names} ${setting.replace('weight', 'rweight').replace(/ +/, ' ')}`;
    const reply = await askAdmin(port, command).catch(() => '');
    if (!/^Set: .*\n$/.test(reply)) return;
    orders.set(index, { acknowledged: setting, unanswered: undefined });
  }
}

/** When a tester is killed. */
type Moment = (tester: DaemonProcess) => Promise<unknown>;

const soon = () => delay(Math.random() * LIFE_MS);
const whileItStarts: Moment = soon;
/** However long a busy machine takes to start it. */
const whileItTests: Moment = (tester) => tester.waitFor('testing started').then(soon);

/** One life of the tester. @returns What it restored, where it came so far. */
async function liveAndDie(args: readonly string[], orders: Map<number, Order>, moment: Moment) {
  let restored: LogLine | undefined;
  const tester = new DaemonProcess('surealived', args, (line) => {
    if (line.msg === 'state restored') restored = line;
  });
  const killed = moment(tester).finally(() => tester.stop('SIGKILL'));
  const work = tester.waitFor('testing started').then(async ({ adminPort }) => {
    const operators = Array.from({ length: OPERATORS }, (_, index) => index);
    await Promise.all(operators.map((operator) => operate(Number(adminPort), orders, operator)));
  });
  await Promise.all([killed, work.catch(() => undefined)]); // it may be killed before it has begun
  return restored;
}

it(`a tester of ${VIRTUALS} virtuals, killed at ${ROUNDS} random moments, loses nothing that it has said to have`, {
  timeout: (ROUNDS + 1) * ROUND_TIMEOUT_MS,
}, async () => {
  using directory = new HandoverDirectory({ stats_dump_savesec: 1, maxfd: 4096 });
  const [steady, shaky] = ['steady', 'shaky'].map((name) => new RealServer(name, 'tcp', '127.0.0.1', 0));
  if (!steady || !shaky) throw new Error('no servers');
  await steady.start();
  await shaky.start();
  const args = ['-c', directory.config, directory.writeServices(servicesXml(steady, shaky))];
  const orders = new Map<number, Order>();
  let before = readDumps(directory.path);
  const untilAllIsStored: Moment = () =>
    expect
      .poll(() => orders.size > 0 && readDumps(directory.path).statistics.length, {
        timeout: ROUND_TIMEOUT_MS,
      })
      .toBeGreaterThan(0);
  for (let round = 0; round <= ROUNDS; round++) {
    if (round % 2 === 1) await shaky.stop();
    else if (round > 0) await shaky.start();
    // the last one lives until there is something to lose
    const moment = round === ROUNDS ? untilAllIsStored : round % 4 < 2 ? whileItStarts : whileItTests;
    const restored = await liveAndDie(args, orders, moment);
    if (restored)
      expect(restored).toMatchObject({ offline: before.offline.length, overrides: before.overrides.length });
    before = readDumps(directory.path);
    expect(before.problems).toEqual([]);
    if (existsSync(directory.snapshot)) {
      const { virtuals } = readSnapshot(readFileSync(directory.snapshot, 'utf8'), directory.snapshot);
      expect(virtuals).toHaveLength(VIRTUALS);
    }
    const stored = new Map(before.overrides.map((override) => [override.virtual, describe(override)]));
    for (const [index, { acknowledged: setting, unanswered }] of orders) {
      const found = stored.get(virtualOf(index)) ?? NOTHING_SET;
      expect([setting, unanswered], `virtual ${index} in round ${round}`).toContain(found);
      orders.set(index, { acknowledged: found, unanswered: undefined });
    }
  }
  await steady.stop();
  await shaky.stop();
  expect(orders.size).toBeGreaterThan(0);
  expect(before.statistics.length).toBeGreaterThan(0);
});
