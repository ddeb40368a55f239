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
import type { Outcome } from './outcome.js';
import { TaskRun, type TaskTest } from './task-run.js';
import type { PreparedTest } from './test-queue.js';
import { TlsTransport } from './tls-transport.js';
import { PlainTransport, type Transport } from './transport.js';

/** What a test is made of, beside its tester. It is asked anew at each test; where the test goes stays the same. */
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

/** What tests over a socket of the engine's have in common. Objects of few fields: there is one for each real. */
class SocketTest<T extends Tester> {
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

  get domain(): number {
    return this.#endpoint.domain;
  }

  get sockaddr(): Buffer {
    return this.#endpoint.encode();
  }

  get timeoutMs(): number {
    return this.settings.timeoutMs;
  }
}

class PreparedStream extends SocketTest<StreamTester> implements StreamTest {
  open(fd: number): Transport {
    const { tls } = this.settings;
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

function prepareStream(tester: StreamTester, settings: TestSettings): PreparedTest {
  const test = new PreparedStream(tester, settings);
  return {
    takes: 'socket',
    begin: (reactor, onEnd, trace) => new Conversation(reactor, test, onEnd, trace),
  };
}

class PreparedDatagram extends SocketTest<DatagramTester> implements DatagramTest {
  begin(): DatagramExchange {
    return this.tester.exchange(this.settings.target, this.settings.attributes);
  }
}

function prepareDatagram(tester: DatagramTester, settings: TestSettings): PreparedTest {
  const test = new PreparedDatagram(tester, settings);
  return {
    takes: 'socket',
    begin: (reactor, onEnd, trace) => new DatagramRun(reactor, test, onEnd, trace),
  };
}

class PreparedTask implements TaskTest {
  readonly #tester: TaskTester;
  readonly #settings: TestSettings;

  constructor(tester: TaskTester, settings: TestSettings) {
    this.#tester = tester;
    this.#settings = settings;
  }

  get timeoutMs(): number {
    return this.#settings.timeoutMs;
  }

  check(context: TaskContext): Promise<Verdict> {
    const { target, attributes } = this.#settings;
    return this.#tester.check(target, attributes, context);
  }
}

function prepareTask(tester: TaskTester, settings: TestSettings): PreparedTest {
  const test = new PreparedTask(tester, settings);
  return {
    takes: 'task',
    begin: (reactor, onEnd, trace) => new TaskRun(reactor, test, onEnd, trace),
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
