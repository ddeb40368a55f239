import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { DaemonProcess } from '../daemons/daemon-process.js';
import { HandoverDirectory } from '../daemons/handover-directory.js';

const REALS = 1000;
const HANGING = 200;
const OBSERVED_MS = 6000;

/** A server on every loopback address that notes when it was asked at which; where `hangs` says so it never answers. */
async function watchedServer(hangs: (address: string) => boolean) {
  const visits = new Map<string, number[]>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    const address = socket.localAddress ?? '';
    const times = visits.get(address) ?? [];
    times.push(performance.now());
    visits.set(address, times);
    socket.on('data', () => {
      if (!hangs(address)) socket.end('HTTP/1.0 200 OK\r\n\r\nok\n');
    });
  });
  server.listen({ port: 0, host: '0.0.0.0', backlog: 4096 });
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: (server.address() as AddressInfo).port, visits };
}

const addressOf = (index: number): string => `127.0.${1 + Math.floor(index / 200)}.${1 + (index % 200)}`;
/** Every fifth, so that each virtual has its share. */
const isHanging = (index: number): boolean => index % (REALS / HANGING) === 0;
const hangingAddresses = new Set(
  Array.from({ length: REALS }, (_, i) => i)
    .filter(isHanging)
    .map(addressOf),
);

function servicesXml(port: number): string {
  const virtuals = Array.from({ length: 10 }, (_, virtual) => {
    const reals = Array.from({ length: REALS / 10 }, (_, i) => {
      const index = (virtual * REALS) / 10 + i;
      return `<real name="r${index}" addr="${addressOf(index)}" port="80" weight="10"/>`;
    });
    return `
  <virtual name="v${virtual}" addr="192.0.2.${virtual + 1}" port="80" proto="tcp" sched="wrr" rt="masq">
    <tester proto="http" testport="${port}" url="/" host="www.example.org" loopdelay="1" timeout="4"/>
    ${reals.join('\n    ')}
  </virtual>`;
  });
  return `<surealived>${virtuals.join('')}\n</surealived>\n`;
}

/** The median interval, in milliseconds, between two tests of the reals that never hang. */
async function intervalOfHealthy(hangs: (address: string) => boolean): Promise<number> {
  using directory = new HandoverDirectory({ maxfd: 4096 });
  const { port, visits } = await watchedServer(hangs);
  await using daemon = new DaemonProcess('surealived', [
    '-c',
    directory.config,
    directory.writeServices(servicesXml(port)),
  ]);
  await daemon.waitFor('testing started');
  await delay(OBSERVED_MS);
  const intervals = [...visits]
    .filter(([address]) => !hangingAddresses.has(address))
    .flatMap(([, times]) => times.slice(1).map((time, i) => time - (times[i] ?? 0)))
    .sort((a, b) => a - b);
  expect(intervals.length).toBeGreaterThan(3 * (REALS - HANGING));
  return intervals[intervals.length >> 1] ?? Number.NaN;
}

it('keeps the interval of 800 reals within 5 % while 200 others hang', { timeout: 60_000 }, async () => {
  const undisturbed = await intervalOfHealthy(() => false);
  const disturbed = await intervalOfHealthy((address) => hangingAddresses.has(address));
  expect(disturbed / undisturbed).toBeLessThan(1.05);
  expect(disturbed / undisturbed).toBeGreaterThan(0.95);
});
