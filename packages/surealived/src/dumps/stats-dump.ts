/**
 * stats.dump: a `vstats` line for each virtual, an `rstats` line for each of its reals, and an empty line.
 *
 * @module
 */
import type { Problem } from '@surealived/shared/errors';
import { badLine, type DumpEntry, type ParsedDump, parseRealKey, parseVirtualKey } from './dump-lines.js';

/** Durations of tests, in the unit that the name says. */
export interface Times {
  readonly connect: number;
  readonly response: number;
  readonly total: number;
}

/** How many tests came to no connection, by kind. */
export interface ProblemCounts {
  readonly silent: number;
  readonly unreachable: number;
  readonly refused: number;
}

export interface DumpedRealStatistics {
  readonly real: string;
  readonly tests: number;
  /** Averages of the last samples. */
  readonly averageMs: Times;
  readonly averageUs: Times;
  /** Sums over all tests. */
  readonly sumMs: Times;
  readonly sumUs: Times;
  readonly problems: ProblemCounts;
}

export interface DumpedStatistics {
  readonly virtual: string;
  readonly samples: number;
  readonly rounds: number;
  readonly averageMs: Times;
  readonly averageUs: Times;
  readonly problems: ProblemCounts;
  readonly reals: readonly DumpedRealStatistics[];
}

/** As it is read: each real with its own line. */
export interface ParsedStatistics extends DumpedStatistics {
  readonly reals: readonly ParsedReal[];
}

type ParsedReal = DumpedRealStatistics & Pick<DumpEntry<unknown>, 'line'>;

const FORMS = {
  vstats: 'vstats VKEY - SAMPLES TOTAL - C:R:T - C:R:T - CONN:ARP:RST',
  rstats: 'rstats RADDR:RPORT - TOTAL - C:R:T - C:R:T - C:R:T - C:R:T - CONN:ARP:RST',
};

export function formatStatsDump(virtuals: Iterable<DumpedStatistics>): string {
  let text = '';
  for (const { virtual, samples, rounds, averageMs, averageUs, problems, reals } of virtuals) {
    text += `vstats ${virtual} - ${samples} ${rounds} - ${join(averageMs)} - ${join(averageUs)} - ${joinProblems(problems)}\n`;
    for (const real of reals) text += formatReal(real);
    text += '\n';
  }
  return text;
}

function formatReal({
  real,
  tests,
  averageMs,
  averageUs,
  sumMs,
  sumUs,
  problems,
}: DumpedRealStatistics): string {
  const averages = `${join(averageMs)} - ${join(averageUs)}`;
  return `rstats ${real} - ${tests} - ${averages} - ${join(sumMs)} - ${join(sumUs)} - ${joinProblems(problems)}\n`;
}

/** The reals after a bad `vstats` line belong to nobody, and are bad lines too. */
export function parseStatsDump(text: string, file: string): ParsedDump<ParsedStatistics> {
  const entries: DumpEntry<ParsedStatistics>[] = [];
  const problems: Problem[] = [];
  let reals: ParsedReal[] | undefined;
  for (const [index, raw] of text.split('\n').entries()) {
    const content = raw.trim();
    const line = index + 1;
    if (content === '') continue;
    if (content.startsWith('rstats')) {
      const real = parseReal(content);
      if (real && reals) reals.push({ line, ...real });
      else problems.push(badLine(file, line, real ? 'a vstats line before it' : FORMS.rstats, content));
      continue;
    }
    reals = undefined;
    const virtual = parseVirtual(content);
    if (!virtual) problems.push(badLine(file, line, FORMS.vstats, content));
    else {
      reals = [];
      entries.push({ line, value: { ...virtual, reals } });
    }
  }
  return { entries, problems };
}

function parseVirtual(line: string): Omit<DumpedStatistics, 'reals'> | undefined {
  const [head = '', counts = '', ...triples] = line.split(/\s+-\s+/);
  const virtual = parseVirtualKey(/^vstats\s+(\S+)$/.exec(head)?.[1] ?? '');
  const [samples, rounds] = counts.split(/\s+/).map(parseCount);
  const [averageMs, averageUs, problems] = triples.map(parseTriple);
  if (!virtual || samples === undefined || rounds === undefined) return undefined;
  if (!averageMs || !averageUs || !problems || triples.length !== 3) return undefined;
  return { virtual, samples, rounds, averageMs, averageUs, problems: problemsOf(problems) };
}

function parseReal(line: string): DumpedRealStatistics | undefined {
  const [head = '', count = '', ...triples] = line.split(/\s+-\s+/);
  const real = parseRealKey(/^rstats\s+(\S+)$/.exec(head)?.[1] ?? '');
  const tests = parseCount(count);
  const [averageMs, averageUs, sumMs, sumUs, problems] = triples.map(parseTriple);
  if (!real || tests === undefined || triples.length !== 5) return undefined;
  if (!averageMs || !averageUs || !sumMs || !sumUs || !problems) return undefined;
  return { real, tests, averageMs, averageUs, sumMs, sumUs, problems: problemsOf(problems) };
}

function parseTriple(text: string): Times | undefined {
  const [connect, response, total, ...more] = text.split(':').map(parseCount);
  if (connect === undefined || response === undefined || total === undefined || more.length > 0)
    return undefined;
  return { connect, response, total };
}

/** The original writes negative durations of tests that had no connection; they count as none. */
function parseCount(text: string): number | undefined {
  return /^-?\d{1,19}$/.test(text) ? Math.min(Math.max(Number(text), 0), Number.MAX_SAFE_INTEGER) : undefined;
}

function problemsOf({ connect, response, total }: Times): ProblemCounts {
  return { silent: connect, unreachable: response, refused: total };
}

function join({ connect, response, total }: Times): string {
  return `${connect}:${response}:${total}`;
}

function joinProblems({ silent, unreachable, refused }: ProblemCounts): string {
  return `${silent}:${unreachable}:${refused}`;
}
