import type { Outcome, Trace } from '../engine/outcome.js';
import type { PreparedTest } from '../engine/test-queue.js';
import type { Real, Virtual } from '../state.js';
import { delayMs } from './delay.js';
import { Probe, type ProbeContext } from './probe.js';
import { prepareTestOf } from './real-test.js';

/** What tells one test from another; equal texts, equal tests. In two parts, of which many probes have the first in common. */
export interface ProbeKey {
  readonly settings: string;
  readonly endpoint: string;
}

/** When a real that begins to be tested is due. */
export interface FirstTest {
  readonly dueMs: number;
  /**
   * A test that comes by then anyway is soon enough. If each real that joined a probe drew its next test nearer, the tests
   * of many virtuals would crowd at the beginning of the time that they are to be spread over.
   */
  readonly latestMs: number;
}

/** The tests of reals that are tested alike: each is made once, and its outcome is told to all of them. */
export class SharedProbe extends Probe {
  readonly key: ProbeKey;
  protected test: PreparedTest;
  readonly #virtuals = new Map<Real, Virtual>();
  /** The real by whose configuration the test was prepared. */
  #model: Real;
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(context: ProbeContext, key: ProbeKey, virtual: Virtual, real: Real) {
    super(context);
    this.key = key;
    this.#model = real;
    this.test = prepareTestOf(virtual, real);
    this.#virtuals.set(real, virtual);
  }

  /** When the next test is due, or when the one under way was. */
  get dueMs(): number {
    return this.#dueMs;
  }

  override startAt(dueMs: number, slackMs = 0): void {
    this.#dueMs = dueMs;
    super.startAt(dueMs, slackMs);
  }

  /** The outcome of a test that is under way counts for the real, too. */
  join(virtual: Virtual, real: Real, { dueMs, latestMs }: FirstTest): void {
    this.#virtuals.set(real, virtual);
    if (this.#dueMs > latestMs && this.isArmed) this.startAt(dueMs);
  }

  /** @returns False where that was the last one; the probe has then stopped. */
  leave(real: Real): boolean {
    this.#virtuals.delete(real);
    const [next] = this.#virtuals;
    if (!next) {
      this.stop();
      return false;
    }
    if (real === this.#model) {
      const [model, virtual] = next;
      this.#model = model;
      this.test = prepareTestOf(virtual, model);
    }
    return true;
  }

  protected trace(): Trace | undefined {
    const { traceOf } = this.context;
    if (!traceOf) return undefined;
    let trace: Trace | undefined;
    for (const [real, virtual] of this.#virtuals) {
      const next = traceOf(virtual, real);
      trace = trace && next ? new TwoTraces(trace, next) : (trace ?? next);
    }
    return trace;
  }

  /** The next test comes as soon as the first of them wants it. */
  protected tell(outcome: Outcome): number | undefined {
    const random = this.context.random();
    let firstMs = Number.POSITIVE_INFINITY;
    let told = outcome;
    for (const [real, virtual] of this.#virtuals) {
      if (this.isStopped) return undefined;
      this.context.onOutcome(virtual, real, told);
      const hasVerdict = outcome.verdict !== undefined;
      firstMs = Math.min(firstMs, delayMs(virtual.config.testing, real.health, hasVerdict, random));
      if (told === outcome) told = withoutBytes(outcome);
    }
    return firstMs;
  }
}

/** The test counts for each real, but its bytes were moved once. */
function withoutBytes(outcome: Outcome): Outcome {
  if (outcome.sentBytes === 0 && outcome.receivedBytes === 0) return outcome;
  return { ...outcome, sentBytes: 0, receivedBytes: 0 };
}

class TwoTraces implements Trace {
  readonly #one: Trace;
  readonly #other: Trace;

  constructor(one: Trace, other: Trace) {
    this.#one = one;
    this.#other = other;
  }

  sent(data: Uint8Array): void {
    this.#one.sent(data);
    this.#other.sent(data);
  }

  received(data: Uint8Array): void {
    this.#one.received(data);
    this.#other.received(data);
  }
}
