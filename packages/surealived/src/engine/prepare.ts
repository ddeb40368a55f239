import { addressFamily, encodeSockaddr } from '@surealived/shared/libc';
import type { StreamTester, Target, Tester, Verdict } from '@surealived/testers/tester';
import type { TlsOptions } from '../config/model.js';
import { Conversation } from './conversation.js';
import type { Outcome } from './outcome.js';
import type { PreparedTest } from './test-queue.js';

/** What a test is made of, beside its tester. */
export interface TestSettings {
  readonly target: Target;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly timeoutMs: number;
  /** For stream testers; absent where they do not speak TLS. */
  readonly tls: TlsOptions | undefined;
}

/** Encodes what does not change from one test of a real to the next. */
export function prepareTest(tester: Tester, settings: TestSettings): PreparedTest {
  switch (tester.kind) {
    case 'constant':
      return prepareConstant(tester.verdict);
    case 'stream':
      return prepareStream(tester, settings);
    case 'datagram':
    case 'task':
      throw new Error(`not yet: ${tester.kind}`);
  }
}

function prepareStream(tester: StreamTester, settings: TestSettings): PreparedTest {
  const { target, attributes, timeoutMs } = settings;
  const test = {
    ...socketAddresses(target),
    timeoutMs,
    begin: () => tester.probe(target, attributes),
  };
  return {
    takes: 'socket',
    begin: (reactor, onEnd, trace) => new Conversation(reactor, test, onEnd, trace),
  };
}

function socketAddresses({ address, port, bindAddress }: Target) {
  return {
    domain: addressFamily(address.family),
    sockaddr: encodeSockaddr(address, port),
    bindSockaddr: bindAddress && encodeSockaddr(bindAddress, 0),
  };
}

function prepareConstant(verdict: Verdict): PreparedTest {
  const outcome: Outcome = {
    ...{ verdict, obstacle: undefined, connectionProblem: undefined },
    ...{ connectMs: 0, responseMs: 0, totalMs: 0, sentBytes: 0, receivedBytes: 0 },
  };
  return {
    takes: 'socket',
    begin: (_reactor, onEnd) => ({ start: () => onEnd(outcome), cancel: () => false }),
  };
}
