import type { Clock } from '@surealived/shared/clock';
import * as libc from '@surealived/shared/libc';
import { EpollEvents } from './epoll-events.js';
import { LagMeter } from './lag.js';
import { TimerWheel, WheelTimer } from './timer-wheel.js';

/** Takes the events of one descriptor: EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP, EPOLLRDHUP. */
export interface EventSink {
  onEvents(events: number): void;
}

export interface ReactorOptions {
  readonly clock: Clock;
  /** Resolution of timers in milliseconds; more than MAX_TICK_MS counts as that. */
  readonly tickMs: number;
  /** Events taken per epoll_wait. */
  readonly maxEvents: number;
  /** Told when the process stood still for at least LONG_STALL_MS. */
  readonly onLongStall?: (stallMs: number) => void;
}

/** While anything is awaited, the reactor wakes at least this often, to know when it could not. */
const HEARTBEAT_MS = 100;
/** A longer gap between two wake-ups is a stall. */
const STALL_MS = 200;
/** The heartbeat comes up to a tick late, and must still come well before its absence is a stall. */
const MAX_TICK_MS = 50;
/** From this length on, a stall may have cost a conversation its other side, which waited for us. */
const LONG_STALL_MS = 1000;

/** Edge-triggered: what happens is told once. */
const EVERYTHING = (libc.EPOLLIN | libc.EPOLLOUT | libc.EPOLLRDHUP | libc.EPOLLET) >>> 0;
/** Waits of epoll_wait that one wake-up may make before the rest of the process gets its turn. */
const MAX_ROUNDS = 16;

/**
 * One epoll set and one timer wheel on Node's event loop.
 *
 * The epoll descriptor is itself watched by libuv, so a wake-up costs no thread. Whenever time is up, arrived events are
 * handled before any timer fires: an answer that came in time is never lost to a deadline because the loop was held up.
 * And while the process stands still (a long computation, SIGSTOP), its time stands still with it: nobody runs out of
 * time that could not be used.
 */
export class Reactor {
  readonly clock: Clock;
  readonly #epollFd: number;
  readonly #watch: { close(): void };
  readonly #events: EpollEvents;
  readonly #registration = new EpollEvents(1);
  readonly #maxEvents: number;
  /** By descriptor. */
  readonly #sinks: (EventSink | undefined)[] = [];
  /** By descriptor; raised at each registration, so that an event of a descriptor's former life is recognised. */
  readonly #generations: number[] = [];
  readonly #wheel: TimerWheel;
  /** Events are taken while timers fire, too: an answer is not timed by how many tests begin at once. */
  readonly #harvestOnce = (): void => this.#harvest(1);
  readonly #heartbeat = new WheelTimer(() => undefined);
  readonly #onLongStall: (stallMs: number) => void;
  /** When the reactor last knew that the process runs. */
  #aliveMs: number;
  #stalledMs = 0;
  readonly #lag: LagMeter;
  #longStalls = 0;
  #registered = 0;
  #nodeTimer: NodeJS.Timeout | undefined;
  #nodeTimerMs = Number.POSITIVE_INFINITY;
  #closed = false;

  /** @throws SystemCallError when epoll cannot be had. */
  constructor({ clock, tickMs, maxEvents, onLongStall = () => undefined }: ReactorOptions) {
    this.clock = clock;
    this.#onLongStall = onLongStall;
    this.#aliveMs = clock.nowMs();
    this.#lag = new LagMeter(this.#aliveMs);
    this.#wheel = new TimerWheel(Math.min(tickMs, MAX_TICK_MS), clock.nowMs());
    this.#maxEvents = maxEvents;
    this.#events = new EpollEvents(maxEvents);
    this.#epollFd = libc.epollCreate1(libc.EPOLL_CLOEXEC);
    if (this.#epollFd < 0) throw libc.systemCallError('epoll_create1');
    this.#watch = libc.watchReadable(this.#epollFd, () => this.#onReadable());
  }

  /** Milliseconds that the process could use: the clock, less all stalls. Deadlines are in this time. */
  nowMs(): number {
    return this.clock.nowMs() - this.#stalledMs;
  }

  /** Milliseconds lost in stalls since the start. */
  get stalledMs(): number {
    return this.#stalledMs;
  }

  /** How late the event loop came to what was due, at worst: in the last minute or two, and since the start. */
  get lagMs(): { readonly recent: number; readonly worst: number } {
    return { recent: this.#lag.recentMs(this.clock.nowMs()), worst: this.#lag.worstMs };
  }

  /** Number of stalls so long that a conversation may have suffered; one that is just over is among them. */
  get longStalls(): number {
    this.#noteAlive(); // tasks have descriptors of their own, whose events may come first
    return this.#longStalls;
  }

  /**
   * Watches a descriptor, edge-triggered, for everything. Closing the descriptor ends it, with `forget`.
   *
   * @returns Whether the kernel took it; if not, errno tells why (ENOSPC, ENOMEM).
   */
  register(fd: number, sink: EventSink): boolean {
    if (!this.#sinks[fd]) this.#registered++;
    const generation = ((this.#generations[fd] ?? 0) + 1) >>> 0;
    this.#generations[fd] = generation;
    this.#sinks[fd] = sink;
    this.#registration.set(0, EVERYTHING, fd, generation);
    return libc.epollCtl(this.#epollFd, libc.EPOLL_CTL_ADD, fd, this.#registration.bytes) === 0;
  }

  /** To be called before the descriptor is closed. */
  forget(fd: number): void {
    if (this.#sinks[fd]) this.#registered--;
    this.#sinks[fd] = undefined;
  }

  /**
   * @param dueMs In the time of `nowMs`.
   * @param slackMs How much earlier or later will do, so that one wake-up serves many timers.
   */
  arm(timer: WheelTimer, dueMs: number, slackMs = 0): void {
    if (this.#closed) return;
    if (this.#wheel.size === 0) this.#aliveMs = this.clock.nowMs();
    this.#wakeBy(this.#wheel.arm(timer, slackMs > 0 ? this.#wheel.meetingMs(dueMs, slackMs) : dueMs));
    if (!this.#heartbeat.isArmed) this.#beat();
  }

  disarm(timer: WheelTimer): void {
    this.#wheel.disarm(timer);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#nodeTimer);
    this.#watch.close();
    libc.close(this.#epollFd);
  }

  #beat(): void {
    this.#wakeBy(this.#wheel.arm(this.#heartbeat, this.nowMs() + HEARTBEAT_MS));
  }

  #wakeBy(dueMs: number): void {
    if (dueMs >= this.#nodeTimerMs) return;
    clearTimeout(this.#nodeTimer);
    this.#nodeTimerMs = dueMs;
    this.#nodeTimer = setTimeout(() => this.#onTime(), Math.max(1, Math.ceil(dueMs - this.nowMs())));
  }

  #noteAlive(): void {
    const nowMs = this.clock.nowMs();
    const gapMs = nowMs - this.#aliveMs;
    this.#aliveMs = nowMs;
    if (gapMs < STALL_MS || !this.#heartbeat.isArmed) return;
    const stallMs = gapMs - HEARTBEAT_MS;
    this.#stalledMs += stallMs;
    if (stallMs < LONG_STALL_MS) return;
    this.#longStalls++;
    this.#onLongStall(stallMs);
  }

  #onReadable(): void {
    this.#noteAlive();
    this.#harvest(MAX_ROUNDS);
  }

  #onTime(): void {
    const nowMs = this.clock.nowMs();
    this.#lag.note(nowMs, nowMs - this.#stalledMs - this.#nodeTimerMs);
    this.#nodeTimerMs = Number.POSITIVE_INFINITY;
    this.#noteAlive();
    // the kernel lists events in order of arrival: one per descriptor, and all that were there have been seen
    this.#harvest(Math.max(MAX_ROUNDS, Math.ceil(this.#registered / this.#maxEvents)));
    this.#wheel.advance(this.nowMs(), this.#harvestOnce);
    if (this.#closed) return;
    if (!this.#heartbeat.isArmed && this.#wheel.size > 0) this.#beat();
    this.#wakeBy(this.#wheel.nextMs() ?? Number.POSITIVE_INFINITY);
  }

  #harvest(maxRounds: number): void {
    for (let round = 0; round < maxRounds && !this.#closed; round++) {
      const count = libc.epollWait(this.#epollFd, this.#events.bytes, this.#maxEvents, 0);
      for (let i = 0; i < count; i++) this.#dispatch(i);
      if (count < this.#maxEvents) return;
    }
  }

  #dispatch(index: number): void {
    const events = this.#events;
    const fd = events.fd(index);
    if (this.#generations[fd] === events.generation(index)) this.#sinks[fd]?.onEvents(events.events(index));
  }
}
