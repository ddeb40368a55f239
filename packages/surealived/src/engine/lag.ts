/** How long "recently" is, at least; twice that at most. */
const SPAN_MS = 60_000;

/** How late timers came: the event loop's own pulse. Costs two comparisons each. */
export class LagMeter {
  /** Milliseconds, the worst since the start. */
  worstMs = 0;
  #currentMs = 0;
  #previousMs = 0;
  #turnMs: number;

  constructor(nowMs: number) {
    this.#turnMs = nowMs + SPAN_MS;
  }

  /** @param lateMs How much later than it should a timer fires now. */
  note(nowMs: number, lateMs: number): void {
    if (nowMs >= this.#turnMs) this.#turn(nowMs);
    if (lateMs > this.#currentMs) this.#currentMs = lateMs;
    if (lateMs > this.worstMs) this.worstMs = lateMs;
  }

  /** Milliseconds, the worst of the last minute or two. */
  recentMs(nowMs: number): number {
    if (nowMs >= this.#turnMs) this.#turn(nowMs);
    return Math.max(this.#currentMs, this.#previousMs);
  }

  #turn(nowMs: number): void {
    this.#previousMs = nowMs < this.#turnMs + SPAN_MS ? this.#currentMs : 0;
    this.#currentMs = 0;
    this.#turnMs = nowMs + SPAN_MS;
  }
}
