import type { Socket } from 'node:net';
import { addressFamily, encodeSockaddr } from '@surealived/shared/libc';
import {
  drain,
  MAX_READ_BYTES,
  read,
  readUpTo,
  type StreamRequest,
  write,
} from '@surealived/testers/requests';
import { down, type StreamProbe, up, type Verdict } from '@surealived/testers/tester';
import { describe, expect, it } from 'vitest';
import { collectGarbage } from '../collect-garbage.js';
import { at } from '../services.test-kit.js';
import { Conversation } from './conversation.js';
import {
  blackHole,
  block,
  listen,
  newReactor,
  openDescriptors,
  refusingPort,
  runTest,
  testOf,
} from './hostile-servers.test-kit.js';
import type { Outcome } from './outcome.js';
import { TestQueue } from './test-queue.js';

const connects = function* (): StreamProbe {
  yield* write('');
  return up('connected');
};
const greets = function* (): StreamProbe {
  yield* write('hello');
  const answer = (yield* read(5)).toString();
  return answer === 'world' ? up(answer) : down('content', JSON.stringify(answer));
};
const drains = function* (): StreamProbe {
  yield* drain();
  return up('drained');
};
const never = (): void => undefined;
const answers = (socket: Socket): void => void socket.on('data', () => socket.end('world'));

describe('a conversation', () => {
  it.each(['127.0.0.1', '::1'])('with a healthy server at %s is up, with its figures', async (host) => {
    const outcome = await runTest(testOf(greets, await listen(answers, host), { host }));
    expect(outcome).toMatchObject({
      verdict: up('world'),
      obstacle: undefined,
      connectionProblem: undefined,
      sentBytes: 5,
      receivedBytes: 5,
    });
    expect(outcome.connectMs).toBeGreaterThan(0);
    expect(outcome.totalMs).toBeGreaterThanOrEqual(outcome.connectMs);
  });

  it.each(['127.0.0.1', '::1'])(
    'with nobody at %s is refused, however soon the refusal comes',
    async (host) => {
      const outcome = await runTest(testOf(connects, await refusingPort(host), { host }));
      expect(outcome).toMatchObject({
        verdict: down('refused', 'connect: ECONNREFUSED'),
        connectionProblem: 'refused',
        connectMs: 0,
      });
    },
  );

  it.each(['127.0.0.1', '::1'])('with itself at %s is refused: nobody else is there', async (host) => {
    const port = await refusingPort(host);
    const [family, sockaddr] = [at(host).family, encodeSockaddr(at(host), port)];
    const outcome = await new Promise<Outcome>((resolve) =>
      Conversation.of(
        newReactor(),
        {
          domain: addressFamily(family),
          sockaddr,
          bindSockaddr: sockaddr,
          timeoutMs: 2000,
          open: () => expect.unreachable(),
          begin: () => expect.unreachable(),
        },
        { onOutcome: resolve },
      ).start(),
    );
    expect(outcome).toMatchObject({
      verdict: down('refused', 'connect: met itself'),
      connectionProblem: 'refused',
      connectMs: 0,
    });
  });

  it('with an address that connect() itself refuses is unreachable', async () => {
    const outcome = await runTest(testOf(connects, 9, { host: '255.255.255.255' }));
    expect(outcome).toMatchObject({
      verdict: down('unreachable', 'connect: ENETUNREACH'),
      connectionProblem: 'unreachable',
    });
  });

  it('with a host that drops everything times out without a connection', async () => {
    const outcome = await runTest(testOf(connects, await blackHole(), { timeoutMs: 50 }));
    expect(outcome).toMatchObject({
      verdict: down('timeout', 'no connection within 50 ms'),
      connectionProblem: 'silent',
    });
    expect(outcome.totalMs).toBeGreaterThanOrEqual(50);
  });

  it.each<[string, (socket: Socket) => void, unknown]>([
    ['closes without a word', (socket) => socket.end(), { verdict: down('content', '""') }],
    ['closes in mid-answer', (socket) => socket.end('wor'), { verdict: down('content', '"wor"') }],
    [
      'resets after it heard us',
      (socket) => socket.once('data', () => socket.resetAndDestroy()),
      { verdict: { reason: 'reset' } },
    ],
    [
      'resets in mid-answer',
      (socket) => socket.once('data', () => socket.write('wor', () => socket.resetAndDestroy())),
      { verdict: { reason: 'reset' } },
    ],
    ['says the wrong thing', (socket) => socket.write('sorry'), { verdict: down('content', '"sorry"') }],
    ['says too much', (socket) => socket.write('world and more'), { verdict: up('world') }],
  ])(
    'with a server that %s ends with its reason, and is no connection problem',
    async (_what, serve, expected) => {
      const outcome = await runTest(testOf(greets, await listen(serve)));
      expect(outcome).toMatchObject({ ...(expected as Outcome), connectionProblem: undefined });
    },
  );

  it('with a server that hangs ends at the deadline, and is no connection problem', async () => {
    const outcome = await runTest(testOf(greets, await listen(never), { timeoutMs: 60 }));
    const verdict = down('timeout', 'no verdict within 60 ms');
    expect(outcome).toMatchObject({ verdict, receivedBytes: 0, connectionProblem: undefined });
  });

  it('with a server that resets at once is a reset, before or after we saw it connected', async () => {
    const { verdict } = await runTest(testOf(drains, await listen((socket) => socket.resetAndDestroy())));
    expect(verdict?.up === false && verdict.reason).toBe('reset');
  });

  it('reads an answer that drips one byte at a time', async () => {
    const drip = async (socket: Socket): Promise<void> => {
      socket.setNoDelay(true);
      for (const letter of 'world') {
        socket.write(letter);
        await new Promise(setImmediate);
      }
    };
    expect((await runTest(testOf(greets, await listen(drip)))).verdict).toEqual(up('world'));
  });

  it('is given what is there by readUpTo, and nothing at the end', async () => {
    const got: string[] = [];
    const listens = function* (): StreamProbe {
      for (;;) {
        const part = yield* readUpTo(4);
        got.push(part.toString());
        if (part.length === 0) return up('end');
      }
    };
    const port = await listen((socket) => socket.end('abcdefghij'));
    expect((await runTest(testOf(listens, port))).verdict).toEqual(up('end'));
    expect(got).toEqual(['abcd', 'efgh', 'ij', '']);
  });

  it('writes and reads more than any buffer holds, whole', async () => {
    const data = Buffer.alloc(8 << 20, 'surealived ');
    const echoes = function* (): StreamProbe {
      yield* write(data);
      for (let i = 0; i < data.length; i += MAX_READ_BYTES) {
        const part = yield* read(MAX_READ_BYTES);
        if (!part.equals(data.subarray(i, i + MAX_READ_BYTES))) return down('content', `differs after ${i}`);
      }
      return up('equal');
    };
    // answers after it has read everything: the writer has to wait for room
    const serve = (socket: Socket): void => {
      const parts: Buffer[] = [];
      let bytes = 0;
      socket.on('data', (part) => {
        parts.push(part);
        bytes += part.length;
        if (bytes === data.length) socket.end(Buffer.concat(parts));
      });
    };
    const { verdict, sentBytes, receivedBytes } = await runTest(testOf(echoes, await listen(serve)));
    expect([verdict, sentBytes, receivedBytes]).toEqual([up('equal'), data.length, data.length]);
  });

  it('with a stream without end times out in bounded memory, and the others have their turn', async () => {
    const engine = new TestQueue(newReactor(), 100);
    const chunk = Buffer.alloc(1 << 18);
    const pour = (socket: Socket): void => {
      const more = (): void => {
        while (!socket.destroyed && socket.write(chunk));
      };
      socket.on('drain', more);
      more();
    };
    const before = process.memoryUsage().rss;
    const flood = runTest(testOf(drains, await listen(pour), { timeoutMs: 300 }), engine);
    const quick = await runTest(testOf(greets, await listen(answers)), engine);
    expect(quick.verdict).toEqual(up('world'));
    const outcome = await flood;
    expect(outcome.verdict).toEqual(down('timeout', 'no verdict within 300 ms'));
    expect(outcome.receivedBytes).toBeGreaterThan(1 << 20);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 << 20);
  });

  it('uses the source address it is told to', async () => {
    let from: string | undefined;
    const port = await listen((socket) => {
      from = socket.remoteAddress;
      socket.end('world');
    });
    await runTest(testOf(greets, port, { bind: '127.0.0.77' }));
    expect(from).toBe('127.0.0.77');
  });

  it('that cannot have its source address is an obstacle, not a verdict', async () => {
    const engine = new TestQueue(newReactor(), 1);
    const before = openDescriptors();
    const outcome = await runTest(testOf(connects, 9, { bind: '192.0.2.1' }), engine);
    expect(outcome).toMatchObject({ verdict: undefined, obstacle: 'bind: EADDRNOTAVAIL' });
    expect(openDescriptors()).toBe(before);
  });

  it('is up when the connection stood in time, though the event loop was held up beyond the deadline', async () => {
    const port = await listen(never);
    const outcome = runTest(testOf(connects, port, { timeoutMs: 20 }));
    block(80);
    expect((await outcome).verdict).toEqual(up('connected'));
  });

  it('is up when the answer came in time, though the event loop was held up beyond the deadline', async () => {
    const serve = (socket: Socket): void => {
      socket.once('data', () => {
        socket.write('world');
        block(150);
      });
    };
    const outcome = await runTest(testOf(greets, await listen(serve), { timeoutMs: 100 }));
    expect(outcome.verdict).toEqual(up('world'));
    expect(outcome.totalMs).toBeGreaterThan(100);
  });
});

describe('a tester that misbehaves', () => {
  const nonsense = (value: unknown) =>
    function* (): StreamProbe {
      yield value as StreamRequest;
      return up('survived');
    };
  const fails = (): never => {
    throw new Error('a mistake');
  };
  const verdict = (value: unknown) =>
    // biome-ignore lint/correctness/useYield: its verdict is the point
    function* (): StreamProbe {
      return value as Verdict;
    };

  it.each<[string, () => StreamProbe, RegExp]>([
    ['throws when asked for its conversation', fails, /a mistake/],
    [
      'throws at its first step',
      // biome-ignore lint/correctness/useYield: it does not come to that
      function* () {
        return fails();
      },
      /a mistake/,
    ],
    [
      'throws later',
      function* () {
        yield* read(1);
        return fails();
      },
      /a mistake/,
    ],
    ['yields nothing', nonsense(undefined), /TypeError/],
    ['yields an unknown request', nonsense({ want: 'money', bytes: 1 }), /unknown request: \{"want":"money"/],
    ['writes what is no data', nonsense({ want: 'write', data: 'text' }), /a write needs bytes/],
    [
      'asks for too much',
      nonsense({ want: 'read', bytes: MAX_READ_BYTES + 1 }),
      /a read asks for 1048577 bytes/,
    ],
    ['asks for nothing', nonsense({ want: 'readUpTo', bytes: 0 }), /a read asks for 0 bytes/],
    ['asks for half a byte', nonsense({ want: 'read', bytes: 0.5 }), /a read asks for 0.5 bytes/],
    ['comes to no verdict', verdict(undefined), /TypeError/],
    ['makes up a verdict', verdict({ up: 'yes' }), /not a verdict: \{"up":"yes"\}/],
    ['has nothing to say', verdict({ up: true }), /not a verdict: \{"up":true\}/],
    ['makes up a reason', verdict({ up: false, reason: 'mood', detail: '' }), /not a verdict/],
    ['says a number', verdict({ up: false, reason: 'content', detail: 7 }), /not a verdict/],
    ['is no generator', () => ({}) as StreamProbe, /TypeError/],
  ])('because it %s costs its own test only', async (_what, probe, obstacle) => {
    const engine = new TestQueue(newReactor(), 1);
    const port = await listen((socket) => socket.write('x'));
    const outcome = await runTest(testOf(probe, port), engine);
    expect(outcome).toMatchObject({ verdict: undefined, obstacle: expect.stringMatching(obstacle) });
    expect(outcome.obstacle).toMatch(/^the tester failed: /);
    expect(engine.running).toBe(0);
    expect((await runTest(testOf(connects, port), engine)).verdict).toEqual(up('connected'));
  });

  it('may talk at length, and is cut short', async () => {
    const port = await listen((socket) => socket.write('x'));
    const outcome = await runTest(testOf(verdict(up('y'.repeat(100_000))), port));
    expect(outcome.verdict).toEqual(up('y'.repeat(1000)));
  });

  it('because it never stops asking is ended by its deadline, and the others have their turn', async () => {
    const engine = new TestQueue(newReactor(), 100);
    const asksForEver = function* (): StreamProbe {
      for (;;) yield* write('');
    };
    const port = await listen(answers);
    const endless = runTest(testOf(asksForEver, port, { timeoutMs: 60 }), engine);
    expect((await runTest(testOf(greets, port), engine)).verdict).toEqual(up('world'));
    expect((await endless).verdict).toEqual(down('timeout', 'no verdict within 60 ms'));
  });

  it('because it never stops asking gets one turn at a time, however many events come in', async () => {
    let asked = 0;
    const asksForEver = function* (): StreamProbe {
      for (;;) {
        asked++;
        yield* write('');
      }
    };
    const drip = async (socket: Socket): Promise<void> => {
      for (let i = 0; i < 50; i++) {
        socket.write('x');
        await new Promise(setImmediate);
      }
    };
    let ended = false;
    const outcome = runTest(testOf(asksForEver, await listen(drip), { timeoutMs: 60 }));
    void outcome.then(() => {
      ended = true;
    });
    let most = 0;
    for (let before = 0; !ended; before = asked) {
      await new Promise(setImmediate);
      most = Math.max(most, asked - before);
    }
    expect(most).toBeGreaterThan(100);
    expect(most).toBeLessThan(1000);
  });

  it.each([
    ['by its deadline', { timeoutMs: 30 }],
    ['for a bad request', { timeoutMs: 10_000 }],
  ])('still runs its finally block when it is ended %s', async (what, options) => {
    let cleaned = false;
    const tidies = function* (): StreamProbe {
      try {
        if (what === 'for a bad request') yield { want: 'read', bytes: -1 };
        yield* read(1);
        return up('unreachable');
      } finally {
        cleaned = true;
        yield* write('too late');
      }
    };
    await runTest(testOf(tidies, await listen(never), options));
    expect(cleaned).toBe(true);
  });
});

it('holds nothing of a test that is over, which a reload may have removed with all that belongs to it', async () => {
  const port = await listen(answers);
  const make = async (): Promise<WeakRef<object>> => {
    const test = testOf(greets, port);
    await runTest(test);
    return new WeakRef(test);
  };
  const test = await make();
  const isHeld = (): boolean => {
    collectGarbage();
    return test.deref() !== undefined;
  };
  await expect.poll(isHeld).toBe(false);
});
