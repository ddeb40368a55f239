import * as libc from '@surealived/shared/libc';
import { beginToConnect, isItself, openSocket } from '../engine/client-socket.js';
import type { EventSink, Reactor } from '../engine/reactor.js';
import { WheelTimer } from '../engine/timer-wheel.js';
import { CLOSED, decide, isRest, type SentinelEvent, type SentinelPhase, type Standing } from './policy.js';

/** What all sentinels share. */
export interface SentinelMeans {
  readonly reactor: Reactor;
  /** Descriptors that the tests can spare. */
  readonly sockets: SocketLender;
  /** How long a phase lasts that ends by itself. */
  readonly restMs: (standing: Standing) => number;
}

export interface SocketLender {
  /** @returns Whether there was one left. */
  lendSocket(): boolean;
  takeBackSocket(): void;
}

/** The tests of what a sentinel watches. */
export interface Watched {
  /** AF_INET or AF_INET6. */
  readonly domain: number;
  /** Where the tests go. */
  readonly sockaddr: Buffer;
  /** Where they come from, where that is set. */
  readonly bindSockaddr: Buffer | undefined;
  /** How long the connection may take to stand. */
  readonly timeoutMs: number;
  /** Whether a test has begun that has not ended. */
  isUnderWay(): boolean;
  /** Makes the next test at once. */
  hurry(): void;
  /** Hears of each phase that begins. */
  onPhase(phase: SentinelPhase): void;
}

const EAGAIN = 11;
/** Of a banner nobody wants more; what talks on and on is no server for an idle connection. */
const MAX_UNASKED_BYTES = 1 << 16;
/** What it holds is never looked at. */
const discarded = Buffer.allocUnsafeSlow(1 << 13);
/**
 * Where nothing is said, only the kernels' own signs of life tell of a host that came back without a memory of the
 * connection, or of a firewall that forgot it: after 30 s of silence, then every 5 s, three times.
 */
const KEEPALIVE: readonly (readonly [level: number, name: number, value: Buffer])[] = [
  [libc.SOL_SOCKET, libc.SO_KEEPALIVE, Buffer.from([1, 0, 0, 0])],
  [libc.IPPROTO_TCP, libc.TCP_KEEPIDLE, Buffer.from([30, 0, 0, 0])],
  [libc.IPPROTO_TCP, libc.TCP_KEEPINTVL, Buffer.from([5, 0, 0, 0])],
  [libc.IPPROTO_TCP, libc.TCP_KEEPCNT, Buffer.from([3, 0, 0, 0])],
];

/**
 * Keeps one idle connection to a real, whose end calls for a test at once. It decides nothing about the real: the verdict
 * of that test does, and then whether there will be another connection.
 */
export class Sentinel implements EventSink {
  readonly #means: SentinelMeans;
  readonly #watched: Watched;
  readonly #timer: WheelTimer;
  #standing = CLOSED;
  #fd = -1;
  /** When the connection stood. */
  #sinceMs = 0;
  #unaskedBytes = 0;

  constructor(means: SentinelMeans, watched: Watched) {
    this.#means = means;
    this.#watched = watched;
    this.#timer = new WheelTimer(() => this.#note('due'));
  }

  get phase(): SentinelPhase {
    return this.#standing.phase;
  }

  /** A test ended. @param isUp `undefined` where it came to no verdict. */
  noteTest(isUp: boolean | undefined): void {
    this.#note(isUp === undefined ? 'void' : isUp ? 'up' : 'down');
  }

  /** Lets go of everything, without a word. */
  close(): void {
    this.#means.reactor.disarm(this.#timer);
    this.#hangUp();
    this.#standing = CLOSED;
  }

  onEvents(events: number): void {
    const isOver = (events & (libc.EPOLLERR | libc.EPOLLHUP)) !== 0;
    if (this.phase === 'connecting') {
      if (isOver) return this.#note('unreachable');
      if (!(events & libc.EPOLLOUT)) return;
      // it would keep the port from the server that is to come back
      if (isItself(this.#fd, this.#watched.sockaddr)) return this.#note('unreachable');
      this.#sinceMs = this.#means.reactor.nowMs();
      this.#note('connected');
    }
    if (isOver || events & libc.EPOLLRDHUP) this.#note('ended');
    else if (events & libc.EPOLLIN) this.#discard();
  }

  /** What the server says unasked has to be taken all the same: behind a full buffer, no end of the stream arrives. */
  #discard(): void {
    while (this.#unaskedBytes <= MAX_UNASKED_BYTES) {
      const received = libc.recv(this.#fd, discarded, discarded.length, 0);
      if (received < 0 && libc.errno() === EAGAIN) return;
      if (received <= 0) return this.#note('ended');
      this.#unaskedBytes += received;
    }
    this.#note('flooded');
  }

  #note(event: SentinelEvent): void {
    const before = this.#standing;
    const livedMs = before.phase === 'open' ? this.#means.reactor.nowMs() - this.#sinceMs : 0;
    this.#standing = decide(before, event, livedMs);
    if (this.#standing !== before) this.#enter(this.#standing.phase);
  }

  /** Does what a phase begins with. Whatever that leads to at once must find everything else done. */
  #enter(phase: SentinelPhase): void {
    const { reactor, restMs } = this.#means;
    reactor.disarm(this.#timer);
    if (isRest(phase)) reactor.arm(this.#timer, reactor.nowMs() + restMs(this.#standing));
    this.#watched.onPhase(phase);
    if (phase !== 'open') this.#hangUp();
    // a test that waited for the descriptor may have begun, and ended
    if (phase !== this.phase) return;
    if (phase === 'connecting') this.#connect();
    else if (phase === 'broken' && !this.#watched.isUnderWay()) this.#note('ask');
    else if (phase === 'testing') this.#watched.hurry();
  }

  #connect(): void {
    const { reactor, sockets } = this.#means;
    if (!sockets.lendSocket()) return this.#note('crowded');
    const { domain, timeoutMs } = this.#watched;
    this.#fd = openSocket(domain);
    if (this.#fd < 0) {
      sockets.takeBackSocket();
      return this.#note('unreachable');
    }
    this.#unaskedBytes = 0;
    if (!this.#begin(this.#fd)) return this.#note('unreachable');
    reactor.arm(this.#timer, reactor.nowMs() + timeoutMs);
  }

  /** @returns Whether the socket is on its way. */
  #begin(fd: number): boolean {
    const { sockaddr, bindSockaddr } = this.#watched;
    for (const [level, name, value] of KEEPALIVE) libc.setsockopt(fd, level, name, value, value.length);
    if (bindSockaddr && libc.bind(fd, bindSockaddr, bindSockaddr.length) !== 0) return false;
    return beginToConnect(fd, sockaddr) && this.#means.reactor.register(fd, this);
  }

  #hangUp(): void {
    if (this.#fd < 0) return;
    this.#means.reactor.forget(this.#fd);
    libc.close(this.#fd);
    this.#fd = -1;
    this.#means.sockets.takeBackSocket();
  }
}
