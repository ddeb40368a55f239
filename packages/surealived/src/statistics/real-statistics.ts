import type { DumpedRealStatistics, ProblemCounts, Times } from '../dumps/stats-dump.js';
import type { Outcome } from '../engine/outcome.js';

const NO_TIMES: Times = { connect: 0, response: 0, total: 0 };
/** Where the triples stand that come before the ring of the last samples. */
const LAST = 0;
const SUM_US = 3;
const SUM_MS = 6;
/** Sum of the ring. */
const WINDOW = 9;
const RING = 12;

/**
 * How long the tests of one real took.
 *
 * Response is the time from the connection to the end, as the original counts it; a test without a connection spent all
 * of its time on connecting. Counting a test allocates nothing: there are thousands a second.
 */
export class RealStatistics {
  /** Tests that came to a verdict, also those before a restart. */
  tests = 0;
  silentProblems = 0;
  unreachableProblems = 0;
  refusedProblems = 0;
  /** Of the last test: its verdict, and when it began (milliseconds of wall time, 0 before the first). */
  wasUp = false;
  startedAtMs = 0;
  #cells: Float64Array;
  #samples: number;
  /** How many places of the ring are filled, and the one that is filled next. */
  #filled = 0;
  #next = 0;
  /** The averages of before a restart, until there are new samples. */
  #restored: { readonly averageMs: Times; readonly averageUs: Times } | undefined;

  /** @param samples How many of the last tests an average covers. */
  constructor(samples: number) {
    this.#samples = samples;
    this.#cells = new Float64Array(RING + 3 * samples);
  }

  /** @param endedAtMs Wall time. */
  count({ verdict, connectionProblem, connectMs, totalMs }: Outcome, endedAtMs: number): void {
    if (!verdict) return;
    this.tests++;
    this.wasUp = verdict.up;
    this.startedAtMs = endedAtMs - totalMs;
    if (connectionProblem === 'silent') this.silentProblems++;
    else if (connectionProblem === 'unreachable') this.unreachableProblems++;
    else if (connectionProblem === 'refused') this.refusedProblems++;
    const totalUs = Math.round(totalMs * 1000);
    const connectUs = connectionProblem ? totalUs : Math.min(Math.round(connectMs * 1000), totalUs);
    const place = RING + 3 * this.#next;
    for (let i = 0; i < 3; i++) this.#add(WINDOW + i, -this.#at(place + i));
    this.#put(LAST, connectUs, totalUs);
    this.#put(place, connectUs, totalUs);
    for (let i = 0; i < 3; i++) {
      const us = this.#at(place + i);
      this.#add(WINDOW + i, us);
      this.#add(SUM_US + i, us);
      this.#add(SUM_MS + i, inMs(us));
    }
    this.#next = (this.#next + 1) % this.#samples;
    if (this.#filled < this.#samples) this.#filled++;
  }

  /** Microseconds of the last test. */
  get lastUs(): Times {
    return this.#triple(LAST);
  }

  /** Average microseconds of the last samples. */
  get averageUs(): Times {
    if (this.#filled === 0) return this.#restored?.averageUs ?? NO_TIMES;
    return this.#perTest(WINDOW, this.#filled);
  }

  get averageMs(): Times {
    if (this.#filled === 0) return this.#restored?.averageMs ?? NO_TIMES;
    return timesInMs(this.averageUs);
  }

  /** Average microseconds of all tests. */
  get overallUs(): Times {
    return this.#perTest(SUM_US, this.tests);
  }

  /** Average milliseconds of all tests, of which each counts with its whole milliseconds. */
  get overallMs(): Times {
    return this.#perTest(SUM_MS, this.tests);
  }

  get problems(): ProblemCounts {
    const [silent, unreachable, refused] = [
      this.silentProblems,
      this.unreachableProblems,
      this.refusedProblems,
    ];
    return { silent, unreachable, refused };
  }

  /** Averages cover another number of tests from now on; the samples so far are forgotten, the sums are not. */
  resize(samples: number): void {
    if (samples === this.#samples) return;
    const cells = new Float64Array(RING + 3 * samples);
    cells.set(this.#cells.subarray(0, WINDOW));
    this.#restored = { averageMs: this.averageMs, averageUs: this.averageUs };
    this.#cells = cells;
    this.#samples = samples;
    this.#filled = 0;
    this.#next = 0;
  }

  dump(real: string): DumpedRealStatistics {
    const { tests, averageMs, averageUs, problems } = this;
    const sums = { sumMs: this.#triple(SUM_MS), sumUs: this.#triple(SUM_US) };
    return { real, tests, averageMs, averageUs, ...sums, problems };
  }

  /** Goes on from what an earlier process left. */
  restore({ tests, averageMs, averageUs, sumMs, sumUs, problems }: DumpedRealStatistics): void {
    this.tests = tests;
    this.#restored = { averageMs, averageUs };
    this.#cells.set([sumUs.connect, sumUs.response, sumUs.total], SUM_US);
    this.#cells.set([sumMs.connect, sumMs.response, sumMs.total], SUM_MS);
    this.silentProblems = problems.silent;
    this.unreachableProblems = problems.unreachable;
    this.refusedProblems = problems.refused;
  }

  #put(at: number, connectUs: number, totalUs: number): void {
    this.#cells[at] = connectUs;
    this.#cells[at + 1] = totalUs - connectUs;
    this.#cells[at + 2] = totalUs;
  }

  #add(at: number, value: number): void {
    this.#cells[at] = this.#at(at) + value;
  }

  #at(index: number): number {
    return this.#cells[index] ?? 0;
  }

  #triple(at: number): Times {
    return { connect: this.#at(at), response: this.#at(at + 1), total: this.#at(at + 2) };
  }

  #perTest(at: number, tests: number): Times {
    const count = Math.max(tests, 1);
    return {
      connect: Math.floor(this.#at(at) / count),
      response: Math.floor(this.#at(at + 1) / count),
      total: Math.floor(this.#at(at + 2) / count),
    };
  }
}

function inMs(timeUs: number): number {
  return Math.floor(timeUs / 1000);
}

/** Microseconds as whole milliseconds. */
export function timesInMs({ connect, response, total }: Times): Times {
  return { connect: inMs(connect), response: inMs(response), total: inMs(total) };
}
