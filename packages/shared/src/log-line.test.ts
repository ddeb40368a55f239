import { expect, it } from 'vitest';
import { parseLogLine, readableLine, writeLogLine } from './log-line.js';

it('writes a readable line in local time with its fields', () => {
  const time = new Date(2026, 10, 20, 10, 6, 37, 32);
  const json = JSON.stringify({
    level: 'info',
    time,
    pid: 1,
    program: 'p',
    msg: 'real offline',
    virtual: 'web',
  });
  expect(readableLine(json)).toBe('2026-11-20 10:06:37.032 info  real offline virtual=web\n');
});

it.each([
  ['plain', 'plain'],
  ['two words', '"two words"'],
  ['', '""'],
  ['say "hi"', '"say \\"hi\\""'],
  ['\u001b[2J', '"\\u001b[2J"'],
  [5, '5'],
  [null, 'null'],
  [{ a: [1, 'x'] }, '"{\\"a\\":[1,\\"x\\"]}"'],
])('writes the value %j so that it stays one value on one line', (value, text) => {
  const line = readableLine(JSON.stringify({ level: 'info', time: 0, msg: 'm', value }));
  expect(line.slice(line.indexOf('value='))).toBe(`value=${text}\n`);
});

it('takes a line apart that it wrote itself', () => {
  const json = writeLogLine('surealived', 'warn', { child: 7, why: 'a b' }, 'child ended');
  expect(JSON.parse(json)).toMatchObject({ program: 'surealived', pid: process.pid, child: 7 });
  expect(parseLogLine(json)).toEqual({
    level: 'warn',
    time: expect.any(Date),
    text: 'child ended child=7 why="a b"',
  });
});
