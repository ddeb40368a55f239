import { setTimeout as delay } from 'node:timers/promises';
import {
  defineTaskTester,
  down,
  ObstacleError,
  type TaskContext,
  type TaskTester,
  up,
  type Verdict,
} from '@surealived/testers/tester';
import exec from '@surealived/testers/testers/exec';
import Type from 'typebox';
import { describe, expect, it } from 'vitest';
import { script, untilGone } from '../../../testers/src/processes.test-kit.js';
import { Engine } from './engine.js';
import { block, newReactor, runTest, targetAt } from './hostile-servers.test-kit.js';
import type { Outcome, Trace } from './outcome.js';
import { prepareTest } from './prepare.js';
import { type PreparedTest, TestQueue } from './test-queue.js';

function taskTestOf(tester: TaskTester, attributes = {}, timeoutMs = 10_000): PreparedTest {
  return prepareTest(tester, { target: targetAt('127.0.0.1', 80), attributes, timeoutMs, tls: undefined });
}

function scripted(check: (context: TaskContext) => Promise<Verdict>, timeoutMs?: number): PreparedTest {
  const tester = defineTaskTester({
    name: 'scripted',
    description: 'Does what the test wants.',
    attributes: Type.Object({}),
    check: (_target, _attributes, context) => check(context),
  });
  return taskTestOf(tester, {}, timeoutMs);
}

const hangs = (): Promise<Verdict> => new Promise(() => undefined);
const untilAborted = ({ signal }: TaskContext): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

describe('a task', () => {
  it('takes a place among the tasks, not a socket', () => {
    expect(scripted(hangs).takes).toBe('task');
  });

  it('ends with its verdict and its figures', async () => {
    const task = scripted(async ({ connected, sent, received, timeoutMs }) => {
      connected();
      sent(Buffer.from('hello'));
      await new Promise(setImmediate);
      received(Buffer.from('wor'));
      received(Buffer.from('ld'));
      return up(`within ${timeoutMs} ms`);
    });
    const outcome = await runTest(task);
    expect(outcome).toMatchObject({
      verdict: up('within 10000 ms'),
      obstacle: undefined,
      connectionProblem: undefined,
      sentBytes: 5,
      receivedBytes: 5,
      output: 'world',
    });
    expect(outcome.connectMs).toBeGreaterThan(0);
    expect(outcome.responseMs).toBeGreaterThanOrEqual(outcome.connectMs);
    expect(outcome.totalMs).toBeGreaterThanOrEqual(outcome.responseMs);
  });

  it('has no output where it received nothing', async () => {
    expect(await runTest(scripted(async () => up('')))).not.toHaveProperty('output');
  });

  it('takes a text for its bytes', async () => {
    const careless = scripted(async ({ sent, received }) => {
      sent('question' as never);
      received('żó' as never);
      return up('');
    });
    expect(await runTest(careless)).toMatchObject({ sentBytes: 8, receivedBytes: 4, output: 'żó' });
  });

  it('keeps the end of a long output, and no half character', async () => {
    const chatty = scripted(async ({ received }) => {
      for (let i = 0; i < 3000; i++) received(Buffer.from('żó'));
      received(Buffer.from(' end'));
      received(Buffer.from('.'));
      return up('');
    });
    const { output = '', receivedBytes } = await runTest(chatty);
    expect(receivedBytes).toBe(12_005);
    expect(output).toMatch(/^ó(żó)+ end\.$/);
    expect(Buffer.byteLength(output)).toBe(4095);
  });

  it.each<[string, Verdict, (context: TaskContext) => void, string | undefined]>([
    ['refused', down('refused', ''), () => undefined, 'refused'],
    ['reset before it was connected', down('reset', ''), () => undefined, 'refused'],
    ['reset afterwards', down('reset', ''), ({ connected }) => connected(), undefined],
    ['unreachable', down('unreachable', ''), () => undefined, 'unreachable'],
    ['silent', down('timeout', ''), () => undefined, 'silent'],
    ['silent after a word', down('timeout', ''), ({ received }) => received(Buffer.from('x')), undefined],
    ['wrong in what it says', down('content', ''), () => undefined, undefined],
  ])('that finds the real %s counts the connection problem', async (_what, verdict, act, problem) => {
    const outcome = await runTest(
      scripted(async (context) => {
        act(context);
        return verdict;
      }),
    );
    expect(outcome).toMatchObject({ verdict, connectionProblem: problem });
  });

  it('shows what it sends and receives to whoever watches', async () => {
    const seen: string[] = [];
    const trace: Trace = {
      sent: (data) => void seen.push(`> ${Buffer.from(data)}`),
      received: (data) => void seen.push(`< ${Buffer.from(data)}`),
    };
    const talks = scripted(async ({ sent, received }) => {
      sent(Buffer.from('hello'));
      received(Buffer.alloc(0));
      received(Buffer.from('world'));
      return up('');
    });
    const queue = new TestQueue(newReactor(), 1);
    await new Promise((resolve) => queue.run(talks, resolve, trace));
    expect(seen).toEqual(['> hello', '< world']);
  });
});

describe('a task that takes too long', () => {
  it('is aborted, and timed out', async () => {
    let aborted = false;
    const task = scripted(async (context) => {
      await untilAborted(context);
      aborted = true;
      return up('too late');
    }, 40);
    const outcome = await runTest(task);
    expect(outcome).toMatchObject({
      verdict: down('timeout', 'no answer within 40 ms'),
      connectionProblem: 'silent',
    });
    expect(outcome.totalMs).toBeGreaterThanOrEqual(40);
    await new Promise(setImmediate);
    expect(aborted).toBe(true);
  });

  it('is no connection problem once the real answered', async () => {
    const task = scripted(async ({ connected }) => {
      connected();
      return hangs();
    }, 30);
    const { verdict, connectionProblem } = await runTest(task);
    expect([verdict, connectionProblem]).toEqual([down('timeout', 'no verdict within 30 ms'), undefined]);
  });

  it('holds up nobody when it does not even end then', async () => {
    const queue = new TestQueue(newReactor(), 1);
    const first = runTest(scripted(hangs, 30), queue);
    const second = await runTest(
      scripted(async () => up('second')),
      queue,
    );
    expect(second.verdict).toEqual(up('second'));
    expect((await first).verdict).toMatchObject({ reason: 'timeout' });
  });

  it('can no longer change anything', async () => {
    const outcomes: Outcome[] = [];
    const seen: unknown[] = [];
    const trace: Trace = { sent: (data) => seen.push(data), received: (data) => seen.push(data) };
    const queue = new TestQueue(newReactor(), 1);
    let finished: () => void = () => undefined;
    const over = new Promise<void>((resolve) => {
      finished = resolve;
    });
    const late = scripted(async (context) => {
      await untilAborted(context);
      context.connected();
      await new Promise(setImmediate);
      context.sent(Buffer.from('x'));
      context.received(Buffer.from('x'));
      finished();
      throw new Error('and now this');
    }, 30);
    await new Promise<void>((resolve) => {
      const onEnd = (outcome: Outcome): void => {
        outcomes.push(outcome);
        resolve();
      };
      queue.run(late, onEnd, trace);
    });
    await over;
    await new Promise(setImmediate);
    expect([outcomes.length, seen.length, queue.running]).toEqual([1, 0, 0]);
    expect(outcomes[0]).toMatchObject({ receivedBytes: 0, verdict: { reason: 'timeout' } });
  });

  it('keeps a verdict that was there in time, however long this process was held up', async () => {
    const task = taskTestOf(exec, { exec: script('echo done'), params: '' }, 100);
    const ended = runTest(task);
    block(180);
    expect(await ended).toMatchObject({ verdict: up('exit status 0'), output: 'done\n' });
  });

  it('gives no verdict on a failure that is seen sooner than the long stall before it', async () => {
    const lostPatience = scripted(async () => {
      await new Promise(setImmediate);
      block(1300);
      return down('protocol', 'the server closed the connection');
    });
    expect(await runTest(lostPatience)).toMatchObject({
      verdict: undefined,
      obstacle: 'this process stood still during the test',
    });
  });
});

describe('a mistake in a task', () => {
  it.each<[string, () => Promise<Verdict>, string]>([
    ['rejects', () => Promise.reject(new Error('oh')), 'oh'],
    [
      'throws',
      () => {
        throw new Error('oh');
      },
      'oh',
    ],
    ['rejects with nothing', () => Promise.reject(), 'undefined'],
    ['has no promise', (() => 'up') as never, 'not a verdict'],
    ['has no verdict', (async () => undefined) as never, ''],
    [
      'invents a reason',
      (async () => ({ up: false, reason: 'bad luck', detail: '' })) as never,
      'not a verdict',
    ],
  ])('that %s is an obstacle, not a verdict', async (_what, check, message) => {
    const { verdict, obstacle, connectionProblem } = await runTest(scripted(check));
    expect([verdict, connectionProblem]).toEqual([undefined, undefined]);
    expect(obstacle).toMatch(/^the tester failed: /);
    expect(obstacle).toContain(message);
  });

  it('is none when it says what kept it from testing', async () => {
    const { verdict, obstacle } = await runTest(
      scripted(() => Promise.reject(new ObstacleError('no such key'))),
    );
    expect([verdict, obstacle]).toEqual([undefined, 'no such key']);
  });
});

describe('the exec tester in the engine', () => {
  /** A script that says its process id and then does `body`; `started` has the id. */
  function announcing(body: string, timeoutMs?: number) {
    let announce: (pid: number) => void = () => undefined;
    const started = new Promise<number>((resolve) => {
      announce = resolve;
    });
    const trace: Trace = {
      sent: () => undefined,
      received: (data) => announce(Number.parseInt(Buffer.from(data).toString(), 10)),
    };
    return {
      test: taskTestOf(exec, { exec: script(`echo $$\n${body}`), params: '' }, timeoutMs),
      started,
      trace,
    };
  }

  it('kills the whole group at the deadline', async () => {
    const { test, started, trace } = announcing('trap "" TERM; sleep 1000 & sleep 1000 & wait', 500);
    const queue = new TestQueue(newReactor(), 1);
    const outcome = await new Promise<Outcome>((resolve) => queue.run(test, resolve, trace));
    expect(outcome.verdict).toMatchObject({ reason: 'timeout' });
    await untilGone(await started);
  });

  it('kills the whole group when it is cancelled, and says nothing', async () => {
    const { test, started, trace } = announcing('sleep 1000 & sleep 1000');
    const queue = new TestQueue(newReactor(), 1);
    const running = queue.run(test, () => expect.unreachable(), trace);
    const group = await started;
    running.cancel();
    expect(queue.running).toBe(0);
    await untilGone(group);
  });

  it('is silent, not refused, when the program says nothing until the deadline', async () => {
    const outcome = await runTest(taskTestOf(exec, { exec: script('exec sleep 1000'), params: '' }, 50));
    expect(outcome).toMatchObject({ verdict: { reason: 'timeout' }, connectionProblem: 'silent' });
  });

  it('never runs more programs at once than there are places, and all in the end', async () => {
    const engine = new Engine(newReactor(), { sockets: 1, tasks: 4 });
    let [open, most] = [0, 0];
    const test = prepareTest(
      defineTaskTester({
        ...exec,
        check: async (...args) => {
          most = Math.max(most, ++open);
          return exec.check(...args).finally(() => open--);
        },
      }),
      {
        target: targetAt('127.0.0.1', 80),
        timeoutMs: 20_000,
        tls: undefined,
        attributes: { exec: script('exit $(($2 % 2))'), params: '' },
      },
    );
    const outcomes = await Promise.all(
      Array.from({ length: 60 }, () => new Promise<Outcome>((resolve) => engine.run(test, resolve))),
    );
    expect(outcomes.map(({ verdict }) => verdict)).toEqual(Array(60).fill(up('exit status 0')));
    expect([most, engine.running, engine.waiting]).toEqual([4, 0, 0]);
  });

  it('keeps the end of a huge output only', async () => {
    const huge = script('head -c 30000000 /dev/zero | tr "\\0" x; echo; echo the end');
    const {
      verdict,
      receivedBytes,
      output = '',
    } = await runTest(taskTestOf(exec, { exec: huge, params: '' }));
    expect([verdict, receivedBytes, output.length]).toEqual([up('exit status 0'), 30_000_009, 4096]);
    expect(output).toMatch(/^x+\nthe end\n$/);
  });
});

it('never leaves a rejection unhandled', async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', note);
  const queue = new TestQueue(newReactor(), 10);
  const late = async (context: TaskContext): Promise<Verdict> => {
    await untilAborted(context);
    throw new Error('late');
  };
  queue.run(scripted(late), () => expect.unreachable()).cancel();
  await runTest(scripted(late, 20), queue);
  await delay(0);
  process.off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
});
