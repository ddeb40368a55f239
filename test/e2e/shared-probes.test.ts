import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { askAdmin } from '../daemons/admin-client.js';
import { DaemonProcess } from '../daemons/daemon-process.js';
import { HandoverDirectory } from '../daemons/handover-directory.js';

const VIRTUALS = 20;

/** A server that counts the requests that it answers. */
async function countingServer() {
  const sockets = new Set<Socket>();
  const counted = { port: 0, requests: 0, stop: () => {} };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', () => {
      counted.requests++;
      socket.end('HTTP/1.0 200 OK\r\n\r\nok\n');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  counted.port = (server.address() as AddressInfo).port;
  counted.stop = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(counted.stop);
  return counted;
}

function servicesXml(port: number, virtuals: number): string {
  const elements = Array.from(
    { length: virtuals },
    (_, index) => `
  <virtual name="v${index}" addr="192.0.2.${index + 1}" port="80" proto="tcp" sched="wrr" rt="masq">
    <tester proto="http" testport="${port}" url="/" host="a" loopdelay="0.2" debugcomm="${Number(index < 2)}"/>
    <real name="w" addr="127.0.0.1" port="80" weight="10"/>
  </virtual>`,
  );
  return `<surealived>${elements.join('')}\n</surealived>\n`;
}

it.each([0, 2])(
  'with share_probes, 20 virtuals ask their server as often as one, and lose it together (workers %d)',
  async (workers) => {
    using directory = new HandoverDirectory({ workers, share_probes: 'true', debug_comm: 1 });
    const server = await countingServer();
    const services = directory.writeServices(servicesXml(server.port, VIRTUALS));
    await using daemon = new DaemonProcess('surealived', ['-c', directory.config, services]);
    const { adminPort } = await daemon.waitFor('testing started');
    const figure = async (name: string): Promise<number> => {
      const answer = await askAdmin(Number(adminPort), 'stats');
      return Number(new RegExp(`^${name}\\s*: (\\d+)$`, 'm').exec(answer)?.[1]);
    };
    await expect.poll(() => figure('t_success'), { timeout: 10_000 }).toBeGreaterThanOrEqual(5 * VIRTUALS);
    const tests = await figure('t_success');
    expect(tests % VIRTUALS).toBe(0);
    expect(Math.abs(server.requests - tests / VIRTUALS)).toBeLessThanOrEqual(1);
    for (const name of ['v0_w', 'v1_w']) {
      const dump = () => readFileSync(join(directory.path, 'comm', name), 'utf8');
      await expect.poll(dump, { timeout: 10_000 }).toContain('GET / HTTP/1.0'); // the next test empties it
    }
    writeFileSync(services, servicesXml(server.port, VIRTUALS / 2));
    expect(await askAdmin(Number(adminPort), 'reload')).toContain(`removed=${VIRTUALS / 2}`);
    server.stop();
    await expect.poll(() => figure('t_offline_set'), { timeout: 10_000 }).toBe(VIRTUALS / 2);
  },
);
