import { FAILURE_REASONS } from '@surealived/testers/tester';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Outcome } from '../engine/outcome.js';
import { type LastSaid, MAX_OUTCOMES, NOTHING_SAID, OutcomeWriter, readOutcomes } from './outcome-batch.js';

const text = fc.constantFrom('', 'status 200', 'connect: ECONNREFUSED', 'ä\n');
const verdict = fc.oneof(
  fc.record({ up: fc.constant(true as const), detail: text }),
  fc.record({ up: fc.constant(false as const), reason: fc.constantFrom(...FAILURE_REASONS), detail: text }),
);
const figures = fc.record({
  connectionProblem: fc.constantFrom(
    undefined,
    'refused' as const,
    'unreachable' as const,
    'silent' as const,
  ),
  connectMs: fc.double({ min: 0, max: 1e6, noNaN: true }),
  responseMs: fc.double({ min: 0, max: 1e6, noNaN: true }),
  totalMs: fc.double({ min: 0, max: 1e6, noNaN: true }),
  sentBytes: fc.nat(),
  receivedBytes: fc.nat(),
});
const judged = verdict.map((verdict) => ({ verdict, obstacle: undefined }));
const hindered = text.map((obstacle) => ({ verdict: undefined, obstacle }));
const output = fc.oneof(
  fc.constant({}),
  text.map((output) => ({ output })),
);
const outcomes: fc.Arbitrary<Outcome> = fc
  .tuple(figures, fc.oneof(judged, hindered), output)
  .map((parts) => Object.assign({}, ...parts));

const good: Outcome = {
  verdict: { up: true, detail: 'status 200' },
  obstacle: undefined,
  connectionProblem: undefined,
  connectMs: 0.25,
  responseMs: 0.5,
  totalMs: 0.75,
  sentBytes: 10,
  receivedBytes: 20,
};

/** The two ends of the way, with series by number. */
function way() {
  const writer = new OutcomeWriter();
  const [sent, received] = [new Map<number, LastSaid>(), new Map<number, LastSaid>()];
  const lastOf = (ends: Map<number, LastSaid>, series: number): LastSaid => {
    const last = ends.get(series) ?? { ...NOTHING_SAID };
    ends.set(series, last);
    return last;
  };
  return {
    writer,
    write: (series: number, outcome: Outcome) => writer.add(series, lastOf(sent, series), outcome),
    read: (isOver: (series: number) => boolean = () => false) => {
      const batch = writer.take();
      const seen: Outcome[] = [];
      const find = (series: number) => (isOver(series) ? undefined : lastOf(received, series));
      readOutcomes(batch, find, (_series, outcome) => void seen.push(outcome));
      return { batch, seen };
    },
  };
}

describe('a batch of outcomes', () => {
  it('arrives as it was sent, whatever was said before', () => {
    const steps = fc.array(fc.tuple(fc.nat(2), outcomes, fc.boolean()), { maxLength: 30 });
    fc.assert(
      fc.property(steps, (steps) => {
        const { write, read } = way();
        const seen: Outcome[] = [];
        for (const [series, outcome, isLast] of steps) {
          write(series, outcome);
          if (isLast) seen.push(...read().seen);
        }
        seen.push(...read().seen);
        expect(seen).toEqual(steps.map(([, outcome]) => outcome));
      }),
    );
  });

  it('has a text only where that differs from the last one of its series', () => {
    const { write, read } = way();
    for (const series of [1, 2, 1, 2]) write(series, { ...good, output: 'fine\n' });
    expect(read().batch.texts).toEqual(['status 200', 'fine\n', 'status 200', 'fine\n']);
    const hindered = { ...good, verdict: undefined, obstacle: 'bind: EADDRNOTAVAIL' };
    for (const outcome of [good, hindered, good, hindered]) write(1, outcome);
    expect(read().batch.texts).toEqual(['bind: EADDRNOTAVAIL']);
  });

  it('gives one verdict object for as long as it stays the same', () => {
    const { write, read } = way();
    write(1, good);
    write(1, { ...good, verdict: { up: true, detail: 'status 200' } });
    const [first, second] = read().seen;
    expect(second?.verdict).toBe(first?.verdict);
  });

  it('leaves out what belongs to a series that is over, with its texts', () => {
    const { write, read } = way();
    for (const series of [1, 2, 3])
      write(series, { ...good, verdict: { up: true, detail: `${series}` }, output: `${-series}` });
    const { seen } = read((series) => series === 2);
    expect(seen.map(({ verdict, output }) => [verdict?.detail, output])).toEqual([
      ['1', '-1'],
      ['3', '-3'],
    ]);
  });

  it('is full after so many outcomes, and empty once it was taken', () => {
    const { writer, write, read } = way();
    for (let i = 0; i < MAX_OUTCOMES; i++) {
      expect(writer.isFull).toBe(false);
      write(i, good);
    }
    expect([writer.isFull, writer.isEmpty]).toEqual([true, false]);
    expect(read().seen).toHaveLength(MAX_OUTCOMES);
    expect([writer.isFull, writer.isEmpty]).toEqual([false, true]);
  });
});
