import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { threadCpuMs } from '@surealived/shared/libc';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../shared/src/files.test-kit.js';
import { type Chunk, loadChunk } from './chunk.js';
import type { LuaState } from './fengari.js';
import { Allowance, Meter } from './meter.js';
import { Script } from './script.js';

const STALL_MS = 50;
const HUGE = 'local s, u = ("x"):rep(262144), ("x"):rep(262144)';

function chunkOf(body: string): Chunk {
  const path = join(temporaryDirectory(), 'hostile.lua');
  writeFileSync(path, `function go() ${body} end`);
  return loadChunk(path);
}

/** Runs it in a turn of its own. @returns What it says, and how long it computed: the machine may be busy with something else. */
async function attempt(chunk: Chunk): Promise<{ said: string; tookMs: number }> {
  await nextTurn();
  const startMs = threadCpuMs();
  let said = 'ended';
  try {
    new Script(chunk).call('go', []);
  } catch (error) {
    said = String(error);
  }
  return { said, tookMs: threadCpuMs() - startMs };
}

describe('a script', () => {
  it.each([
    ['loops', 'while true do end'],
    ['loops backwards', '::here:: goto here'],
    ['loops in pcall', 'while true do pcall(function() while true do end end) end'],
    ['calls what fails', 'while true do pcall(error) end'],
    ['loops where errors are handled', 'xpcall(error, function() while true do end end)'],
    ['loops in a coroutine', 'coroutine.wrap(function() while true do end end)()'],
    ['loops in many coroutines', 'while true do pcall(coroutine.wrap(function() while true do end end)) end'],
    ['makes coroutines', 'while true do coroutine.wrap(function() for i = 1, 90 do end end)() end'],
    [
      'loops in a metamethod',
      'local t = setmetatable({}, {__index = function() while true do end end}) return t.x',
    ],
    ['loops in a comparison', 'table.sort({3, 2, 1}, function() while true do end end)'],
    [
      'sorts without end',
      'local t = {} for i = 1, 9000 do t[i] = i * 7919 % 9001 end while true do table.sort(t) end',
    ],
    ['calls itself', 'local function f() return 1 + f() end f()'],
    ['collects', 'local t = {} while true do t[#t + 1] = {} end'],
    ['inserts in front', 'local t = {} while true do table.insert(t, 1, 1) end'],
    ['backtracks', 'string.find(("a"):rep(30000), ("a-"):rep(20) .. "b")'],
    ['backtracks in gmatch', 'for w in string.gmatch(("a"):rep(90000), ("a*"):rep(30) .. "b") do end'],
    ['backtracks in gsub', 'string.gsub(("a"):rep(90000), ".-.-.-b", "")'],
    ['replaces by captures', '("x"):rep(99999):gsub("", ("%1"):rep(99999))'],
    ['compiles', 'load(function() return "x = 1 " end)'],
    ['compiles a long text', 'while true do load(("x = 1 "):rep(20000)) end'],
    ['compares huge strings', `${HUGE} while true do local b = s < u end`],
    ['looks for huge keys', `${HUGE} local t = {} while true do local b = t[s .. ""] end`],
    ['copies huge strings', `${HUGE} while true do s:upper() end`],
    ['formats dates', 'while true do os.date(("%c"):rep(500)) end'],
  ])('that %s is ended before it stalls the others', async (_what, body) => {
    const attempts = [];
    for (let i = 0; i < 3; i++) attempts.push(await attempt(chunkOf(body)));
    for (const { said } of attempts)
      expect(said).toMatch(/hostile\.lua(:1)?: (computes for too long|.*overflow)/);
    // and this process with collecting what others left
    expect(Math.min(...attempts.map(({ tookMs }) => tookMs))).toBeLessThan(STALL_MS);
  });

  it.each([
    [
      'doubles a string',
      'local s = "x" while true do s = s .. s end',
      /:1: a string of more than 262144 bytes/,
    ],
    ['repeats a string', 'string.rep("x", 1e9)', /:1: a string of more than/],
    [
      'joins a table',
      'local t = {} local s = ("x"):rep(9999) for i = 1, 200 do t[i] = s end table.concat(t)',
      /a string of more/,
    ],
    ['replaces by much', '("x"):rep(9999):gsub(".", ("y"):rep(999))', /a string of more than/],
    ['unpacks', 'table.unpack({}, 1, 1e7)', /more than 20000 items at a time/],
    ['formats dates', 'os.date(("%c"):rep(40000))', /more than 1024 bytes at a time/],
    ['unpacks a string', 'string.unpack(("b"):rep(30000), "")', /more than 20000 items at a time/],
    ['asks for bytes', '("x"):rep(30000):byte(1, -1)', /more than 20000 items at a time/],
    ['asks for characters', 'utf8.codepoint(("x"):rep(30000), 1, -1)', /more than 20000 items at a time/],
    ['quotes', 'string.format("%q", ("x"):rep(9999))', /more than 8192 bytes at a time/],
    ['captures', 'string.find(("a"):rep(99), ("(a"):rep(50))', /too many captures/],
    ['nests', 'string.find(("a"):rep(999), ("a?"):rep(999))', /pattern too complex/],
  ])('that %s too much gets an error', async (_what, body, message) => {
    expect((await attempt(chunkOf(body))).said).toMatch(message);
  });

  it('that loops costs a bounded time per turn, however many tests have it, and all may run again in the next', async () => {
    const loops = chunkOf('while true do end');
    const quick = chunkOf('return 1');
    await attempt(loops);
    await nextTurn();
    let allowedMs = 0;
    for (let i = 0; i < 200; i++) {
      allowedMs += loops.allowance.sliceMs;
      expect(() => new Script(loops).call('go', [])).toThrow('computes for too long');
    }
    expect(allowedMs).toBeLessThan(STALL_MS);
    expect(new Script(quick).call('go', [])[0]).toBe(1);
    await nextTurn();
    expect(loops.allowance.sliceMs).toBeGreaterThan(5);
  });

  it('that computes a little at each step is ended after some steps', () => {
    const script = new Script(chunkOf('for i = 1, 20000 do end'));
    const steps = () => {
      for (let i = 0; i < 1000; i++) script.call('go', []);
    };
    expect(steps).toThrow('computes for too long');
  });
});

it('a script is not to blame while its process sleeps', () => {
  const meter = new Meter({ path: 'test.lua', allowance: new Allowance() });
  const L = {} as LuaState;
  meter.run(() => {
    for (let i = 0; i < 3; i++) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
      meter.check(L);
    }
  });
  expect(meter.exhausted).toBe('');
});

it('a script is to blame for what it computes, at whatever pace the machine lets it', () => {
  const meter = new Meter({ path: 'test.lua', allowance: new Allowance() });
  const L = {} as LuaState;
  const compute = () => {
    for (;;) meter.check(L);
  };
  expect(() => meter.run(compute)).toThrow();
  expect(meter.exhausted).toBe('test.lua: computes for too long');
});

it('a script is not to blame for what other threads compute', async () => {
  const busy = new Worker('require("node:worker_threads").parentPort.postMessage(0); for (;;);', {
    eval: true,
  });
  await once(busy, 'message');
  const meter = new Meter({ path: 'test.lua', allowance: new Allowance() });
  meter.run(() => {
    for (let i = 0; i < 3; i++) {
      waitForOtherThread();
      meter.check({} as LuaState);
    }
  });
  await busy.terminate();
  expect(meter.exhausted).toBe('');
});

/** Sleeps until the other threads of this process have computed for longer than a slice. */
function waitForOtherThread(): void {
  const cpuMs = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  const startMs = cpuMs();
  while (cpuMs() - startMs < 10) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
}
