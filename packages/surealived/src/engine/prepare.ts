import { addressFamily, encodeSockaddr } from '@surealived/shared/libc';
import type {
  DatagramTester,
  StreamTester,
  Target,
  TaskContext,
  TaskTester,
  Tester,
  Verdict,
} from '@surealived/testers/tester';
import type { TlsOptions } from '../config/model.js';
import { Conversation } from './conversation.js';
import { DatagramRun } from './datagram-exchange.js';
import type { Outcome } from './outcome.js';
import { TaskRun } from './task-run.js';
import type { PreparedTest } from './test-queue.js';
import { TlsTransport } from './tls-transport.js';
import { PlainTransport, type Transport } from './transport.js';

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
      return prepareDatagram(tester, settings);
    case 'task':
      return prepareTask(tester, settings);
  }
}

function prepareStream(tester: StreamTester, settings: TestSettings): PreparedTest {
  const { target, attributes, timeoutMs, tls } = settings;
  const test = {
    ...socketAddresses(target),
    timeoutMs,
    open: tls ? openTls(tls, target) : openPlain,
    begin: () => tester.probe(target, attributes),
  };
  return {
    takes: 'socket',
    begin: (reactor, onEnd, trace) => new Conversation(reactor, test, onEnd, trace),
  };
}

function openPlain(fd: number): Transport {
  return new PlainTransport(fd);
}

/** Without a name, the certificate must be made out to the address. */
function openTls({ serverName, policy }: TlsOptions, { address }: Target): (fd: number) => Transport {
  const identity = serverName === undefined ? { ip: address.text } : { host: serverName };
  const settings = { peer: { serverName, identity }, policy };
  return (fd) => new TlsTransport(fd, settings);
}

function prepareDatagram(tester: DatagramTester, settings: TestSettings): PreparedTest {
  const { target, attributes, timeoutMs } = settings;
  const test = {
    ...socketAddresses(target),
    timeoutMs,
    begin: () => tester.exchange(target, attributes),
  };
  return {
    takes: 'socket',
    begin: (reactor, onEnd, trace) => new DatagramRun(reactor, test, onEnd, trace),
  };
}

function prepareTask(tester: TaskTester, { target, attributes, timeoutMs }: TestSettings): PreparedTest {
  const test = { timeoutMs, check: (context: TaskContext) => tester.check(target, attributes, context) };
  return {
    takes: 'task',
    begin: (reactor, onEnd, trace) => new TaskRun(reactor, test, onEnd, trace),
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
    verdict,
    obstacle: undefined,
    connectionProblem: undefined,
    connectMs: 0,
    responseMs: 0,
    totalMs: 0,
    sentBytes: 0,
    receivedBytes: 0,
  };
  return {
    takes: 'socket',
    begin: (_reactor, onEnd) => ({ start: () => onEnd(outcome), cancel: () => false }),
  };
}
