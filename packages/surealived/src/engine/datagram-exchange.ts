import * as libc from '@surealived/shared/libc';
import { type DatagramExchange, down, type Verdict } from '@surealived/testers/tester';
import {
  connectionProblemOf,
  judgeConnectionError,
  judgeErrno,
  type OutcomeSink,
  type SocketFailure,
  type Trace,
} from './outcome.js';
import { describeTesterFailure, requireExchange, requireVerdict } from './probe-guard.js';
import type { EventSink, Reactor } from './reactor.js';
import type { TestRun } from './test-queue.js';
import { WheelTimer } from './timer-wheel.js';

/** A test of one real over UDP: everything that is the same each time, encoded once. */
export interface DatagramTest {
  /** AF_INET or AF_INET6. */
  readonly domain: number;
  readonly sockaddr: Buffer;
  /** Source address, where one is wanted. */
  readonly bindSockaddr: Buffer | undefined;
  readonly timeoutMs: number;
  /** Makes the question of one test. */
  readonly begin: () => DatagramExchange;
}

const EAGAIN = 11;
const SOCKET_TYPE = libc.SOCK_DGRAM | libc.SOCK_NONBLOCK | libc.SOCK_CLOEXEC;
/** How often a request is sent in all, at equal distances within the time-out: datagrams get lost. */
const SENDS = 3;
/** Datagrams that one exchange may read before the others get their turn. */
const TURN_DATAGRAMS = 64;
/** As large as a datagram can be. Shared by all exchanges: its content is copied before anything else runs. */
const scratch = Buffer.allocUnsafeSlow(1 << 16);
const ON = Buffer.from([1, 0, 0, 0]);

/**
 * One question by UDP and the wait for its answer. Tells its sink once, unless it is cancelled.
 *
 * The socket is connected, so the kernel lets through only what comes from the tested address and port, and reports what
 * ICMP says about it. There is no connection to time: `connectMs` is 0.
 */
export class DatagramRun implements EventSink, TestRun {
  readonly #reactor: Reactor;
  readonly #test: DatagramTest;
  readonly #sink: OutcomeSink;
  readonly #trace: Trace | undefined;
  /** For the next request, or for the end of the time-out. */
  readonly #timer = new WheelTimer(() => this.#onTime());
  readonly #startMs: number;
  /** In the reactor's time. */
  readonly #startReactorMs: number;
  #fd = -1;
  #exchange: DatagramExchange | undefined;
  #sends = 0;
  #datagrams = 0;
  #responseMs = 0;
  #sentBytes = 0;
  #receivedBytes = 0;
  #ended = false;
  /** Whether its turn was over before it had to wait: it goes on by itself. */
  #goesOn = false;

  constructor(reactor: Reactor, test: DatagramTest, sink: OutcomeSink, trace?: Trace) {
    this.#reactor = reactor;
    this.#test = test;
    this.#sink = sink;
    this.#trace = trace;
    this.#startMs = reactor.clock.nowMs();
    this.#startReactorMs = reactor.nowMs();
  }

  /** Sends the request. The end may come before this returns. */
  start(): void {
    const { domain, sockaddr, bindSockaddr } = this.#test;
    try {
      this.#exchange = requireExchange(this.#test.begin());
    } catch (error) {
      return this.#end(undefined, describeTesterFailure(error));
    }
    const fd = libc.socket(domain, SOCKET_TYPE, 0);
    if (fd < 0) return this.#fail('socket');
    this.#fd = fd;
    reportUnreachable(fd, domain);
    if (bindSockaddr && libc.bind(fd, bindSockaddr, bindSockaddr.length) !== 0) return this.#fail('bind');
    if (libc.connect(fd, sockaddr, sockaddr.length) !== 0) return this.#fail('connect');
    if (!this.#reactor.register(fd, this)) return this.#fail('epoll_ctl');
    this.#send();
  }

  /** Ends without a word to the sink; false when it had ended already. */
  cancel(): boolean {
    if (this.#ended) return false;
    this.#release();
    return true;
  }

  onEvents(events: number): void {
    if (!this.#goesOn && events & (libc.EPOLLIN | libc.EPOLLERR)) this.#receive();
  }

  /** A send buffer that is full (EAGAIN) is as a datagram that got lost: the next turn sends it again. */
  #send(): void {
    const { request } = this.#exchange as DatagramExchange;
    const sent = libc.send(this.#fd, request, request.length, libc.MSG_NOSIGNAL);
    if (sent < 0 && libc.errno() !== EAGAIN) return this.#fail('send');
    this.#sentBytes += Math.max(sent, 0);
    if (sent > 0) this.#trace?.sent(request);
    this.#sends++;
    this.#reactor.arm(this.#timer, this.#startReactorMs + (this.#sends * this.#test.timeoutMs) / SENDS);
  }

  /** Reads until nothing is there. */
  #receive(): void {
    for (let count = 0; !this.#ended; count++) {
      if (count === TURN_DATAGRAMS) return this.#goOnLater();
      const bytes = libc.recv(this.#fd, scratch, scratch.length, 0);
      if (bytes < 0) return this.#waitOrFail();
      this.#judge(Buffer.from(scratch.subarray(0, bytes)));
    }
  }

  /** The epoll set is edge-triggered: what is left will not be announced again. */
  #goOnLater(): void {
    this.#goesOn = true;
    setImmediate(() => {
      this.#goesOn = false;
      this.#receive();
    });
  }

  #judge(datagram: Buffer): void {
    if (this.#datagrams++ === 0) this.#responseMs = this.#reactor.clock.nowMs() - this.#startMs;
    this.#receivedBytes += datagram.length;
    this.#trace?.received(datagram);
    let verdict: Verdict | undefined;
    try {
      verdict = this.#exchange?.judge(datagram);
      if (verdict !== undefined) requireVerdict(verdict);
    } catch (error) {
      return this.#end(undefined, describeTesterFailure(error));
    }
    if (verdict) this.#end(verdict, undefined);
  }

  /** What recv(2) fails with came by ICMP, so it is about the real. */
  #waitOrFail(): void {
    const errno = libc.errno();
    if (errno !== EAGAIN) this.#failWith(judgeConnectionError(errno, 'recv'));
  }

  #fail(call: string): void {
    this.#failWith(judgeErrno(call, libc.errno()));
  }

  #failWith(failure: SocketFailure): void {
    if ('verdict' in failure) this.#end(failure.verdict, undefined);
    else this.#end(undefined, failure.obstacle);
  }

  #onTime(): void {
    if (this.#sends < SENDS) this.#send();
    else this.#expire();
  }

  #expire(): void {
    const foreign =
      this.#datagrams === 0 ? '' : `, only ${this.#datagrams} datagrams that do not answer the request`;
    this.#end(down('timeout', `no answer within ${this.#test.timeoutMs} ms${foreign}`), undefined);
  }

  #end(verdict: Verdict | undefined, obstacle: string | undefined): void {
    if (this.#ended) return;
    this.#release();
    this.#sink.onOutcome({
      verdict,
      obstacle,
      connectionProblem:
        verdict && !verdict.up && this.#datagrams === 0 ? connectionProblemOf(verdict.reason) : undefined,
      connectMs: 0,
      responseMs: this.#responseMs,
      totalMs: this.#reactor.clock.nowMs() - this.#startMs,
      sentBytes: this.#sentBytes,
      receivedBytes: this.#receivedBytes,
    });
  }

  #release(): void {
    this.#ended = true;
    this.#reactor.disarm(this.#timer);
    if (this.#fd < 0) return;
    this.#reactor.forget(this.#fd);
    libc.close(this.#fd);
    this.#fd = -1;
  }
}

/** Without this the kernel keeps "host unreachable" and its like to itself (ip(7), IP_RECVERR), and we would see silence. */
function reportUnreachable(fd: number, domain: number): void {
  const [level, name] =
    domain === libc.addressFamily(4) ? [libc.SOL_IP, libc.IP_RECVERR] : [libc.SOL_IPV6, libc.IPV6_RECVERR];
  libc.setsockopt(fd, level, name, ON, ON.length);
}
