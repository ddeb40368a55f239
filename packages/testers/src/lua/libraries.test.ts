import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../shared/src/files.test-kit.js';
import { loadChunk } from './chunk.js';
import { Script } from './script.js';

/** What `return …` of a script gives, as a text. */
function evaluate(expression: string, folder = temporaryDirectory()): string {
  const path = join(folder, 'main.lua');
  writeFileSync(path, `function go() return ${expression} end`);
  const [result] = new Script(loadChunk(path)).call('go', []);
  return String(result);
}

describe('the globals of a script', () => {
  it.each([
    ['unpack({1, 2, 3})', '1'],
    ['loadstring("return 5")()', '5'],
    ['load("return x", "name", "bt", {x = 6})()', '6'],
    ['math.pow(2, 10)', '1024'],
    ['math.mod(7, 4)', '3'],
    ['math.log10(1000)', '3'],
    ['table.getn({1, 2})', '2'],
    ['table.maxn({1, [7] = 2})', '7'],
    ['string.format("%d", 3.0)', '3'],
    ['10 / 2 .. " " .. tostring(2^40) .. " " .. 0.5', '5 1099511627776 0.5'],
    ['string.gfind("abc", "b")()', 'b'],
    // whole numbers look as in 5.1, where all numbers are of one kind
    ['"a" .. 10 / 2 .. 2 ^ 3 .. tostring(6 / 3) .. tonumber("4.0")', 'a5824'],
    // and a function that wants a whole number cuts off the fraction
    ['string.format("%d %x %c", 10 / 3, 31.9, 65.5)', '3 1f A'],
    ['string.rep("x", 5 / 2) .. string.sub("abcdef", 1.5, "-2.5")', 'xxabcde'],
    ['table.concat({1, 2, 3}, "-", 1.9, 2.9) .. select(1.5, "a") .. tostring(math.random(1.5))', '1-2a1'],
    // and no number is cut to 32 bits
    ['100000 * 100000 .. " " .. 0xffffffff .. " " .. 2147483647 + 1', '10000000000 4294967295 2147483648'],
    ['string.format("%d %x", 4000000000, 4000000000)', '4000000000 ee6b2800'],
    ['os.time{year=2040, month=1, day=2} - os.time{year=2040, month=1, day=1}', '86400'],
    ['tonumber("0xffffffff") .. tonumber(" -0x10 ") .. tonumber("12") * 1e9', '4294967295-1612000000000'],
    ['string.sub("abc", 2, 1e10) .. 0xff % 16 .. ({"x"})[1] .. #{1, 2} * 3', 'bc15x6'],
    ['table.concat({1 / 2, 4 / 2}, " ") .. string.format(" %s %d", 8 / 2, 8 / 2)', '0.5 2 4 4'],
    ['("x"):rep(3)', 'xxx'],
    ['string.rep("", 1e9)', ''],
    ['table.concat({1, 2, 3}, "-", 2)', '2-3'],
    ['(function() local t = {3, 1, 2} table.sort(t) return table.concat(t) end)()', '123'],
    [
      '(function() local t = {3, 1, 2} table.sort(t, function(a, b) return a > b end) return table.concat(t) end)()',
      '321',
    ],
    ['tostring(#os.date("%Y") == 4 and os.time() > 1e9)', 'true'],
    ['collectgarbage("count")', '0'],
    ['select("#", print("nowhere"), io.write("nowhere")) - 1', '1'],
    ['select("#", pcall(error))', '2'],
    ['coroutine.wrap(function() return 8 end)()', '8'],
    ['string.find("a.b", ".", 1, true)', '2'],
    ['string.find("aXb", "X")', '2'],
    ['string.find("abc", "", 10)', 'undefined'],
    ['string.find("abc", "c", -1)', '3'],
    ['select("#", ("x"):rep(30000):byte(-2, -1))', '2'],
    ['select("#", ("x"):rep(30000):byte(20000, 20002))', '3'],
    ['select("#", ("x"):rep(30000):byte(29999, 1e9))', '2'],
    ['select("#", utf8.codepoint(("x"):rep(30000), -2, -1))', '2'],
    ['io.stderr:write("nowhere", 1) == io.stderr and io.stdout:write() == io.stdout and 1', '1'],
    ['tostring(io.stderr:flush() and io.stderr:setvbuf("no") and io.type(io.stdout))', 'file'],
  ])('%s is %s', (expression, result) => {
    expect(evaluate(expression)).toBe(result);
  });

  it.each([
    'os.exit',
    'os.execute',
    'io.popen',
    'io.read',
    'io.stdin',
    'debug.sethook',
    'debug.debug',
    'debug.getregistry',
    'package.loadlib',
    'string.dump',
    'fengari',
    'js',
  ])('%s is not among them', (name) => {
    expect(evaluate(`tostring(${name})`)).toBe('nil');
  });

  it('tell strings of different bytes apart, and have them in the order of their bytes', () => {
    expect(evaluate('({ ["\\1#"] = "one" })["\\18\\3"] or "none"')).toBe('none');
    expect(evaluate('tostring("\\n" < "a" and "a" < "\\255" and not ("b" < "a"))')).toBe('true');
  });

  it('do not take compiled code', () => {
    expect(evaluate('select(2, load("\\27Lua"))')).toMatch(/attempt to load a binary chunk/);
  });

  it('find modules beside the script, once', () => {
    const folder = temporaryDirectory();
    writeFileSync(join(folder, 'greeting.lua'), 'local name = ... return { text = "hello from " .. name }');
    expect(evaluate('require("greeting").text', folder)).toBe('hello from greeting');
    expect(evaluate('tostring(require("greeting") == require "greeting")', folder)).toBe('true');
    expect(evaluate('tostring(package.loaded.string == string)', folder)).toBe('true');
    expect(() => evaluate('require("absent")', folder)).toThrow(/module 'absent' not found \(.*absent\.lua/);
    writeFileSync(join(folder, 'broken.lua'), '\n=');
    expect(() => evaluate('require("broken")', folder)).toThrow(/broken\.lua:2: unexpected symbol/);
  });

  it('preload modules, and run files', () => {
    const folder = temporaryDirectory();
    writeFileSync(join(folder, 'five.lua'), 'return 5');
    expect(evaluate(`dofile("${folder}/five.lua")`)).toBe('5');
    expect(evaluate('select(2, loadfile("/nonexistent"))')).toMatch(/ENOENT/);
    const preload =
      '(function() package.preload.p = function(n) return n .. "!" end return require "p" end)()';
    expect(evaluate(preload)).toBe('p!');
  });

  it('read and write files', () => {
    const folder = temporaryDirectory();
    const file = join(folder, 'list');
    writeFileSync(file, 'one\ntwo\n3 rest');
    const read = (how: string) => evaluate(`table.concat({io.open("${file}"):read(${how})}, "|")`);
    expect(read('')).toBe('one');
    expect(read('"*l", "*L", "*n", "*a"')).toBe('one|two\n|3| rest');
    expect(read('"a"')).toBe('one\ntwo\n3 rest');
    expect(read('5, 3')).toBe('one\nt|wo\n');
    const seek = (how: string) =>
      evaluate(`(function(f) return f:seek(${how}) .. (f:read("*a") or "") end)(io.open("${file}"))`);
    expect(seek('')).toBe('0one\ntwo\n3 rest');
    expect(seek('"end"')).toBe('14');
    expect(seek('"set", 8')).toBe('83 rest');
    expect(seek('"end", -4')).toBe('10rest');
    const lines = `(function() local t = {} for line in io.lines("${file}") do t[#t + 1] = line end return table.concat(t, "|") end)()`;
    expect(evaluate(lines)).toBe('one|two|3 rest');
    evaluate(`io.open("${file}.log", "w"):write("a", 1):close()`);
    evaluate(`io.open("${file}.log", "a"):write("b"):close()`);
    expect(readFileSync(`${file}.log`, 'utf8')).toBe('a1b');
    expect(evaluate(`select(2, io.open("${folder}"))`)).toMatch(/not a file/);
    expect(evaluate(`select(2, io.open("${file}", "r+"))`)).toMatch(/to read it, or to write it/);
    // the kernel gives such a file in parts
    const { length } = readFileSync('/proc/self/maps');
    expect(length).toBeGreaterThan(8192);
    expect(evaluate('io.open("/proc/self/maps"):seek("end") > 8192 and 1')).toBe('1');
    expect(evaluate('io.type(io.open("/nonexistent")) or "none"')).toBe('none');
  });
});
