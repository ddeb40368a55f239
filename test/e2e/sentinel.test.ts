import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, it, onTestFinished } from 'vitest';
import { askAdmin } from '../daemons/admin-client.js';
import { DaemonProcess, type LogLine } from '../daemons/daemon-process.js';
import { HandoverDirectory } from '../daemons/handover-directory.js';

/** Nothing but a sentinel is this fast. */
const LOOP_DELAY_SEC = 3600;

/** A web server as a process of its own. @param onConnection What it does with each `socket`. */
async function serverProcess(port = 0, onConnection = ''): Promise<{ child: ChildProcess; port: number }> {
  const program = `
    const server = require('http').createServer((_, response) => response.end('ok'));
    server.on('connection', (socket) => { ${onConnection} });
    server.listen(${port}, '127.0.0.1', () => console.log(server.address().port));
  `;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  return { child, port: Number(line) };
}

function servicesXml(port: number, retries = 1): string {
  return `
<surealived>
  <virtual name="web" addr="192.0.2.1" port="80" proto="tcp" sched="wrr" rt="masq">
    <tester proto="http" testport="${port}" url="/" host="www.example.org" loopdelay="${LOOP_DELAY_SEC}"
            ${retries > 1 ? 'fastdelay="0.05"' : ''} downdelay="0.1" timeout="5" retries2fail="${retries}" sentinel="1"/>
    <real name="w1" addr="127.0.0.1" port="80" weight="10"/>
  </virtual>
</surealived>`;
}

async function start(directory: HandoverDirectory, services: string) {
  const lines: LogLine[] = [];
  const daemon = new DaemonProcess(
    'surealived',
    ['-v', '-c', directory.config, directory.writeServices(services)],
    (line) => lines.push(line),
  );
  const port = Number((await daemon.waitFor('testing started')).adminPort);
  const stats = () => askAdmin(port, 'stats');
  const untilOpen = () => expect.poll(stats, { timeout: 15_000 }).toMatch(/^s_open +: 1$/m);
  return { daemon, lines, port, stats, untilOpen };
}

it.each([
  ['at once', 1, 0],
  ['at once by a worker', 1, 2],
  ['after fastdelay where more failures are wanted', 3, 0],
])(
  'a killed server is taken offline %s, and is watched again when it is back',
  { timeout: 60_000 },
  async (_when, retries, workers) => {
    using directory = new HandoverDirectory({ workers });
    const first = await serverProcess();
    const {
      daemon: started,
      untilOpen,
      stats,
      port,
    } = await start(directory, servicesXml(first.port, retries));
    await using daemon = started;
    await untilOpen();
    first.child.kill('SIGKILL');
    await daemon.waitFor('real offline', ({ real }) => real === 'w1');
    expect(await stats()).toMatch(/^s_open +: 0$/m);
    await serverProcess(first.port);
    await daemon.waitFor('real online');
    await untilOpen();
    expect(JSON.parse(await askAdmin(port, 'rlist --json'))).toMatchObject({
      virtuals: [{ reals: [{ name: 'w1', sentinel: 'open' }] }],
    });
  },
);

it('a server that sends idle connections away stays online, and is left alone', {
  timeout: 60_000,
}, async () => {
  using directory = new HandoverDirectory();
  const server = await serverProcess(0, 'setTimeout(() => socket.destroy(), 100)');
  const { daemon: started, lines, stats, port } = await start(directory, servicesXml(server.port));
  await using daemon = started;
  const { cause } = await daemon.waitFor('sentinel: the server is left alone for a while');
  expect(cause).toBe('it closes idle connections soon');
  expect(await stats()).toMatch(/^s_open +: 0$\n^s_backed_off +: 1$\n^s_breaks +: 2$\n^s_tests +: 2$/m);
  expect(await askAdmin(port, 'history vproto=tcp vaddr=192.0.2.1 vport=80')).toMatch(/^sentinel: backoff$/m);
  expect(lines.filter(({ msg }) => msg === 'real offline')).toEqual([]);
});
