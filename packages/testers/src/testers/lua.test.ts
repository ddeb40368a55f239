import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../shared/src/files.test-kit.js';
import { conformanceChecks, exampleTarget } from '../kit/conformance.js';
import { driveProbe } from '../kit/drive.js';
import { down, type StreamProbe, type Target, up } from '../tester.js';
import lua from './lua.js';

const target = exampleTarget();

function writeScript(text: string): string {
  const script = join(temporaryDirectory(), 'test.lua');
  writeFileSync(script, text);
  return script;
}

function probe(text: string, params = '', to: Target = target): StreamProbe {
  return lua.probe(to, { script: writeScript(text), params }) as StreamProbe;
}

function run(text: string, answer: string | Uint8Array = '', params = '') {
  return driveProbe(probe(text, params), Buffer.from(answer as string));
}

/** The verdict of a `process_event` with this body. */
function verdictOf(body: string, answer: string | Uint8Array = '') {
  return run(`function process_event(text)\n${body}\nend`, answer).verdict;
}

describe('lua', () => {
  const script = fileURLToPath(new URL('../../../../examples/lua/ftp.lua', import.meta.url));
  const login = '220-Welcome\r\n220 here\r\n331 Password?\r\n230 Done.\r\n';
  const sample = { attributes: { script, params: 'monitor secret' }, answer: login };
  for (const { title, run } of conformanceChecks(lua, { ...sample, decisiveBytes: login.length }))
    it(title, run);

  it('tells the script once about params, virtual and real, with numbers as numbers', () => {
    const told = `
      local told
      function prepare(...)
        local parts = {}
        for i, value in ipairs({...}) do parts[i] = type(value) .. " " .. tostring(value) end
        told = (told or "") .. table.concat(parts, ", ")
      end
      function process_event() return "eok", 0, told end`;
    const virtual = { ...target.virtual, name: 'web', fwmark: 7 };
    const verdict = driveProbe(
      probe(told, 'a b', { ...target, port: 8080, virtual }),
      Buffer.alloc(0),
    ).verdict;
    const vaddr = 'string web, string 192.0.2.1, number 80, string tcp, number 7';
    const real = 'string w1, string 192.0.2.1, number 80, number 8080';
    expect(verdict).toEqual(up(`string a b, ${vaddr}, ${real}`));
  });

  it('hands over what was read: nothing at first and after a write, and what came before the end', () => {
    const { verdict, written } = run(
      `
      local asked = { {"w", 0, "hello"}, {"r", 3, ""}, {"rav", 1e9, ""}, {"rav", 10, ""} }
      local seen = {}
      function process_event(text)
        seen[#seen + 1] = string.format("%q", text)
        if asked[#seen] then return unpack(asked[#seen]) end
        return "eok", 0, table.concat(seen, " ")
      end`,
      'abcde',
    );
    expect(verdict).toEqual(up('"" "" "abc" "de" ""'));
    expect(written.toString()).toBe('hello');
  });

  it('passes an exact read that the end cuts short as it is', () => {
    const verdict = verdictOf('if text == "" then return "r", 10, "" end return "eok", 0, text', 'short');
    expect(verdict).toEqual(up('short'));
  });

  it('is down when the script reads on after the end', () => {
    const detail = 'the server closed the connection, and the script reads on';
    expect(verdictOf('return "rav", 10, ""', 'abc')).toEqual(down('protocol', detail));
    expect(verdictOf('return "r", 2, ""', 'abc')).toEqual(down('protocol', detail));
  });

  it('keeps every byte, both ways', () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const echo = `
      function process_event(text)
        if text == "" and not done then return "r", 256, "" end
        if not done then done = true return "w", 256, text end
        return "eok"
      end`;
    expect(run(echo, bytes).written.equals(bytes)).toBe(true);
  });

  it.each([
    ['return "eok"', up('the script says ok')],
    ['return "eok", 0, "line\\r\\none"', up('line one')],
    ['return "efail"', down('content', 'the script says fail')],
    ['return "efail", 0, 503', down('content', '503')],
  ])('%s has its verdict', (body, verdict) => {
    expect(verdictOf(body)).toEqual(verdict);
  });

  it('starts each test with globals of its own', () => {
    const counts = writeScript(`
      count = (count or 0) + 1
      string.own = (string.own or 0) + 1
      function process_event() return "eok", 0, count .. string.own .. tostring(("x").own) end`);
    const once = () => driveProbe(lua.probe(target, { script: counts, params: '' }), Buffer.alloc(0)).verdict;
    expect([once(), once()]).toEqual([up('111'), up('111')]);
  });

  it('takes a changed script at once', () => {
    const changing = writeScript('function process_event() return "eok", 0, "one" end');
    const attributes = { script: changing, params: '' };
    const verdict = () => driveProbe(lua.probe(target, attributes), Buffer.alloc(0)).verdict;
    expect(verdict()).toEqual(up('one'));
    writeFileSync(`${changing}.new`, 'function process_event() return "eok", 0, "two" end');
    renameSync(`${changing}.new`, changing);
    expect(verdict()).toEqual(up('two'));
    writeFileSync(changing, 'function process_event(');
    expect(verdict).toThrow(/test\.lua:1: /);
    expect(lua.findFault?.(attributes)).toMatchObject({ attribute: 'script' });
  });

  it.each([
    ['a script that is not there', '/nonexistent.lua', /ENOENT.*\/nonexistent\.lua/],
    ['a directory', '/tmp', /^\/tmp: not a file$/],
    ['a pipe', '/proc/self/fd/0', /not a file|ENXIO|ENOENT|EACCES/],
  ])('finds %s when the configuration is loaded', (_what, script, message) => {
    const fault = { attribute: 'script', message: expect.stringMatching(message) };
    expect(lua.findFault?.({ script, params: '' })).toEqual(fault);
  });

  it.each([
    ['does not compile', 'x = 1\nfunction(', /test\.lua:2: <name> expected/],
    ['is compiled already', '\x1bLua', /attempt to load a binary chunk/],
    ['is too large', '-'.repeat(70_000), /larger than 49152 bytes/],
  ])('finds that a script %s when the configuration is loaded', (_what, text, message) => {
    const fault = { attribute: 'script', message: expect.stringMatching(message) };
    expect(lua.findFault?.({ script: writeScript(text), params: '' })).toEqual(fault);
  });

  it('finds nothing wrong with a good script, whose first line may be for the shell', () => {
    const attributes = { script: writeScript('#!/usr/bin/lua\nerror("here")'), params: '' };
    expect(lua.findFault?.(attributes)).toBeUndefined();
    expect(() => driveProbe(lua.probe(target, attributes), Buffer.alloc(0))).toThrow(/test\.lua:2: here/);
  });

  it.each([
    ['loops without end', 'while true do end', /test\.lua:2: computes for too long/],
    ['returns nothing', '', /returned "", expected w, r, rav, eok or efail/],
    ['returns a table', 'return {}, {}, {}', /returned "", expected/],
    ['returns an unknown operation', 'return "eol", 0, ""', /test\.lua: process_event returned "eol"/],
    ['returns true', 'return true', /returned ""/],
    ['reads nothing', 'return "r", 0, ""', /"r" asks for 0 bytes, expected 1\.\.262144/],
    ['reads less than nothing', 'return "rav", -5, ""', /"rav" asks for -5 bytes/],
    ['reads too much', 'return "r", 2^40, ""', /"r" asks for 1099511627776 bytes/],
    ['reads an infinity', 'return "r", 1/0, ""', /"r" asks for Infinity bytes/],
    ['reads no number', 'return "r", "many", ""', /"r" asks for NaN bytes/],
    ['fails', 'error("boom")', /test\.lua:2: boom$/],
    ['fails without a message', 'error()', /test\.lua: an error without a message$/],
    ['has a mistake', 'return nothing.there', /test\.lua:2: attempt to index a nil value/],
    ['writes too much', 'return "w", 0, string.rep("x", 1e9)', /a string of more than 262144 bytes/],
  ])('is down when it %s', (_what, body, message) => {
    const detail = expect.stringMatching(message);
    expect(verdictOf(body)).toEqual({ up: false, reason: 'protocol', detail });
  });

  it('is down when a flood uses up its time, bit by bit', () => {
    // a step takes far less than it may, and there are thousands of them
    const body = 'for i = 1, 200 do text:rep(2) end return "rav", 512, ""';
    const detail = expect.stringMatching(/computes for too long$/);
    expect(verdictOf(body, 'a'.repeat(4 << 20))).toEqual({ up: false, reason: 'protocol', detail });
  });

  it('is down when a flood is too much to be kept', () => {
    const body = 'all = (all or "") .. text:rep(64) return "rav", 512, ""';
    const detail = expect.stringMatching(/a string of more than 262144 bytes$/);
    expect(verdictOf(body, 'a'.repeat(1 << 20))).toEqual({ up: false, reason: 'protocol', detail });
  });

  it('is down when it trips over an answer that it did not expect', () => {
    const body = `if text == "" then return "rav", 10, "" end
      if tonumber(text:match("^(%d+)")) >= 200 then return "eok" end return "efail"`;
    expect(verdictOf(body, '220 hello')).toMatchObject({ up: true });
    expect(verdictOf(body, 'garbage')).toMatchObject({ up: false, reason: 'protocol' });
  });

  it.each([
    ['that fails while it is loaded', '\nerror("early")', /test\.lua:2: early/],
    ['without a process_event', 'x = 1', /test\.lua: has no function process_event$/],
    ['that fails in prepare', 'function prepare()\nerror("no params") end', /test\.lua:2: no params/],
  ])('is to blame for a script %s', (_what, text, message) => {
    expect(() => run(text)).toThrow(message);
  });
});
