import { type DatagramExchange, down, up } from '@surealived/testers/tester';
import dns from '@surealived/testers/testers/dns';
import { describe, expect, it } from 'vitest';
import { answerTo, message, name, question, record } from '../../../testers/src/dns-message.test-kit.js';
import {
  boundUdp,
  datagramTestOf,
  exchangeTestOf,
  listenUdp,
  type Reply,
  refusingUdpPort,
} from './hostile-datagrams.test-kit.js';
import { block, newReactor, openDescriptors, runTest } from './hostile-servers.test-kit.js';
import type { Trace } from './outcome.js';
import { TestQueue } from './test-queue.js';

/** Asks "hello", and takes "world" alone for an answer. */
const greets = (): DatagramExchange => ({
  request: Buffer.from('hello'),
  judge: (answer) => (answer.toString() === 'world' ? up('world') : undefined),
});
const never = (): void => undefined;
const answers = (_request: Buffer, reply: Reply): void => reply('world');

describe('a datagram exchange', () => {
  it.each(['127.0.0.1', '::1'])('with a healthy server at %s is up, with its figures', async (host) => {
    const outcome = await runTest(exchangeTestOf(greets, await listenUdp(answers, host), { host }));
    expect(outcome).toMatchObject({
      verdict: up('world'),
      obstacle: undefined,
      connectionProblem: undefined,
      connectMs: 0,
      sentBytes: 5,
      receivedBytes: 5,
    });
    expect(outcome.responseMs).toBeGreaterThan(0);
    expect(outcome.totalMs).toBeGreaterThanOrEqual(outcome.responseMs);
  });

  it.each(['127.0.0.1', '::1'])('with nobody at %s is refused', async (host) => {
    const outcome = await runTest(exchangeTestOf(greets, await refusingUdpPort(host), { host }));
    expect(outcome).toMatchObject({
      verdict: down('refused', 'recv: ECONNREFUSED'),
      connectionProblem: 'refused',
      responseMs: 0,
    });
  });

  it('with a silent server times out after three requests', async () => {
    const port = await listenUdp(never);
    const outcome = await runTest(exchangeTestOf(greets, port, { timeoutMs: 60 }));
    expect(outcome).toMatchObject({
      verdict: down('timeout', 'no answer within 60 ms'),
      connectionProblem: 'silent',
      sentBytes: 15,
    });
    expect(outcome.totalMs).toBeGreaterThanOrEqual(60);
  });

  it('asks again, since datagrams get lost', async () => {
    let requests = 0;
    const port = await listenUdp((_request, reply) => {
      if (++requests === 3) reply('world');
    });
    const { verdict } = await runTest(exchangeTestOf(greets, port, { timeoutMs: 300 }));
    expect([verdict, requests]).toEqual([up('world'), 3]);
  });

  it('waits on when it gets what is no answer, an empty datagram too', async () => {
    const port = await listenUdp((_request, reply) => {
      for (const text of ['', 'spam', 'more spam', 'world']) reply(text);
    });
    const outcome = await runTest(exchangeTestOf(greets, port));
    expect(outcome).toMatchObject({ verdict: up('world'), receivedBytes: 18 });
  });

  it('with a server that says other things only has a time-out, but no connection problem', async () => {
    const port = await listenUdp((_request, reply) => reply('spam'));
    const { verdict, connectionProblem } = await runTest(exchangeTestOf(greets, port, { timeoutMs: 60 }));
    expect(verdict).toMatchObject({
      reason: 'timeout',
      detail: expect.stringMatching(/^no answer within 60 ms, only [123] datagrams/),
    });
    expect(connectionProblem).toBeUndefined();
  });

  it('hears no one but the address and port that it asked', async () => {
    const elsewhere = [await boundUdp(), await boundUdp('127.0.0.2')];
    const port = await listenUdp((_request, _reply, from) => {
      for (const socket of elsewhere) socket.send('world', from.port, from.address);
    });
    const outcome = await runTest(exchangeTestOf(greets, port, { timeoutMs: 60 }));
    expect(outcome).toMatchObject({ verdict: { reason: 'timeout' }, connectionProblem: 'silent' });
  });

  it('takes the largest datagrams there are, both ways', async () => {
    const largest = (): DatagramExchange => ({
      request: Buffer.alloc(65_507, 'q'),
      judge: (answer) => up(`${answer.length}`),
    });
    const port = await listenUdp((request, reply) => reply(request));
    expect((await runTest(exchangeTestOf(largest, port))).verdict).toEqual(up('65507'));
  });

  it('gives the others their turn in a flood, and ends at its deadline', async () => {
    let judged = 0;
    const drowns = (): DatagramExchange => ({
      request: Buffer.from('hello'),
      judge: () => {
        judged++;
        block(0.2);
        return undefined;
      },
    });
    let flooding = true;
    const port = await listenUdp((_request, reply) => {
      const pour = (): void => {
        if (!flooding) return;
        for (let i = 0; i < 100; i++) reply('spam');
        setImmediate(pour);
      };
      pour();
    });
    let ended = false;
    const outcome = runTest(exchangeTestOf(drowns, port, { timeoutMs: 150 }));
    void outcome.then(() => {
      ended = true;
    });
    let most = 0;
    for (let before = 0; !ended; before = judged) {
      await new Promise(setImmediate);
      most = Math.max(most, judged - before);
    }
    flooding = false;
    expect((await outcome).verdict).toMatchObject({ reason: 'timeout' });
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(2 * 64); // its own turn, and one for new events
  });

  it('does not mind an answer that comes when it has ended', async () => {
    const late: (() => void)[] = [];
    const port = await listenUdp((_request, reply) => late.push(() => reply('world')));
    const { verdict } = await runTest(exchangeTestOf(greets, port, { timeoutMs: 30 }));
    for (const reply of late) reply();
    expect(verdict).toMatchObject({ reason: 'timeout' });
    const healthy = await listenUdp(answers);
    expect((await runTest(exchangeTestOf(greets, healthy))).verdict).toEqual(up('world'));
  });

  it('finds the answer that came in time, however long this process was held up', async () => {
    const port = await listenUdp((_request, reply) => {
      reply('world');
      block(150);
    });
    const { verdict } = await runTest(exchangeTestOf(greets, port, { timeoutMs: 50 }));
    expect(verdict).toEqual(up('world'));
  });

  it('comes from the address that it is bound to', async () => {
    let source = '';
    const port = await listenUdp((_request, reply, { address }) => {
      source = address;
      reply('world');
    });
    await runTest(exchangeTestOf(greets, port, { bind: '127.0.0.9' }));
    expect(source).toBe('127.0.0.9');
  });

  it('with a source address that is not ours is no verdict', async () => {
    const outcome = await runTest(exchangeTestOf(greets, 53, { bind: '192.0.2.1' }));
    expect(outcome).toMatchObject({ verdict: undefined, obstacle: 'bind: EADDRNOTAVAIL' });
  });

  it('shows what is sent and received to whoever watches', async () => {
    const seen: string[] = [];
    const trace: Trace = {
      sent: (data) => void seen.push(`> ${Buffer.from(data)}`),
      received: (data) => void seen.push(`< ${Buffer.from(data)}`),
    };
    const port = await listenUdp(answers);
    const queue = new TestQueue(newReactor(), 1);
    await new Promise((resolve) => queue.run(exchangeTestOf(greets, port), resolve, trace));
    expect(seen).toEqual(['> hello', '< world']);
  });

  it('leaves no descriptor open, however it ends', async () => {
    const reactor = newReactor();
    const queue = new TestQueue(reactor, 100);
    const [healthy, silent, refusing] = [
      await listenUdp(answers),
      await listenUdp(never),
      await refusingUdpPort(),
    ];
    const before = openDescriptors();
    for (const port of [healthy, silent, refusing])
      await runTest(exchangeTestOf(greets, port, { timeoutMs: 30 }), queue);
    const running = queue.run(exchangeTestOf(greets, silent), () => expect.unreachable());
    expect(openDescriptors()).toBe(before + 1);
    running.cancel();
    running.cancel();
    expect([openDescriptors(), queue.running]).toEqual([before, 0]);
  });

  it('sends nothing more once it is cancelled', async () => {
    const queue = new TestQueue(newReactor(), 1);
    let requests = 0;
    let heard: () => void = never;
    const first = new Promise<void>((resolve) => {
      heard = resolve;
    });
    const silent = await listenUdp(() => {
      requests++;
      heard();
    });
    const running = queue.run(exchangeTestOf(greets, silent, { timeoutMs: 300 }), () => expect.unreachable());
    await first;
    running.cancel();
    const before = requests;
    await runTest(exchangeTestOf(greets, await listenUdp(never), { timeoutMs: 350 }), queue);
    expect(requests).toBe(before);
  });

  it.each<[string, () => DatagramExchange, string]>([
    ['asks with nothing', () => ({ request: Buffer.alloc(0), judge: () => undefined }), '0 bytes'],
    ['asks with too much', () => ({ request: Buffer.alloc(65_508), judge: () => undefined }), '65508 bytes'],
    ['asks with text', () => ({ request: 'hello', judge: () => undefined }) as never, 'needs bytes'],
    [
      'throws',
      () => {
        throw new Error('oh');
      },
      'oh',
    ],
    [
      'throws at the answer',
      () => ({
        request: Buffer.from('hello'),
        judge: () => {
          throw new Error('oh');
        },
      }),
      'oh',
    ],
    [
      'judges with nonsense',
      () => ({ request: Buffer.from('hello'), judge: () => 'up' }) as never,
      'not a verdict',
    ],
    ['judges with null', () => ({ request: Buffer.from('hello'), judge: () => null }) as never, 'failed'],
  ])('of a tester that %s costs this test only', async (_what, exchange, message) => {
    const port = await listenUdp(answers);
    const { verdict, obstacle } = await runTest(exchangeTestOf(exchange, port));
    expect(verdict).toBeUndefined();
    expect(obstacle).toMatch(/^the tester failed: /);
    expect(obstacle).toContain(message);
  });
});

describe('the dns tester', () => {
  const attributes = { request: 'example.org', qtype: 'A', expect: '' };
  const address = record(1, Buffer.from([192, 0, 2, 1]));
  const idOf = (request: Buffer): number => request.readUInt16BE(0);
  const otherQuestion = (request: Buffer): Buffer =>
    message({ id: idOf(request), question: question(name(['example', 'net']), 1), answers: [address] });

  it.each<[string, (request: Buffer, reply: Reply) => void, object]>([
    ['answers', (request, reply) => reply(answerTo(request, [address])), { verdict: up('A 192.0.2.1') }],
    [
      'answers with another id first',
      (request, reply) => {
        reply(answerTo(request, [address], { id: idOf(request) ^ 0xff }));
        reply(answerTo(request, []));
      },
      { verdict: down('content', 'no answer record') },
    ],
    [
      'answers another question',
      (request, reply) => reply(otherQuestion(request)),
      { verdict: { reason: 'timeout' }, connectionProblem: undefined },
    ],
    [
      'sends garbage',
      (_request, reply) => reply(Buffer.alloc(500, 0xc0)),
      { verdict: { reason: 'timeout' } },
    ],
    ['sends our request back', (request, reply) => reply(request), { verdict: { reason: 'timeout' } }],
    ['is silent', never, { verdict: { reason: 'timeout' }, connectionProblem: 'silent' }],
    [
      'answers in half',
      (request, reply) => reply(answerTo(request, [address]).subarray(0, -1)),
      { verdict: down('protocol', 'malformed answer: the message ends too early') },
    ],
  ])('with a server that %s', async (_what, serve, expected) => {
    const test = datagramTestOf(dns, attributes, await listenUdp(serve), { timeoutMs: 60 });
    expect(await runTest(test)).toMatchObject(expected);
  });
});
