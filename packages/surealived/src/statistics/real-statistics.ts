import type { DumpedRealStatistics, ProblemCounts, Times } from '../dumps/stats-dump.js';
import type { Outcome } from '../engine/outcome.js';
import { type CellBlock, CellStore } from './cells.js';

const NO_TIMES: Times = { connect: 0, response: 0, total: 0 };
/** Where the sums stand: connect, response and total in microseconds; the same of each test's whole milliseconds. */
const SUM_US = 0;
const SUM_MS = 3;
/** When the last test began. */
const STARTED_AT_MS = 6;
const SUMS = 7;
/** In the ring: microseconds of connecting and in all, of the last test first, then of each of the last samples. */
const PAIR = 2;
/** More than an hour is not told apart. */
const MAX_US = 2 ** 32 - 1;

const store = new CellStore(SUMS);

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
  /** The last verdict. */
  wasUp = false;
  #block: CellBlock;
  #row: number;
  #samples: number;
  /** How many places of the ring are filled, and the one that is filled next. */
  #filled = 0;
  #next = 0;
  /** The averages of before a restart, until there are new samples. */
  #restored: { readonly averageMs: Times; readonly averageUs: Times } | undefined;

  /** @param samples How many of the last tests an average covers. */
  constructor(samples: number) {
    this.#samples = samples;
    this.#block = blockFor(samples);
    this.#row = this.#block.take();
  }

  /** @param endedAtMs Wall time. */
  count({ verdict, connectionProblem, connectMs, totalMs }: Outcome, endedAtMs: number): void {
    if (!verdict) return;
    this.tests++;
    this.wasUp = verdict.up;
    if (connectionProblem === 'silent') this.silentProblems++;
    else if (connectionProblem === 'unreachable') this.unreachableProblems++;
    else if (connectionProblem === 'refused') this.refusedProblems++;
    const totalUs = Math.round(totalMs * 1000);
    const connectUs = connectionProblem ? totalUs : Math.min(Math.round(connectMs * 1000), totalUs);
    this.#put(0, connectUs, totalUs);
    this.#put(1 + this.#next, connectUs, totalUs);
    this.#block.setSum(this.#row, STARTED_AT_MS, endedAtMs - totalMs);
    this.#add(SUM_US, connectUs, totalUs - connectUs, totalUs);
    this.#add(SUM_MS, inMs(connectUs), inMs(totalUs - connectUs), inMs(totalUs));
    this.#next = (this.#next + 1) % this.#samples;
    if (this.#filled < this.#samples) this.#filled++;
    this.#restored = undefined;
  }

  /** When the last test began: milliseconds of wall time, 0 before the first. */
  get startedAtMs(): number {
    return this.#block.sum(this.#row, STARTED_AT_MS);
  }

  /** Microseconds of the last test. */
  get lastUs(): Times {
    return timesOf(...this.#pair(0));
  }

  /** Average microseconds of the last samples. */
  get averageUs(): Times {
    if (this.#filled === 0) return this.#restored?.averageUs ?? NO_TIMES;
    let [connectUs, totalUs] = [0, 0];
    for (let sample = 1; sample <= this.#filled; sample++) {
      const [connect, total] = this.#pair(sample);
      connectUs += connect;
      totalUs += total;
    }
    return perTest(timesOf(connectUs, totalUs), this.#filled);
  }

  get averageMs(): Times {
    if (this.#filled === 0) return this.#restored?.averageMs ?? NO_TIMES;
    return timesInMs(this.averageUs);
  }

  /** Average microseconds of all tests. */
  get overallUs(): Times {
    return perTest(this.#triple(SUM_US), this.tests);
  }

  /** Average milliseconds of all tests, of which each counts with its whole milliseconds. */
  get overallMs(): Times {
    return perTest(this.#triple(SUM_MS), this.tests);
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
    this.#restored = { averageMs: this.averageMs, averageUs: this.averageUs };
    const { lastUs } = this;
    const [before, formerRow] = [this.#block, this.#row];
    this.#block = blockFor(samples);
    this.#row = this.#block.take();
    for (let which = 0; which < SUMS; which++)
      this.#block.setSum(this.#row, which, before.sum(formerRow, which));
    this.#put(0, lastUs.connect, lastUs.total);
    this.#samples = samples;
    this.#filled = 0;
    this.#next = 0;
  }

  dump(real: string): DumpedRealStatistics {
    const { tests, averageMs, averageUs, problems } = this;
    return {
      real,
      tests,
      averageMs,
      averageUs,
      sumMs: this.#triple(SUM_MS),
      sumUs: this.#triple(SUM_US),
      problems,
    };
  }

  /** Goes on from what an earlier process left. */
  restore({ tests, averageMs, averageUs, sumMs, sumUs, problems }: DumpedRealStatistics): void {
    this.tests = tests;
    this.#restored = { averageMs, averageUs };
    this.#add(SUM_US, sumUs.connect, sumUs.response, sumUs.total);
    this.#add(SUM_MS, sumMs.connect, sumMs.response, sumMs.total);
    this.silentProblems = problems.silent;
    this.unreachableProblems = problems.unreachable;
    this.refusedProblems = problems.refused;
  }

  /** @param place 0 for the last test, then the samples. */
  #put(place: number, connectUs: number, totalUs: number): void {
    this.#block.setRing(this.#row, PAIR * place, Math.min(connectUs, MAX_US));
    this.#block.setRing(this.#row, PAIR * place + 1, Math.min(totalUs, MAX_US));
  }

  #pair(place: number): [connectUs: number, totalUs: number] {
    const [block, row] = [this.#block, this.#row];
    return [block.ring(row, PAIR * place), block.ring(row, PAIR * place + 1)];
  }

  /** @param first Where the three sums begin. */
  #add(first: number, connect: number, response: number, total: number): void {
    this.#block.add(this.#row, first, connect);
    this.#block.add(this.#row, first + 1, response);
    this.#block.add(this.#row, first + 2, total);
  }

  #triple(first: number): Times {
    const [block, row] = [this.#block, this.#row];
    return {
      connect: block.sum(row, first),
      response: block.sum(row, first + 1),
      total: block.sum(row, first + 2),
    };
  }
}

function blockFor(samples: number): CellBlock {
  return store.blockFor(PAIR * (1 + samples));
}

function timesOf(connect: number, total: number): Times {
  return { connect, response: total - connect, total };
}

function perTest({ connect, response, total }: Times, tests: number): Times {
  const count = Math.max(tests, 1);
  return {
    connect: Math.floor(connect / count),
    response: Math.floor(response / count),
    total: Math.floor(total / count),
  };
}

function inMs(timeUs: number): number {
  return Math.floor(timeUs / 1000);
}

/** Microseconds as whole milliseconds. */
export function timesInMs({ connect, response, total }: Times): Times {
  return { connect: inMs(connect), response: inMs(response), total: inMs(total) };
}
