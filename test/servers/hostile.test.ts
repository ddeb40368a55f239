import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { systemClock } from '@surealived/shared/clock';
import { TesterRegistry } from '@surealived/testers/registry';
import { Engine } from 'surealived/engine/engine';
import type { Outcome } from 'surealived/engine/outcome';
import { Reactor } from 'surealived/engine/reactor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { preparedTest, type RealAt } from './outcome-of.js';

const TIMEOUT_SEC = 1.5;
const PROGRAM = fileURLToPath(new URL('../dist/servers/hostile-server.js', import.meta.url));
const example = (name: string): string => fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));

/** Testers, as an operator would configure them. */
const STREAM_TESTERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  http: { proto: 'http', url: '/', host: 'www.example.org' },
  'http naive': { proto: 'http', url: '/', host: 'www.example.org', naive: '1' },
  https: { proto: 'http', url: '/', host: 'www.example.org', SSL: '1' },
  'tcp with TLS': { proto: 'tcp', SSL: '1' },
  'lua, ftp': { proto: 'lua', script: example('lua/ftp.lua'), params: 'user password' },
  'lua, rtsp': { proto: 'lua', script: example('lua/rtsp.lua'), params: '/live' },
  ssh: { proto: 'ssh' },
  exec: { proto: 'exec', exec: example('check-smtp.sh'), params: 'lb.example.org' },
};
const STREAM_BEHAVIOURS: readonly string[] = [
  'refuses',
  'resets',
  'resetsWhenAsked',
  'hangs',
  'drips',
  'dripsGreeting',
  'closesAtOnce',
  'closesHalfWay',
  'closesInGreeting',
  'garbage',
  'floods',
  'floodsAfterStatus',
  'otherAnswer',
];
const DATAGRAM_BEHAVIOURS = ['refuses', 'udpHangs', 'udpGarbage', 'udpOtherQuestion', 'udpOtherId'];
/** A page of a gigabyte with the right status: what it is depends on how fast this machine is. */
const UNDECIDED = ['http', 'http naive'].map((tester) => `${tester} floodsAfterStatus`);

const ports = new Map<string, number>();
const children: { kill(): unknown }[] = [];

async function startServer(behaviour: string): Promise<void> {
  const child = spawn(process.execPath, [PROGRAM, behaviour], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  ports.set(behaviour, Number(String(line).split(' ')[1]));
}

/** A port on which nobody listens. */
async function refusingPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('against servers that misbehave', () => {
  const outcomes = new Map<string, Outcome>();
  const healthy: Outcome[] = [];
  let longestTurnMs = 0;

  /** All tests at once, and beside them one healthy server, tested over and over again. */
  beforeAll(async () => {
    await Promise.all(
      [...STREAM_BEHAVIOURS, ...DATAGRAM_BEHAVIOURS].filter((name) => name !== 'refuses').map(startServer),
    );
    ports.set('refuses', await refusingPort());
    const reactor = new Reactor({ clock: systemClock, tickMs: 2, maxEvents: 64 });
    const engine = new Engine(reactor, { sockets: 1000, tasks: 1000 });
    const registry = new TesterRegistry();
    const run = (tester: Readonly<Record<string, string>>, at: RealAt): Promise<Outcome> =>
      new Promise((resolve) => engine.run(preparedTest(registry, tester, at), resolve));
    const pairs = [
      ...Object.entries(STREAM_TESTERS).flatMap(([name, tester]) =>
        STREAM_BEHAVIOURS.map((behaviour) => ({ name, tester, behaviour })),
      ),
      ...DATAGRAM_BEHAVIOURS.map((behaviour) => {
        return { name: 'dns', tester: { proto: 'dns', request: 'example.org' }, behaviour };
      }),
    ];
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\n'));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    let isOver = false;
    let lastMs = performance.now();
    const turn = (): void => {
      const nowMs = performance.now();
      longestTurnMs = Math.max(longestTurnMs, nowMs - lastMs);
      lastMs = nowMs;
      if (!isOver) setTimeout(turn, 1);
    };
    const keepTesting = async (): Promise<void> => {
      const at = { port: (server.address() as AddressInfo).port, timeout: TIMEOUT_SEC };
      while (!isOver) healthy.push(await run(STREAM_TESTERS.http ?? {}, at));
    };
    const all = pairs.map(async ({ name, tester, behaviour }) => {
      const at = { port: ports.get(behaviour) ?? 0, timeout: TIMEOUT_SEC };
      outcomes.set(`${name} ${behaviour}`, await run(tester, at));
    });
    turn();
    const control = keepTesting();
    await Promise.all(all);
    isOver = true;
    await control;
    server.close();
    reactor.close();
  }, 60_000);

  afterAll(() => {
    for (const child of children) child.kill();
  });

  const names = [
    ...Object.keys(STREAM_TESTERS).flatMap((name) =>
      STREAM_BEHAVIOURS.map((behaviour) => `${name} ${behaviour}`),
    ),
    ...DATAGRAM_BEHAVIOURS.map((behaviour) => `dns ${behaviour}`),
  ];

  it.each(names.filter((name) => !UNDECIDED.includes(name)))('%s: down, in time, with a reason', (name) => {
    const outcome = outcomes.get(name);
    expect(outcome).toMatchObject({ obstacle: undefined, verdict: { up: false } });
    expect(outcome?.verdict?.detail).not.toBe('');
    expect(outcome?.totalMs).toBeLessThan(TIMEOUT_SEC * 1000 + 2000);
  });

  it.each(UNDECIDED)('%s: up, or down for its time', (name) => {
    const verdict = outcomes.get(name)?.verdict;
    expect(verdict?.up === true || verdict?.reason === 'timeout').toBe(true);
  });

  it('the healthy one beside them is always up', () => {
    expect(healthy.length).toBeGreaterThan(20);
    expect(healthy.filter(({ verdict }) => !verdict?.up)).toEqual([]);
  });

  it('none holds the event loop up', () => {
    expect(longestTurnMs).toBeLessThan(1000);
  });
});
