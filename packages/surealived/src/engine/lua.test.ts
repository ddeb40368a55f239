import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { threadCpuMs } from '@surealived/shared/libc';
import { down, up } from '@surealived/testers/tester';
import lua from '@surealived/testers/testers/lua';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../../../shared/src/files.test-kit.js';
import { listen, newReactor, runTest, targetAt } from './hostile-servers.test-kit.js';
import type { Outcome } from './outcome.js';
import { prepareTest } from './prepare.js';
import { TestQueue } from './test-queue.js';

const STALL_MS = 50;
const greets = 'if text == "" then return "r", 5, "" end return "eok", 0, text';

/** Runs a test by a script whose `process_event` has this body. */
function scriptTest(body: string, port: number, queue: TestQueue): () => Promise<Outcome> {
  const script = join(temporaryDirectory(), 'test.lua');
  writeFileSync(script, `function process_event(text) ${body} end`);
  const settings = { target: targetAt('127.0.0.1', port), attributes: { script, params: '' } };
  const test = prepareTest(lua, { ...settings, timeoutMs: 10_000, tls: undefined });
  return () => runTest(test, queue);
}

/** What was computed in the longest turn of the event loop until `work` is done: the machine may be busy with something else. */
async function longestTurnMs(work: Promise<unknown>): Promise<number> {
  let isDone = false;
  void work.finally(() => {
    isDone = true;
  });
  let longest = 0;
  for (let before = threadCpuMs(); !isDone; ) {
    await nextTurn();
    const now = threadCpuMs();
    longest = Math.max(longest, now - before);
    before = now;
  }
  return longest;
}

it.each([
  ['loops at once', 'while true do end'],
  ['loops when it was answered', 'if text == "" then return "r", 5, "" end while true do pcall(error) end'],
])('a script that %s costs its own tests only, and stalls nobody', async (_what, body) => {
  const queue = new TestQueue(newReactor(), 200);
  const port = await listen((socket) => socket.end('hello'));
  const [loops, good] = [scriptTest(body, port, queue), scriptTest(greets, port, queue)];
  await good();
  const stallsMs: number[] = [];
  for (let round = 0; round < 3; round++) {
    const looping = Array.from({ length: 30 }, loops);
    const others = Array.from({ length: 30 }, good);
    stallsMs.push(await longestTurnMs(Promise.all([...looping, ...others])));
    for (const { verdict } of await Promise.all(others)) expect(verdict).toEqual(up('hello'));
    // the first of a turn has had its time; the others say nothing about their reals
    const told = (await Promise.all(looping)).map(({ verdict, obstacle }) => obstacle ?? verdict?.detail);
    for (const text of told) expect(text).toMatch(/test\.lua(:1)?: computes for too long$/);
  }
  // a turn may have to collect what the others left
  expect(Math.min(...stallsMs)).toBeLessThan(STALL_MS);
});

it('a script that never ends takes its real down', async () => {
  const queue = new TestQueue(newReactor(), 10);
  const port = await listen((socket) => socket.end('hello'));
  const { verdict } = await scriptTest('while true do end', port, queue)();
  expect(verdict).toMatchObject({ up: false, reason: 'protocol' });
});

it('a mistake in a script takes its real down, with one line that tells where it is', async () => {
  const queue = new TestQueue(newReactor(), 10);
  const port = await listen((socket) => socket.end('hello'));
  const { verdict } = await scriptTest('return nothing.there', port, queue)();
  const detail = expect.stringMatching(
    /^\/.*test\.lua:1: attempt to index a nil value \(global 'nothing'\)$/,
  );
  expect(verdict).toEqual({ up: false, reason: 'protocol', detail });
});

it('a script that only reads or only writes ends with its deadline or the connection', async () => {
  const queue = new TestQueue(newReactor(), 10);
  const port = await listen((socket) => socket.end('hello'));
  const { verdict } = await scriptTest('return "rav", 100, ""', port, queue)();
  expect(verdict).toEqual(down('protocol', 'the server closed the connection, and the script reads on'));
});
