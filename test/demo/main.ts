/**
 * `npm run demo`: both daemons on loopback and a table in memory; a server breaks and heals.
 *
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { messageOf } from '@surealived/shared/errors';
import type { Service } from 'ipvssync/ipvs/table';
import type { LogLine } from '../daemons/daemon-process.js';
import type { RealServer } from '../daemons/real-server.js';
import { TableWatch } from '../daemons/table-watch.js';
import { startDaemons } from './daemons.js';
import { Screen } from './screen.js';
import { demoServers } from './servers.js';
import { formatTable } from './table-view.js';

const SERVICES_FILE = fileURLToPath(new URL('../../../examples/demo.xml', import.meta.url));
/** How long a failure or recovery may take to show; it takes about half a second. */
const SEEN_TIMEOUT_MS = 10_000;
const PAUSE_MS = 4000;
const ADDRESSES: Record<string, string> = { web2: '127.80.0.2', mx1: '127.80.0.11' };

async function main(argv: readonly string[]): Promise<number> {
  const isOnce = argv.includes('--once');
  const servers = demoServers();
  const stopped = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort());
  let screen: Screen | undefined;
  const report = (line: LogLine): void => {
    const text = describeTransition(line);
    if (text) screen?.say(text);
  };
  for (const server of servers) await server.start();
  try {
    await using daemons = await startDaemons(SERVICES_FILE, report);
    using table = new TableWatch(daemons.tableFile);
    screen = new Screen(process.stdout, hints(daemons.adminPort));
    if (!process.stdout.isTTY) process.stdout.write(`${hints(daemons.adminPort).join('\n')}\n`);
    const paint = (services: readonly Service[]): void => screen?.showTable(formatTable(services));
    paint(table.read());
    table.onChange(paint);
    await play(servers, table, screen, { isOnce, signal: stopped.signal });
    return 0;
  } finally {
    for (const server of servers) await server.stop();
  }
}

interface Play {
  readonly isOnce: boolean;
  /** Ends the play. */
  readonly signal: AbortSignal;
}

/** Breaks and heals one server after the other: once, or until told to stop. */
async function play(
  servers: readonly RealServer[],
  table: TableWatch,
  screen: Screen,
  { isOnce, signal }: Play,
): Promise<void> {
  const victims = servers.filter(({ name }) => name in ADDRESSES);
  const pause = async (): Promise<void> => {
    if (!isOnce) await delay(PAUSE_MS, undefined, { signal });
  };
  try {
    for (let round = 0; !signal.aborted && !(isOnce && round > 0); round++) {
      const victim = victims[round % victims.length];
      if (!victim) return;
      await pause();
      await breakAndHeal(victim, table, screen, pause).catch(async (error: unknown) => {
        if (isOnce || signal.aborted) throw error;
        screen.say(messageOf(error)); // someone may be playing with the very same real
        await victim.stop();
        await victim.start();
      });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function breakAndHeal(
  server: RealServer,
  table: TableWatch,
  screen: Screen,
  pause: () => Promise<void>,
): Promise<void> {
  const weight = (services: readonly Service[]): number | undefined =>
    services
      .flatMap(({ destinations }) => destinations)
      .find(({ address }) => address.text === ADDRESSES[server.name])?.weight;
  await table.until(
    `${server.name} with its weight`,
    (services) => (weight(services) ?? 0) > 0,
    SEEN_TIMEOUT_MS,
  );
  screen.say(`${server.name} is being stopped`);
  const stoppedAtMs = performance.now();
  await server.stop();
  await table.until(`${server.name} at weight 0`, (services) => weight(services) === 0, SEEN_TIMEOUT_MS);
  screen.say(
    `${server.name} has weight 0, ${Math.round(performance.now() - stoppedAtMs)} ms after it stopped`,
  );
  await pause();
  screen.say(`${server.name} is being started`);
  await server.start();
  await table.until(
    `${server.name} with its weight`,
    (services) => (weight(services) ?? 0) > 0,
    SEEN_TIMEOUT_MS,
  );
  screen.say(`${server.name} has its weight again`);
}

function hints(adminPort: number): readonly string[] {
  const find = 'vproto=tcp vaddr=192.0.2.1 vport=80';
  const nc = (command: string): string => `  printf '${command}\\n' | nc -q 1 127.0.0.1 ${adminPort}`;
  return [
    'Play with it from another terminal (Ctrl-C ends the demo):',
    nc('vlist'),
    nc(`rlist ${find}`),
    nc(`rset ${find} raddr=127.80.0.1 rport=80 rstate=OFFLINE`),
  ];
}

function describeTransition({ msg, real, reason, detail, weight }: LogLine): string | undefined {
  if (msg === 'real offline') return `surealived: ${real} offline (${reason}: ${detail})`;
  if (msg === 'real online') return `surealived: ${real} online (${detail})`;
  return msg === 'real set by operator' ? `surealived: ${real} set by operator, weight ${weight}` : undefined;
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`demo: ${messageOf(error)}\n`);
  return 1;
});
