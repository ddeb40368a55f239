import { describe, expect, it } from 'vitest';
import { createLogger, LOG_LEVELS, type LogFormat, type LogLevel, raiseLevel } from './log.js';

function logTo(level: LogLevel, format: LogFormat, isTTY = false, isJournal = false) {
  const lines: string[] = [];
  const log = createLogger('surealived', {
    level,
    format,
    sink: { isTTY, isJournal, write: (line) => lines.push(line) },
  });
  return { log, lines };
}

describe('createLogger', () => {
  it.each(LOG_LEVELS)('writes at level %s what is that urgent, and no more', (level) => {
    const { log, lines } = logTo(level, 'json');
    for (const each of LOG_LEVELS) log[each]('message');
    const written = lines.map((line) => JSON.parse(line).level);
    expect(written).toEqual(LOG_LEVELS.slice(0, LOG_LEVELS.indexOf(level) + 1));
  });

  it('writes one JSON object to a line', () => {
    const { log, lines } = logTo('info', 'auto');
    log.info({ virtual: 'web', reason: 'two\nlines' }, 'real offline');
    expect(lines).toHaveLength(1);
    expect(lines[0]?.indexOf('\n')).toBe((lines[0]?.length ?? 0) - 1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'info',
      msg: 'real offline',
      program: 'surealived',
      pid: process.pid,
      virtual: 'web',
      reason: 'two\nlines',
      time: expect.stringMatching(/^\d{4}-.*Z$/),
    });
  });

  it.each([
    ['auto', true, true],
    ['auto', false, false],
    ['text', false, true],
    ['json', true, false],
  ] as const)('with format %s on a terminal %s is readable: %s', (format, isTTY, isReadable) => {
    const { log, lines } = logTo('info', format, isTTY);
    log.warn({ a: 1 }, 'm');
    expect(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} warn {2}m a=1\n$/.test(lines[0] ?? '')).toBe(isReadable);
  });

  it('leaves time and level to the journal', () => {
    const { log, lines } = logTo('dbdet', 'auto', false, true);
    for (const each of LOG_LEVELS) log[each]({ a: 1 }, 'm');
    expect(lines).toEqual([3, 4, 6, 7, 7].map((severity) => `<${severity}>m a=1\n`));
  });

  it.each([
    ['text', /^<4>\d{4}-.* warn {2}m\n$/],
    ['json', /^<4>\{"level":"warn",.*\}\n$/],
  ] as const)('has format %s in the journal, too, where it is asked for', (format, line) => {
    const { log, lines } = logTo('info', format, false, true);
    log.warn('m');
    expect(lines).toEqual([expect.stringMatching(line)]);
  });

  it('gives a readable line the message of an error', () => {
    const { log, lines } = logTo('info', 'text');
    log.error({ err: new Error('no such thing') }, 'failed');
    expect(lines[0]).toMatch(/ error failed error="no such thing"\n$/);
  });
});

it.each([
  ['error', 0, 'error'],
  ['error', 1, 'warn'],
  ['info', 2, 'dbdet'],
  ['info', 99, 'dbdet'],
] as const)('raises %s by %d to %s', (level, steps, expected) => {
  expect(raiseLevel(level, steps)).toBe(expected);
});
