import type { Socket } from 'node:net';
import { drain, read, write } from '@surealived/testers/requests';
import { down, type StreamProbe, up } from '@surealived/testers/tester';
import { describe, expect, it } from 'vitest';
import {
  blackHole,
  block,
  listen,
  newReactor,
  openDescriptors,
  runTest,
  testOf,
} from './hostile-servers.test-kit.js';
import { type RunningTest, TestQueue } from './test-queue.js';

const greets = function* (): StreamProbe {
  yield* write('hello');
  const answer = (yield* read(5)).toString();
  return answer === 'world' ? up(answer) : down('content', JSON.stringify(answer));
};
const never = (): void => undefined;
const answers = (socket: Socket): void => void socket.on('data', () => socket.end('world'));

describe('TestQueue', () => {
  it('never has more connections than its capacity, and finishes all', async () => {
    const engine = new TestQueue(newReactor(), 1);
    let [open, most] = [0, 0];
    const port = await listen((socket) => {
      most = Math.max(most, ++open);
      socket.on('data', () => {
        open--; // before we answer: what follows the answer is the next one's
        socket.end('world');
      });
    });
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, () => runTest(testOf(greets, port), engine)),
    );
    expect(outcomes.map(({ verdict }) => verdict)).toEqual(Array(10).fill(up('world')));
    expect([most, engine.running]).toEqual([1, 0]);
  });

  it('starts the clock of a test when its turn comes', async () => {
    const engine = new TestQueue(newReactor(), 1);
    const [hanging, healthy] = [await listen(never), await listen(answers)];
    const first = runTest(testOf(greets, hanging, { timeoutMs: 150 }), engine);
    const second = await runTest(testOf(greets, healthy, { timeoutMs: 100 }), engine);
    expect(second.verdict).toEqual(up('world'));
    expect((await first).verdict).toMatchObject({ reason: 'timeout' });
  });

  it('lends half of its places at most, and none that a test has', async () => {
    const queue = new TestQueue(newReactor(), 5);
    const port = await listen(never);
    const running = [1, 2, 3, 4].map(() => queue.run(testOf(greets, port), never));
    expect([queue.lend(), queue.lend()]).toEqual([true, false]);
    for (const test of running) test.cancel();
    expect([queue.lend(), queue.lend()]).toEqual([true, false]);
    expect(queue.running).toBe(0);
  });

  it('lets a test begin that waited for a lent place', async () => {
    const queue = new TestQueue(newReactor(), 2);
    queue.lend();
    const hangs = queue.run(testOf(greets, await listen(never)), () => expect.unreachable());
    const outcome = runTest(testOf(greets, await listen(answers)), queue);
    expect([queue.running, queue.waiting, hangs.hasBegun]).toEqual([1, 1, true]);
    queue.takeBack();
    expect((await outcome).verdict).toEqual(up('world'));
    hangs.cancel();
  });

  it('gets through a queue of thousands that all fail at once', async () => {
    const engine = new TestQueue(newReactor(), 1);
    const blocker = engine.run(testOf(greets, await blackHole()), () => expect.unreachable());
    const test = testOf(greets, 9, { bind: '192.0.2.1' });
    const all = Promise.all(Array.from({ length: 5000 }, () => runTest(test, engine)));
    blocker.cancel();
    for (const { obstacle } of await all) expect(obstacle).toBe('bind: EADDRNOTAVAIL');
    expect(engine.running).toBe(0);
  });

  it('frees the place of a test that ended before it tells the outcome', async () => {
    const engine = new TestQueue(newReactor(), 1);
    const port = await listen(answers);
    const running = await new Promise((resolve) =>
      engine.run(testOf(greets, port), () => resolve(engine.running)),
    );
    expect(running).toBe(0);
  });

  describe('frees the descriptor at once and says nothing when it is cancelled', () => {
    const phases: [string, () => Promise<{ port: number; reached: Promise<unknown> }>][] = [
      ['connecting', async () => ({ port: await blackHole(), reached: Promise.resolve() })],
      [
        'waiting for an answer',
        async () => {
          let heard: (value?: unknown) => void = never;
          const reached = new Promise((resolve) => {
            heard = resolve;
          });
          return { port: await listen((socket) => socket.once('data', heard)), reached };
        },
      ],
    ];
    it.each(phases)('while %s', async (_phase, prepare) => {
      const engine = new TestQueue(newReactor(), 1);
      const { port, reached } = await prepare();
      const running = engine.run(testOf(greets, port), () => expect.unreachable());
      await reached;
      const during = openDescriptors();
      running.cancel();
      expect([during - openDescriptors(), engine.running]).toEqual([1, 0]);
      running.cancel();
      expect(engine.running).toBe(0);
    });

    it('while it waits for its turn', async () => {
      const engine = new TestQueue(newReactor(), 1);
      const port = await listen(answers);
      const first = runTest(testOf(greets, port), engine);
      engine.run(testOf(greets, port), () => expect.unreachable()).cancel();
      expect((await first).verdict).toEqual(up('world'));
      expect((await runTest(testOf(greets, port), engine)).verdict).toEqual(up('world'));
    });

    it('in the middle of a long stream', async () => {
      const engine = new TestQueue(newReactor(), 1);
      const sockets: Socket[] = [];
      const port = await listen((socket) => {
        sockets.push(socket);
        socket.write(Buffer.alloc(4 << 20));
      });
      let running: RunningTest | undefined;
      const closed = new Promise<boolean>((resolve) => {
        const reads = function* (): StreamProbe {
          yield* read(1 << 19); // more than one turn
          setImmediate(() => {
            running?.cancel();
            sockets[0]?.once('close', resolve);
          });
          yield* drain();
          return up('unreachable');
        };
        running = engine.run(testOf(reads, port), () => expect.unreachable());
      });
      await closed;
      expect(engine.running).toBe(0);
    });
  });

  it('forgets what waits, and lets what runs end', async () => {
    const engine = new TestQueue(newReactor(), 1);
    const port = await listen(answers);
    const first = runTest(testOf(greets, port), engine);
    engine.run(testOf(greets, port), () => expect.unreachable());
    engine.forgetWaiting();
    expect((await first).verdict).toEqual(up('world'));
    expect(engine.running).toBe(0);
  });

  it('gives no verdict on a failure for which this process may have stood still too long', async () => {
    const reactor = newReactor();
    const queue = new TestQueue(reactor, 2);
    const refuses = listen((socket) => socket.on('data', () => socket.end('no')));
    const tests = [testOf(greets, await refuses), testOf(greets, await listen(answers))];
    const outcomes = tests.map((test) => runTest(test, queue));
    block(1300);
    const obstacle = 'this process stood still during the test';
    expect(await outcomes[0]).toMatchObject({ verdict: undefined, obstacle, connectionProblem: undefined });
    expect(await outcomes[1]).toMatchObject({ verdict: up('world'), obstacle: undefined });
    expect(await runTest(tests[0] as (typeof tests)[0], queue)).toMatchObject({
      verdict: { reason: 'content' },
    });
  });
});
