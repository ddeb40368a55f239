import { messageOf } from '@surealived/shared/errors';
import * as libc from '@surealived/shared/libc';
import { down, type StreamProbe, type Verdict } from '@surealived/testers/tester';
import { beginToConnect, isItself, openSocket } from './client-socket.js';
import { Dialogue } from './dialogue.js';
import {
  connectionProblemOf,
  judgeConnectionError,
  judgeErrno,
  type OutcomeSink,
  type SocketFailure,
  type Trace,
} from './outcome.js';
import { describeTesterFailure } from './probe-guard.js';
import type { EventSink, Reactor } from './reactor.js';
import type { TestRun } from './test-queue.js';
import { WheelTimer } from './timer-wheel.js';
import { FAILED, READY, type Transport } from './transport.js';

/** A test of one real over TCP: everything that is the same each time, encoded once. */
export interface StreamTest {
  /** AF_INET or AF_INET6. */
  readonly domain: number;
  readonly sockaddr: Buffer;
  /** Source address, where one is wanted. */
  readonly bindSockaddr: Buffer | undefined;
  readonly timeoutMs: number;
  /** How bytes move over the socket, once it is connected. What it throws is an obstacle of this machine's. */
  readonly open: (fd: number) => Transport;
  /** Begins the tester's conversation. */
  readonly begin: () => StreamProbe;
}

const socketError = Buffer.alloc(4);
const socketErrorLength = Buffer.from([4, 0, 0, 0]);

/** Conversations that are over, for the tests to come: thousands a second would be as much garbage. */
const resting: Conversation[] = [];
/** More have been under way at once only where all servers hung: that shall not cost memory for good. */
const MAX_RESTING = 1024;

function noTest(): never {
  throw new Error('no test');
}

/** For those that rest, which must not hold anything of the test before: a reload may have removed it. */
const NO_TEST: StreamTest = {
  domain: 0,
  sockaddr: Buffer.alloc(0),
  bindSockaddr: undefined,
  timeoutMs: 0,
  open: noTest,
  begin: noTest,
};
const NOBODY: OutcomeSink = { onOutcome: () => undefined };

/**
 * One connection and the probe that talks over it. Tells its sink once, unless it is cancelled; whoever began it lets go of
 * it then, since it soon serves another test.
 */
export class Conversation implements EventSink, TestRun {
  #reactor: Reactor;
  #test = NO_TEST;
  #sink = NOBODY;
  #trace: Trace | undefined;
  readonly #deadline = new WheelTimer(() => this.#expire());
  #startMs = 0;
  #fd = -1;
  /** Absent until the connection stands. */
  #transport: Transport | undefined;
  /** Begins when the handshake is done. */
  readonly #dialogue = new Dialogue();
  #connectMs = 0;
  #responseMs = 0;
  #ended = true;
  /** How often this is on the stack: it rests when it is left for good. */
  #depth = 0;
  /** Whether its turn was over before it had to wait: it goes on by itself. */
  #goesOn = false;

  /** Begins nothing yet. */
  static of(reactor: Reactor, test: StreamTest, sink: OutcomeSink, trace?: Trace): Conversation {
    const conversation = resting.pop() ?? new Conversation(reactor);
    conversation.#reactor = reactor;
    conversation.#test = test;
    conversation.#sink = sink;
    conversation.#trace = trace;
    conversation.#connectMs = 0;
    conversation.#responseMs = 0;
    conversation.#dialogue.reset();
    conversation.#ended = false;
    conversation.#startMs = reactor.clock.nowMs();
    return conversation;
  }

  private constructor(reactor: Reactor) {
    this.#reactor = reactor;
  }

  /** Begins to connect. The end may come before this returns. */
  start(): void {
    this.#depth++;
    this.#connect();
    this.#leave();
  }

  /** Ends without a word to the sink; false when it had ended already. */
  cancel(): boolean {
    if (this.#ended) return false;
    this.#depth++;
    this.#release();
    this.#leave();
    return true;
  }

  onEvents(events: number): void {
    if (this.#goesOn) return;
    this.#depth++;
    if (this.#dialogue.isUnderWay) this.#continue();
    else if (this.#transport) this.#shakeHands(this.#transport);
    else if (events & (libc.EPOLLERR | libc.EPOLLHUP)) this.#failConnecting();
    else if (events & libc.EPOLLOUT) this.#open();
    this.#leave();
  }

  /** What ended rests once nothing of it is on the stack, which would take up the next test in the middle. */
  #leave(): void {
    if (--this.#depth > 0 || !this.#ended || this.#goesOn) return;
    this.#test = NO_TEST;
    this.#sink = NOBODY;
    this.#trace = undefined;
    this.#transport = undefined;
    if (resting.length < MAX_RESTING) resting.push(this);
  }

  #connect(): void {
    const { domain, sockaddr, bindSockaddr, timeoutMs } = this.#test;
    const fd = openSocket(domain);
    if (fd < 0) return this.#fail('socket');
    this.#fd = fd;
    if (bindSockaddr && libc.bind(fd, bindSockaddr, bindSockaddr.length) !== 0) return this.#fail('bind');
    if (!beginToConnect(fd, sockaddr)) return this.#fail('connect');
    if (!this.#reactor.register(fd, this)) return this.#fail('epoll_ctl');
    this.#reactor.arm(this.#deadline, this.#reactor.nowMs() + timeoutMs);
  }

  #open(): void {
    if (isItself(this.#fd, this.#test.sockaddr)) {
      return this.#end(down('refused', 'connect: met itself'), undefined);
    }
    this.#connectMs = this.#reactor.clock.nowMs() - this.#startMs;
    try {
      this.#transport = this.#test.open(this.#fd);
    } catch (error) {
      return this.#end(undefined, messageOf(error));
    }
    this.#shakeHands(this.#transport);
  }

  #shakeHands(transport: Transport): void {
    const answer = transport.handshake();
    if (answer === READY) this.#begin(transport);
    else if (answer === FAILED) this.#failWith(transport.failure);
  }

  #begin(transport: Transport): void {
    let probe: StreamProbe;
    try {
      probe = this.#test.begin();
    } catch (error) {
      return this.#end(undefined, describeTesterFailure(error));
    }
    this.#dialogue.begin(probe, transport, this.#trace);
    this.#continue();
  }

  #continue(): void {
    if (this.#ended) return;
    const dialogue = this.#dialogue;
    const state = dialogue.continue();
    if (this.#responseMs === 0 && dialogue.receivedBytes > 0)
      this.#responseMs = this.#reactor.clock.nowMs() - this.#startMs;
    if (state === 'over') this.#end(dialogue.verdict, dialogue.obstacle);
    else if (state === 'goesOn') this.#goOnLater();
  }

  /** The epoll set is edge-triggered: what is left will not be announced again. */
  #goOnLater(): void {
    this.#goesOn = true;
    setImmediate(() => {
      this.#goesOn = false;
      this.#depth++;
      this.#continue();
      this.#leave();
    });
  }

  #failConnecting(): void {
    libc.getsockopt(this.#fd, libc.SOL_SOCKET, libc.SO_ERROR, socketError, socketErrorLength);
    const errno = socketError.readInt32LE(0);
    // hung up without an error: it stood and was closed before we looked
    if (errno === 0) this.#open();
    else this.#failWith(judgeConnectionError(errno));
  }

  #fail(call: string): void {
    this.#failWith(judgeErrno(call, libc.errno()));
  }

  #failWith(failure: SocketFailure): void {
    if ('verdict' in failure) this.#end(failure.verdict, undefined);
    else this.#end(undefined, failure.obstacle);
  }

  #expire(): void {
    this.#depth++;
    const what = this.#dialogue.isUnderWay
      ? 'no verdict'
      : this.#transport
        ? 'no TLS handshake'
        : 'no connection';
    this.#end(down('timeout', `${what} within ${this.#test.timeoutMs} ms`), undefined);
    this.#leave();
  }

  #end(verdict: Verdict | undefined, obstacle: string | undefined): void {
    if (this.#ended) return;
    const connected = this.#transport !== undefined;
    this.#release();
    this.#sink.onOutcome({
      verdict,
      obstacle,
      connectionProblem:
        verdict && !verdict.up && !connected ? connectionProblemOf(verdict.reason) : undefined,
      connectMs: this.#connectMs,
      responseMs: this.#responseMs,
      totalMs: this.#reactor.clock.nowMs() - this.#startMs,
      sentBytes: this.#dialogue.sentBytes,
      receivedBytes: this.#dialogue.receivedBytes,
    });
  }

  #release(): void {
    this.#ended = true;
    this.#reactor.disarm(this.#deadline);
    this.#transport?.close();
    if (this.#fd >= 0) {
      this.#reactor.forget(this.#fd);
      libc.close(this.#fd);
      this.#fd = -1;
    }
    this.#dialogue.end();
  }
}
