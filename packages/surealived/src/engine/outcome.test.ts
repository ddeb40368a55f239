import { describe, expect, it } from 'vitest';
import { connectionProblemOf, judgeConnectionError, judgeErrno } from './outcome.js';

const ERRNO = { EPERM: 1, EACCES: 13, EMFILE: 24, EPIPE: 32, ENONET: 64, EPROTO: 71, ENOPROTOOPT: 92 };
const MORE = { EADDRNOTAVAIL: 99, ENETUNREACH: 101, ECONNRESET: 104, ENOBUFS: 105, ETIMEDOUT: 110 };
const LAST = { ECONNREFUSED: 111, EHOSTDOWN: 112, EHOSTUNREACH: 113 };
const CODES: Readonly<Record<string, number>> = { ...ERRNO, ...MORE, ...LAST };

describe('judgeErrno', () => {
  it.each([
    ['ECONNREFUSED', 'refused'],
    ['ECONNRESET', 'reset'],
    ['EPIPE', 'reset'],
    ['ETIMEDOUT', 'timeout'],
    ['EHOSTUNREACH', 'unreachable'],
    ['ENETUNREACH', 'unreachable'],
    ['EHOSTDOWN', 'unreachable'],
    ['EPROTO', 'protocol'],
  ])('blames the real for %s: %s', (name, reason) => {
    const verdict = { up: false, reason, detail: `connect: ${name}` };
    expect(judgeErrno('connect', CODES[name] ?? 0)).toEqual({ verdict });
  });

  it.each(['EMFILE', 'ENOBUFS', 'EADDRNOTAVAIL', 'EACCES', 'EPERM'])('blames this machine for %s', (name) => {
    expect(judgeErrno('connect', CODES[name] ?? 0)).toEqual({ obstacle: `connect: ${name}` });
  });
});

it.each([
  ['ECONNREFUSED', 'refused'],
  // what ICMP rejects turn into (icmp_err_convert, icmpv6_err_convert of Linux)
  ['EACCES', 'unreachable'],
  ['ENONET', 'unreachable'],
  ['ENOPROTOOPT', 'unreachable'],
])('blames the real for %s when it ends a connection that had begun', (name, reason) => {
  const verdict = { up: false, reason, detail: `connect: ${name}` };
  expect(judgeConnectionError(CODES[name] ?? 0)).toEqual({ verdict });
});

it.each([
  ['refused', 'refused'],
  ['reset', 'refused'],
  ['unreachable', 'unreachable'],
  ['timeout', 'silent'],
] as const)('counts %s as %s', (reason, problem) => {
  expect(connectionProblemOf(reason)).toBe(problem);
});
