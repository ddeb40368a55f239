/**
 * What a tester is. A tester knows one protocol; sockets, TLS, clocks, retries and counters belong to the engine.
 *
 * A stream tester is a generator: it yields requests (see requests.ts), is resumed with what was read, and returns a
 * verdict. So a test can drive it without a socket, and the engine can cancel it at any step. A datagram tester is a
 * question and the judgement of an answer; a task tester does its own I/O and obeys an AbortSignal.
 *
 * @module
 */
import type { Address } from '@surealived/shared/address';
import type { RealId, VirtualId } from '@surealived/shared/model';
import type { Static, TObject } from 'typebox';
import type { StreamRequest } from './requests.js';

/** Why a test failed. A closed set: it becomes a metric label. */
export const FAILURE_REASONS = [
  'refused',
  'reset',
  'unreachable',
  'timeout',
  'tls',
  'protocol',
  'content',
] as const;
export type FailureReason = (typeof FAILURE_REASONS)[number];

/** The outcome of one test. A dead real is a verdict, never an exception. `detail` is one line for the operator. */
export type Verdict =
  | { readonly up: true; readonly detail: string }
  | { readonly up: false; readonly reason: FailureReason; readonly detail: string };

export function up(detail: string): Verdict {
  return { up: true, detail };
}

export function down(reason: FailureReason, detail: string): Verdict {
  return { up: false, reason, detail };
}

/** Where a test goes, and for whom. */
export interface Target {
  readonly address: Address;
  /** The port to test, 1..65535. */
  readonly port: number;
  /** Source address of the test, where one is wanted. The engine binds its own sockets to it. */
  readonly bindAddress: Address | undefined;
  readonly virtual: VirtualId & { readonly name: string };
  readonly real: RealId & { readonly name: string };
}

/** A conversation over one connection. Resumed with the bytes that a read asked for, or empty for a write. */
export type StreamProbe = Generator<StreamRequest, Verdict, Buffer>;

/** What is wrong with an attribute that its schema allows: a file that is not there, a program that cannot be run. */
export interface AttributeFault {
  readonly attribute: string;
  /** One line for the operator. */
  readonly message: string;
  /** Whether it may be put right without another configuration: a warning then, otherwise an error. */
  readonly isWarning?: boolean;
}

interface TesterBase<T extends TObject> {
  /** The value of `proto=` in the services file. */
  readonly name: string;
  /** One sentence for the manual. */
  readonly description: string;
  /** The attributes this tester adds to `<tester>` and `<real>`; each has a description, and a default or is mandatory. */
  readonly attributes: T;
  /**
   * Whether the answer depends on nothing but address, port, source address and attributes: `target.virtual` and
   * `target.real` are not looked at. Where `share_probes` is on, one test then serves all reals that are tested alike.
   */
  readonly shareable?: boolean;
  /** Looks at attributes that their schema allows, once, when a configuration is loaded. What it finds is an error of it. */
  findFault?(attributes: Static<T>): AttributeFault | undefined;
}

/** A conversation over TCP, begun once the connection stands. */
export interface StreamTester<T extends TObject = TObject> extends TesterBase<T> {
  readonly kind: 'stream';
  probe(target: Target, attributes: Static<T>): StreamProbe;
}

/** One request in one datagram; the engine sends it again while no answer comes. */
export interface DatagramExchange {
  /** 1..65507 bytes. */
  readonly request: Uint8Array;
  /**
   * Judges a datagram that the real sent, 0..65535 bytes; the engine lets none from elsewhere through.
   *
   * @returns `undefined` when it is not an answer to this request: the test then waits on.
   */
  judge(answer: Buffer): Verdict | undefined;
}

/** A question and its answer over UDP. */
export interface DatagramTester<T extends TObject = TObject> extends TesterBase<T> {
  readonly kind: 'datagram';
  /** Called for each test, so that a request can carry an id of its own. */
  exchange(target: Target, attributes: Static<T>): DatagramExchange;
}

/** What a task may use beside its target. */
export interface TaskContext {
  /** Aborted at the deadline, and when the test is cancelled: the task must then end soon, and leave nothing behind. */
  readonly signal: AbortSignal;
  /** Milliseconds that the test has in all. */
  readonly timeoutMs: number;
  /** To be called once, as soon as the real answered at all; until then a time-out counts as silence. */
  connected(): void;
  /** Notes what went over the wire, for whoever watches this test. */
  sent(data: Uint8Array): void;
  received(data: Uint8Array): void;
}

/** Why this machine cannot make a test at all, in one line: no verdict comes of it, and no real is taken down. */
export class ObstacleError extends Error {
  override readonly name = 'ObstacleError';
}

/**
 * A test with its own I/O: a process, or a client library. At most `max_tasks` run at a time. The verdict after an abort
 * is not looked at. A rejection is no verdict: it is a mistake of the tester, unless it is an ObstacleError.
 */
export interface TaskTester<T extends TObject = TObject> extends TesterBase<T> {
  readonly kind: 'task';
  /** Whether it is known to talk TCP to the test port, so that a sentinel can watch that. */
  readonly isOverTcp?: boolean;
  check(target: Target, attributes: Static<T>, context: TaskContext): Promise<Verdict>;
}

/** No conversation at all: the verdict is always the same. */
export interface ConstantTester<T extends TObject = TObject> extends TesterBase<T> {
  readonly kind: 'constant';
  readonly verdict: Verdict;
}

export type Tester = StreamTester | DatagramTester | TaskTester | ConstantTester;

/** Declares a stream tester; the attribute type follows from its schema. */
export function defineStreamTester<T extends TObject>(tester: Omit<StreamTester<T>, 'kind'>): StreamTester {
  return { kind: 'stream', ...tester } as unknown as StreamTester;
}

/** Declares a tester that asks one question by UDP. */
export function defineDatagramTester<T extends TObject>(
  tester: Omit<DatagramTester<T>, 'kind'>,
): DatagramTester {
  return { kind: 'datagram', ...tester } as unknown as DatagramTester;
}

/** Declares a tester that does its own I/O. */
export function defineTaskTester<T extends TObject>(tester: Omit<TaskTester<T>, 'kind'>): TaskTester {
  return { kind: 'task', ...tester } as unknown as TaskTester;
}

/** Declares a tester whose verdict never changes. */
export function defineConstantTester<T extends TObject>(
  tester: Omit<ConstantTester<T>, 'kind'>,
): ConstantTester {
  return { kind: 'constant', ...tester } as unknown as ConstantTester;
}
