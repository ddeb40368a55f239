import { expect, it } from 'vitest';
import { ConfigError, describeProblem, ERROR_CODES, messageOf, SystemCallError } from './errors.js';

it.each([
  [{ file: 'f', line: 0, message: 'm' }, 'f: m'],
  [{ file: 'f', line: 3, message: 'm' }, 'f:3: m'],
  [{ file: 'f', line: 3, column: 7, message: 'm' }, 'f:3:7: m'],
])('describes %o as %s', (problem, text) => {
  expect(describeProblem(problem)).toBe(text);
});

it('carries all problems, one to a line', () => {
  const error = new ConfigError([
    { file: 'f', line: 1, message: 'one' },
    { file: 'f', line: 2, message: 'two' },
  ]);
  expect(error).toMatchObject({
    name: 'ConfigError',
    code: 'SA_CONFIG_INVALID',
    message: 'f:1: one\nf:2: two',
  });
  expect(Object.keys(ERROR_CODES)).toContain(error.code);
});

it('names call and errno of a system call', () => {
  expect(new SystemCallError('connect', 111, 'ECONNREFUSED')).toMatchObject({
    message: 'connect: ECONNREFUSED',
    errno: 111,
    errnoName: 'ECONNREFUSED',
  });
});

it('finds a message in whatever was thrown', () => {
  expect([messageOf(new Error('e')), messageOf('text'), messageOf(undefined)]).toEqual([
    'e',
    'text',
    'undefined',
  ]);
});
