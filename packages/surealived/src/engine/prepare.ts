import type {
  DatagramExchange,
  DatagramTester,
  StreamProbe,
  StreamTester,
  Target,
  TaskContext,
  TaskTester,
  Tester,
  Verdict,
} from '@surealived/testers/tester';
import type { TlsOptions } from '../config/model.js';
import { Conversation, type StreamTest } from './conversation.js';
import { DatagramRun, type DatagramTest } from './datagram-exchange.js';
import { type Endpoint, endpointOf, sourceSockaddr } from './endpoint.js';
import type { Outcome, OutcomeSink, Trace } from './outcome.js';
import type { Reactor } from './reactor.js';
import { TaskRun, type TaskTest } from './task-run.js';
import type { PreparedTest, TestRun } from './test-queue.js';
import { TlsTransport } from './tls-transport.js';
import { PlainTransport, type Transport } from './transport.js';

/** What a test is made of, beside its tester. It is asked anew at each test; where the test goes, and its TLS, stay the same. */
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
      return new PreparedStream(tester, settings);
    case 'datagram':
      return new PreparedDatagram(tester, settings);
    case 'task':
      return new PreparedTask(tester, settings);
  }
}

/** What tests over a socket of the engine's have in common. One object of few fields: there is one for each real. */
abstract class SocketTest<T extends Tester> implements PreparedTest {
  readonly tester: T;
  readonly settings: TestSettings;
  readonly bindSockaddr: Buffer | undefined;
  readonly #endpoint: Endpoint;

  constructor(tester: T, settings: TestSettings) {
    const { address, port, bindAddress } = settings.target;
    this.tester = tester;
    this.settings = settings;
    this.bindSockaddr = bindAddress && sourceSockaddr(bindAddress);
    this.#endpoint = endpointOf(address, port);
  }

  get takes(): 'socket' {
    return 'socket';
  }

  get domain(): number {
    return this.#endpoint.domain;
  }

  get sockaddr(): Buffer {
    return this.#endpoint.encode();
  }

  get timeoutMs(): number {
    return this.settings.timeoutMs;
  }

  abstract createRun(reactor: Reactor, sink: OutcomeSink, trace: Trace | undefined): TestRun;
}

class PreparedStream extends SocketTest<StreamTester> implements StreamTest {
  readonly #tls: TlsOptions | undefined;

  constructor(tester: StreamTester, settings: TestSettings) {
    super(tester, settings);
    this.#tls = settings.tls;
  }

  createRun(reactor: Reactor, sink: OutcomeSink, trace: Trace | undefined): TestRun {
    return Conversation.of(reactor, this, sink, trace);
  }

  open(fd: number): Transport {
    const tls = this.#tls;
    return tls ? openTls(fd, tls, this.settings.target) : new PlainTransport(fd);
  }

  begin(): StreamProbe {
    return this.tester.probe(this.settings.target, this.settings.attributes);
  }
}

/** Without a name, the certificate must be made out to the address. */
function openTls(fd: number, { serverName, policy }: TlsOptions, { address }: Target): Transport {
  const identity = serverName === undefined ? { ip: address.text } : { host: serverName };
  return new TlsTransport(fd, { peer: { serverName, identity }, policy });
}

class PreparedDatagram extends SocketTest<DatagramTester> implements DatagramTest {
  createRun(reactor: Reactor, sink: OutcomeSink, trace: Trace | undefined): TestRun {
    return new DatagramRun(reactor, this, sink, trace);
  }

  begin(): DatagramExchange {
    return this.tester.exchange(this.settings.target, this.settings.attributes);
  }
}

class PreparedTask implements PreparedTest, TaskTest {
  readonly #tester: TaskTester;
  readonly #settings: TestSettings;

  constructor(tester: TaskTester, settings: TestSettings) {
    this.#tester = tester;
    this.#settings = settings;
  }

  get takes(): 'task' {
    return 'task';
  }

  get timeoutMs(): number {
    return this.#settings.timeoutMs;
  }

  createRun(reactor: Reactor, sink: OutcomeSink, trace: Trace | undefined): TestRun {
    return new TaskRun(reactor, this, sink, trace);
  }

  check(context: TaskContext): Promise<Verdict> {
    const { target, attributes } = this.#settings;
    return this.#tester.check(target, attributes, context);
  }
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
    createRun: (_reactor, sink) => ({ start: () => sink.onOutcome(outcome), cancel: () => false }),
  };
}
