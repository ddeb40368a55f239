/** The last latencies of many, for the figures of a status page. */
export class LatencyWindow {
  readonly #size: number;
  readonly #lastMs: number[] = [];
  #count = 0;

  /** @param size How many are kept. */
  constructor(size = 1000) {
    this.#size = size;
  }

  /** Takes one; a negative one is of a clock that was set back, and says nothing. */
  add(latencyMs: number): void {
    if (latencyMs < 0) return;
    this.#lastMs[this.#count % this.#size] = latencyMs;
    this.#count++;
  }

  /** How many there were since the start, also those that are not kept any more. */
  get count(): number {
    return this.#count;
  }

  get medianMs(): number | undefined {
    return this.#percentile(50);
  }

  get p99Ms(): number | undefined {
    return this.#percentile(99);
  }

  /** The smallest of those kept that `percent` of them do not exceed. */
  #percentile(percent: number): number | undefined {
    const sorted = this.#lastMs.toSorted((a, b) => a - b);
    return sorted[Math.ceil((sorted.length * percent) / 100) - 1];
  }
}
