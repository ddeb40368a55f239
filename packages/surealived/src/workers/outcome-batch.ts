/**
 * Outcomes on their way from one thread to another: numbers in one array, and beside it the texts that are new. What tests
 * say mostly repeats, so that most outcomes are numbers alone.
 *
 * @module
 */
import { FAILURE_REASONS, type Verdict } from '@surealived/testers/tester';
import type { ConnectionProblem, Outcome } from '../engine/outcome.js';

/** The last that was said in a series; both threads remember it. */
export interface LastSaid {
  verdict: Verdict | undefined;
  obstacle: string | undefined;
  output: string | undefined;
}

/** What a series begins with. */
export const NOTHING_SAID: LastSaid = { verdict: undefined, obstacle: undefined, output: undefined };

export interface OutcomeBatch {
  /** `FIELDS` for each outcome. */
  readonly numbers: Float64Array;
  /** The new ones, in order: a verdict's detail or an obstacle, then an output. */
  readonly texts: readonly string[];
}

/** Outcomes that a batch holds at most. */
export const MAX_OUTCOMES = 512;

/** Series, marks, connectMs, responseMs, totalMs, sentBytes, receivedBytes. */
const FIELDS = 7;
const PROBLEMS: readonly (ConnectionProblem | undefined)[] = [undefined, 'refused', 'unreachable', 'silent'];

// marks: 4 bits of verdict, 2 bits of connection problem, and what has a text
const NO_VERDICT = 0;
const UP = 1;
const FIRST_REASON = 2;
const VERDICT_MASK = 0xf;
const PROBLEM_SHIFT = 4;
const PROBLEM_MASK = 0x3;
const NEW_TEXT = 1 << 6;
const HAS_OUTPUT = 1 << 7;
const NEW_OUTPUT = 1 << 8;

export class OutcomeWriter {
  readonly #numbers = new Float64Array(FIELDS * MAX_OUTCOMES);
  #used = 0;
  #texts: string[] = [];

  get isEmpty(): boolean {
    return this.#used === 0;
  }

  get isFull(): boolean {
    return this.#used === this.#numbers.length;
  }

  /** @param last Of this series; brought up to date. */
  add(series: number, last: LastSaid, outcome: Outcome): void {
    const numbers = this.#numbers;
    const at = this.#used;
    numbers[at] = series;
    numbers[at + 1] = this.#marksOf(outcome, last);
    numbers[at + 2] = outcome.connectMs;
    numbers[at + 3] = outcome.responseMs;
    numbers[at + 4] = outcome.totalMs;
    numbers[at + 5] = outcome.sentBytes;
    numbers[at + 6] = outcome.receivedBytes;
    this.#used = at + FIELDS;
  }

  /** Everything so far; begins anew. */
  take(): OutcomeBatch {
    const batch = { numbers: this.#numbers.slice(0, this.#used), texts: this.#texts };
    this.#used = 0;
    this.#texts = [];
    return batch;
  }

  #marksOf({ verdict, obstacle = '', connectionProblem, output }: Outcome, last: LastSaid): number {
    let marks = PROBLEMS.indexOf(connectionProblem) << PROBLEM_SHIFT;
    marks |= verdict ? this.#verdictMarks(verdict, last) : this.#obstacleMarks(obstacle, last);
    if (output === undefined) return marks;
    marks |= HAS_OUTPUT;
    if (output === last.output) return marks;
    last.output = output;
    this.#texts.push(output);
    return marks | NEW_OUTPUT;
  }

  #verdictMarks(verdict: Verdict, last: LastSaid): number {
    const code = verdict.up ? UP : FIRST_REASON + FAILURE_REASONS.indexOf(verdict.reason);
    if (last.verdict?.detail === verdict.detail && isSameKind(last.verdict, verdict)) return code;
    last.verdict = verdict;
    this.#texts.push(verdict.detail);
    return code | NEW_TEXT;
  }

  #obstacleMarks(obstacle: string, last: LastSaid): number {
    if (obstacle === last.obstacle) return NO_VERDICT;
    last.obstacle = obstacle;
    this.#texts.push(obstacle);
    return NO_VERDICT | NEW_TEXT;
  }
}

/**
 * Reads a batch.
 *
 * @param find What was said last in a series; `undefined` where that is over, and its outcomes count no more.
 * @param use Called with each outcome of the others, in order.
 */
export function readOutcomes<T extends LastSaid>(
  { numbers, texts }: OutcomeBatch,
  find: (series: number) => T | undefined,
  use: (series: T, outcome: Outcome) => void,
): void {
  let nextText = 0;
  const text = (isNew: boolean): string | undefined => (isNew ? texts[nextText++] : undefined);
  for (let at = 0; at < numbers.length; at += FIELDS) {
    const marks = numbers[at + 1] as number;
    const newText = text((marks & NEW_TEXT) !== 0);
    const newOutput = text((marks & NEW_OUTPUT) !== 0);
    const series = find(numbers[at] as number); // may be gone through what the outcomes before it did
    if (!series) continue;
    remember(series, marks, newText, newOutput);
    use(series, outcomeOf(series, marks, numbers, at));
  }
}

function remember(
  last: LastSaid,
  marks: number,
  newText: string | undefined,
  newOutput: string | undefined,
): void {
  if (newOutput !== undefined) last.output = newOutput;
  if (newText === undefined) return;
  const code = marks & VERDICT_MASK;
  if (code === NO_VERDICT) last.obstacle = newText;
  else last.verdict = verdictOf(code, newText);
}

function verdictOf(code: number, detail: string): Verdict {
  const reason = FAILURE_REASONS[code - FIRST_REASON];
  return reason === undefined ? { up: true, detail } : { up: false, reason, detail };
}

function outcomeOf(last: LastSaid, marks: number, numbers: Float64Array, at: number): Outcome {
  const isObstacle = (marks & VERDICT_MASK) === NO_VERDICT;
  const outcome: Outcome = {
    verdict: isObstacle ? undefined : last.verdict,
    obstacle: isObstacle ? last.obstacle : undefined,
    connectionProblem: PROBLEMS[(marks >> PROBLEM_SHIFT) & PROBLEM_MASK],
    connectMs: numbers[at + 2] as number,
    responseMs: numbers[at + 3] as number,
    totalMs: numbers[at + 4] as number,
    sentBytes: numbers[at + 5] as number,
    receivedBytes: numbers[at + 6] as number,
  };
  if ((marks & HAS_OUTPUT) === 0 || last.output === undefined) return outcome;
  return { ...outcome, output: last.output };
}

function isSameKind(a: Verdict, b: Verdict): boolean {
  if (a.up || b.up) return a.up === b.up;
  return a.reason === b.reason;
}
