import { errnoName } from '@surealived/shared/libc';
import { reasonOfErrno } from '@surealived/testers/errno-reasons';
import { down, type FailureReason, type Verdict } from '@surealived/testers/tester';

/** Why there was no connection, as the statistics tell them apart. */
export type ConnectionProblem = 'refused' | 'unreachable' | 'silent';

/** What a test came to. */
export interface Outcome {
  /** Absent when the test could not be made for a reason of this machine's own: it says nothing about the real. */
  readonly verdict: Verdict | undefined;
  /** The reason of this machine, where there is no verdict. */
  readonly obstacle: string | undefined;
  readonly connectionProblem: ConnectionProblem | undefined;
  /** Milliseconds from start to connection; 0 when it never stood. */
  readonly connectMs: number;
  /** Milliseconds from start to the first byte received; 0 when none came. */
  readonly responseMs: number;
  /** Milliseconds from start to end. */
  readonly totalMs: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** What a task received, its end where it was long: such as the output of a program. */
  readonly output?: string;
}

/** Told of the end of a test, once. An object, since a function for each test would be one more thing to throw away. */
export interface OutcomeSink {
  onOutcome(outcome: Outcome): void;
}

/** Sees what one test sends and receives; the bytes are valid during the call only. */
export interface Trace {
  /** @param atMs Monotonic, where that was before now. */
  sent(data: Uint8Array, atMs?: number): void;
  received(data: Uint8Array, atMs?: number): void;
}

/** What an errno of connect(2), send(2) or recv(2) says: about the real, or about this machine. */
export type SocketFailure =
  | { readonly verdict: Verdict & { readonly up: false } }
  | { readonly obstacle: string };

/**
 * Judges a failed call. Errors that no real can cause (no descriptors, no memory, no free port, a source address that
 * is not ours, a local firewall) are obstacles: a director that runs short must not take its reals down.
 */
export function judgeErrno(call: string, errno: number): SocketFailure {
  const name = errnoName(errno);
  const reason = reasonOfErrno(name);
  if (reason === undefined) return { obstacle: `${call}: ${name}` };
  return { verdict: down(reason, `${call}: ${name}`) as Verdict & { up: false } };
}

/**
 * Judges the error that ended an attempt to connect after connect(2) had let it begin. It came over the network, so it is
 * the real's (a reject by ICMP can surface as EACCES, ENONET or ENOPROTOOPT), never this machine's.
 *
 * @param call The call that reported it: UDP has no connection to wait for, and hears of it when it reads.
 */
export function judgeConnectionError(errno: number, call = 'connect'): SocketFailure {
  const name = errnoName(errno);
  const reason = reasonOfErrno(name) ?? 'unreachable';
  return { verdict: down(reason, `${call}: ${name}`) as Verdict & { up: false } };
}

/** The kind of a connection that never stood. */
export function connectionProblemOf(reason: FailureReason): ConnectionProblem {
  if (reason === 'refused' || reason === 'reset') return 'refused';
  return reason === 'unreachable' ? 'unreachable' : 'silent';
}
