import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { askAdmin } from '../daemons/admin-client.js';
import { DaemonProcess, type LogLine } from '../daemons/daemon-process.js';
import { HandoverDirectory } from '../daemons/handover-directory.js';

const REALS = 100;
const STOPPED_MS = 10_000;

/** A web server that loses patience: who connects and asks nothing for a second is sent away with a 408. */
async function impatientServer(): Promise<number> {
  const options = { headersTimeout: 1000, requestTimeout: 1000, connectionsCheckingInterval: 100 };
  const server = createServer(options, (_request, response) => setTimeout(() => response.end('ok\n'), 20));
  server.on('connection', (socket) => socket.on('error', () => undefined));
  server.listen(0, '0.0.0.0');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

function servicesXml(port: number): string {
  const reals = Array.from({ length: REALS }, (_, i) => {
    return `<real name="r${i}" addr="127.0.1.${i + 1}" port="80" weight="10"/>`;
  });
  return `
<surealived>
  <virtual name="web" addr="192.0.2.1" port="80" proto="tcp" sched="wrr" rt="masq">
    <tester proto="http" testport="${port}" url="/" host="www.example.org" loopdelay="0.05" timeout="2"/>
    ${reals.join('\n    ')}
  </virtual>
</surealived>`;
}

it('takes no real offline because it was suspended itself for 10 seconds', { timeout: 60_000 }, async () => {
  using directory = new HandoverDirectory();
  const services = directory.writeServices(servicesXml(await impatientServer()));
  const lines: LogLine[] = [];
  const hear = (line: LogLine): void => void lines.push(line);
  await using daemon = new DaemonProcess('surealived', ['-c', directory.config, services], hear);
  const port = Number((await daemon.waitFor('testing started')).adminPort);
  const successes = async (): Promise<number> =>
    Number(/^t_success\s*: (\d+)$/m.exec(await askAdmin(port, 'stats'))?.[1]);
  await expect.poll(successes).toBeGreaterThan(2 * REALS);
  daemon.child.kill('SIGSTOP');
  await delay(STOPPED_MS);
  daemon.child.kill('SIGCONT');
  const before = await successes();
  await expect.poll(successes).toBeGreaterThan(before + 2 * REALS);
  expect(lines.filter(({ msg }) => msg === 'this process stood still')).toHaveLength(1);
  expect(lines.filter(({ msg }) => msg === 'real offline')).toEqual([]);
  expect(await askAdmin(port, 'stats')).toMatch(/^t_offline_set\s*: 0$/m);
});
