/** Something that shall happen at a time. Armed in one wheel at most; re-armed as often as one likes. */
export class WheelTimer {
  readonly fire: () => void;
  /** The tick it is due at. Only the wheel touches it, and the neighbours. */
  tick = 0;
  /** Neighbours in the slot's ring; itself while not armed. */
  next: WheelTimer = this;
  previous: WheelTimer = this;

  constructor(fire: () => void) {
    this.fire = fire;
  }

  get isArmed(): boolean {
    return this.next !== this;
  }
}

const SLOTS = 4096;
/** Timers that fire in a row: what they begin may come to its end while others still wait for their turn. */
const FEW = 16;
const NOTHING = (): void => undefined;

/**
 * Hashed timing wheel (Varghese and Lauck, 1987, scheme 6): arming and disarming cost the same with 10 timers or with
 * 100,000. Due times are rounded up to whole ticks, so a timer never fires early and at most one tick late.
 */
export class TimerWheel {
  readonly tickMs: number;
  readonly #slots = Array.from({ length: SLOTS }, () => new WheelTimer(NOTHING));
  /** The last tick whose slot was run. */
  #tick: number;
  #armed = 0;

  constructor(tickMs: number, nowMs: number) {
    this.tickMs = tickMs;
    this.#tick = Math.floor(nowMs / tickMs);
  }

  /** Number of armed timers. */
  get size(): number {
    return this.#armed;
  }

  /** @returns When the wheel will reach the timer: `dueMs` rounded up to a whole tick. */
  arm(timer: WheelTimer, dueMs: number): number {
    if (timer.isArmed) this.disarm(timer);
    const tick = Math.max(Math.ceil(dueMs / this.tickMs), this.#tick + 1);
    timer.tick = tick;
    const head = this.#slot(tick);
    timer.previous = head.previous;
    timer.next = head;
    head.previous.next = timer;
    head.previous = timer;
    this.#armed++;
    return tick * this.tickMs;
  }

  /** When a timer fires best that may do so `slackMs` early or late: at a time that others choose, too. */
  meetingMs(dueMs: number, slackMs: number): number {
    const ticks = 2 ** Math.floor(Math.log2(Math.max(1, (2 * slackMs) / this.tickMs)));
    return ticks === 1 ? dueMs : Math.round(dueMs / this.tickMs / ticks) * ticks * this.tickMs;
  }

  disarm(timer: WheelTimer): void {
    if (!timer.isArmed) return;
    unlink(timer);
    this.#armed--;
  }

  /**
   * Fires all timers that are due at `nowMs`, in the order of their ticks. Timers may arm and disarm any timer.
   *
   * @param onFew Called after every few of them; it may do the same.
   */
  advance(nowMs: number, onFew: () => void = NOTHING): void {
    const last = Math.floor(nowMs / this.tickMs);
    // after a long sleep one turn of the wheel visits every slot
    if (last - this.#tick > SLOTS) this.#tick = last - SLOTS;
    while (this.#tick < last) {
      this.#tick++;
      this.#runSlot(this.#slot(this.#tick), onFew);
    }
  }

  /** When the next slot that holds a timer is reached, as monotonic milliseconds; `undefined` when none is armed. */
  nextMs(): number | undefined {
    if (this.#armed === 0) return undefined;
    let tick = this.#tick + 1;
    while (!this.#slot(tick).isArmed) tick++;
    return tick * this.tickMs;
  }

  #slot(tick: number): WheelTimer {
    return this.#slots[tick % SLOTS] as WheelTimer;
  }

  /** Takes out what is due first, then fires: what a timer arms meanwhile belongs to a later tick. */
  #runSlot(head: WheelTimer, onFew: () => void): void {
    const now = this.#tick;
    if (!head.isArmed) return;
    const due: WheelTimer[] = [];
    for (let timer = head.next; timer !== head; timer = timer.next) {
      if (timer.tick <= now) due.push(timer);
    }
    let fired = 0;
    for (const timer of due) {
      // an earlier one of this slot may have disarmed it or armed it for later
      if (!timer.isArmed || timer.tick > now) continue;
      this.disarm(timer);
      timer.fire();
      if (++fired % FEW === 0) onFew();
    }
  }
}

function unlink(timer: WheelTimer): void {
  timer.previous.next = timer.next;
  timer.next.previous = timer.previous;
  timer.next = timer;
  timer.previous = timer;
}
