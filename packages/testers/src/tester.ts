/**
 * What a tester is. A tester knows one protocol; sockets, TLS, clocks, retries and counters belong to the engine.
 *
 * A stream tester is a generator: it yields requests (see requests.ts), is resumed with what was read, and returns a
 * verdict. So a test can drive it without a socket, and the engine can cancel it at any step.
 *
 * @module
 */
import type { Address } from '@surealived/shared/address';
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

/** Where a test goes. */
export interface Target {
  readonly address: Address;
  /** The port to test, 1..65535. */
  readonly port: number;
}

/** A conversation over one connection. Resumed with the bytes that a read asked for, or empty for a write. */
export type StreamProbe = Generator<StreamRequest, Verdict, Buffer>;

interface TesterBase<T extends TObject> {
  /** The value of `proto=` in the services file. */
  readonly name: string;
  /** One sentence for the manual. */
  readonly description: string;
  /** The attributes this tester adds to `<tester>` and `<real>`; each has a description, and a default or is mandatory. */
  readonly attributes: T;
}

/** A conversation over TCP, begun once the connection stands. */
export interface StreamTester<T extends TObject = TObject> extends TesterBase<T> {
  readonly kind: 'stream';
  probe(target: Target, attributes: Static<T>): StreamProbe;
}

/** No conversation at all: the verdict is always the same. */
export interface ConstantTester<T extends TObject = TObject> extends TesterBase<T> {
  readonly kind: 'constant';
  readonly verdict: Verdict;
}

export type Tester = StreamTester | ConstantTester;

/** Declares a stream tester; the attribute type follows from its schema. */
export function defineStreamTester<T extends TObject>(tester: Omit<StreamTester<T>, 'kind'>): StreamTester {
  return { kind: 'stream', ...tester } as unknown as StreamTester;
}

/** Declares a tester whose verdict never changes. */
export function defineConstantTester<T extends TObject>(
  tester: Omit<ConstantTester<T>, 'kind'>,
): ConstantTester {
  return { kind: 'constant', ...tester } as unknown as ConstantTester;
}
