import type { Engine } from './engine/engine.js';
import type { Outcome, Trace } from './engine/outcome.js';
import type { Reactor } from './engine/reactor.js';
import type { RunningTest } from './engine/test-queue.js';
import type { Place, Reconfiguration } from './reconfigure.js';
import { type Probe, type ProbeContext, RealProbe } from './schedule/probe.js';
import { prepareTestOf } from './schedule/real-test.js';
import { type FirstTest, SharedProbe } from './schedule/shared-probe.js';
import { SharedProbes } from './schedule/shared-probes.js';
import { Sentinels } from './sentinel/sentinels.js';
import type { OnSentinel, SentinelFigures } from './sentinel/watch.js';
import type { Real, Virtual } from './state.js';

export interface SchedulerOptions {
  readonly reactor: Reactor;
  readonly engine: Engine;
  /** The first tests of a virtual are spread over this time, which begins at random within it. */
  readonly startupDelayMs: number;
  /** Folds the outcome into the state of the real, which its next test is scheduled by. */
  readonly onOutcome: (virtual: Virtual, real: Real, outcome: Outcome) => void;
  /** Asked before each test: whoever wants to see what it sends and receives. */
  readonly traceOf?: (virtual: Virtual, real: Real) => Trace | undefined;
  /** Whether tests that are identical are made once for all reals that want them. */
  readonly sharesProbes?: boolean;
  readonly onSentinel?: OnSentinel;
  /** 0 ≤ x < 1. */
  readonly random?: () => number;
}

/**
 * Starts every real's tests when they are due.
 *
 * Each real keeps its own rhythm: its next test comes `loopdelay` after its last verdict, or what else its state asks for.
 * So a real that hangs until its time-out does not hold up the others of its virtual, and the spread of the first round
 * lasts.
 */
export class Scheduler {
  readonly #options: SchedulerOptions & ProbeContext;
  readonly #probes = new Map<Real, Probe>();
  readonly #shared: SharedProbes | undefined;
  readonly #sentinels: Sentinels;
  /** Tests that somebody asked for. */
  readonly #checks = new Set<RunningTest>();

  constructor(options: SchedulerOptions) {
    this.#sentinels = new Sentinels(options);
    this.#options = { random: Math.random, ...options, sentinels: this.#sentinels };
    if (options.sharesProbes) this.#shared = new SharedProbes(this.#options);
  }

  get sentinelFigures(): SentinelFigures {
    return this.#sentinels.figures;
  }

  start(virtuals: readonly Virtual[]): void {
    for (const virtual of virtuals) {
      this.#shared?.isChanged(virtual);
      this.#spread(virtual, virtual.reals);
    }
    this.#assignSentinels(virtuals);
  }

  /** Ends the tests of what is gone, begins those of what is new; all others go on undisturbed. */
  reconfigure({ virtuals, removed, added, retested }: Reconfiguration): void {
    for (const { real } of removed) this.#leave(real);
    for (const { real } of retested) this.#leave(real);
    if (this.#shared) this.#regroup(virtuals, this.#shared);
    for (const [virtual, reals] of groupByVirtual([...added, ...retested])) this.#spread(virtual, reals);
    for (const { virtual, real } of removed) this.#sentinels.assign(virtual, real, undefined);
    this.#assignSentinels(virtuals);
  }

  /**
   * Tests a real once, now, beside its own rhythm; the outcome does not count for its state.
   *
   * @param trace Sees what is sent and received.
   */
  check(virtual: Virtual, real: Real, trace: Trace): Promise<Outcome> {
    const test = prepareTestOf(virtual, real);
    return new Promise((resolve) => {
      let isOver = false;
      let running: RunningTest | undefined;
      // the end may come before `run` returns
      const onEnd = (outcome: Outcome): void => {
        isOver = true;
        if (running) this.#checks.delete(running);
        resolve(outcome);
      };
      running = this.#options.engine.run(test, onEnd, trace);
      if (!isOver) this.#checks.add(running);
    });
  }

  /** Ends all tests without a verdict. */
  stop(): void {
    this.#options.engine.forgetWaiting();
    this.#sentinels.stop();
    for (const probe of this.#probes.values()) probe.stop();
    for (const check of this.#checks) check.cancel();
    this.#probes.clear();
    this.#checks.clear();
  }

  #assignSentinels(virtuals: readonly Virtual[]): void {
    for (const virtual of virtuals)
      for (const real of virtual.reals)
        this.#sentinels.assign(virtual, real, real.config.sentinel ? this.#probes.get(real) : undefined);
  }

  #spread(virtual: Virtual, reals: readonly Real[]): void {
    const { reactor, startupDelayMs, random } = this.#options;
    const nowMs = reactor.nowMs();
    const virtualMs = nowMs + random() * startupDelayMs;
    const latestMs = nowMs + 2 * startupDelayMs;
    for (const [index, real] of reals.entries()) {
      const dueMs = virtualMs + (index / reals.length) * startupDelayMs;
      this.#join(virtual, real, { dueMs, latestMs });
    }
  }

  /** Those who shared a test by settings that they have no longer share one by those that they have. */
  #regroup(virtuals: readonly Virtual[], shared: SharedProbes): void {
    for (const virtual of virtuals.filter((virtual) => shared.isChanged(virtual))) {
      for (const real of virtual.reals) {
        const probe = this.#probes.get(real);
        if (!(probe instanceof SharedProbe) || shared.isRight(probe, virtual, real)) continue;
        this.#leave(real);
        this.#join(virtual, real, { dueMs: probe.dueMs, latestMs: Number.POSITIVE_INFINITY });
      }
    }
  }

  #join(virtual: Virtual, real: Real, first: FirstTest): void {
    const probe = this.#shared?.join(virtual, real, first) ?? new RealProbe(this.#options, virtual, real);
    if (probe instanceof RealProbe) probe.startAt(first.dueMs);
    this.#probes.set(real, probe);
  }

  #leave(real: Real): void {
    const probe = this.#probes.get(real);
    this.#probes.delete(real);
    if (probe instanceof SharedProbe) this.#shared?.leave(probe, real);
    else probe?.stop();
  }
}

function groupByVirtual(places: readonly Place[]): Map<Virtual, Real[]> {
  const groups = new Map<Virtual, Real[]>();
  for (const { virtual, real } of places) {
    const group = groups.get(virtual);
    if (group) group.push(real);
    else groups.set(virtual, [real]);
  }
  return groups;
}
