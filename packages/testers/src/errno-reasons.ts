import type { FailureReason } from './tester.js';

const REASONS: ReadonlyMap<string, FailureReason> = new Map([
  ['ECONNREFUSED', 'refused'],
  ['ECONNRESET', 'reset'],
  ['EPIPE', 'reset'],
  ['ETIMEDOUT', 'timeout'],
  ['EHOSTUNREACH', 'unreachable'],
  ['ENETUNREACH', 'unreachable'],
  ['EHOSTDOWN', 'unreachable'],
  ['ENETDOWN', 'unreachable'],
  ['EPROTO', 'protocol'],
]);

/**
 * What a socket's error says about the real.
 *
 * @param name Such as `ECONNREFUSED`.
 * @returns `undefined` for what no real can cause: no descriptors, no free port, a source address that is not ours.
 */
export function reasonOfErrno(name: string): FailureReason | undefined {
  return REASONS.get(name);
}
