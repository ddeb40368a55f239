import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { formatResults, type MeasuredPart, parseResults, readResults } from './results.js';

function part(name: string, ours: number): MeasuredPart {
  return {
    name,
    title: `Title of ${name}`,
    ours: 'surealived',
    measuredOn: '2026-01-31',
    isQuick: false,
    machine: { processor: '2 × some' },
    figures: [
      {
        key: 'cpuUs',
        what: 'tcp',
        unit: 'µs',
        ours,
        peer: { name: 'node:net', value: 40 },
        goal: { of: 'ratio', atMost: 0.75 },
      },
    ],
  };
}

function temporaryFiles(...texts: readonly string[]): readonly string[] {
  const directory = mkdtempSync(join(tmpdir(), 'bench-results-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return texts.map((text, i) => {
    const file = join(directory, `${i}.json`);
    writeFileSync(file, text);
    return file;
  });
}

it('results read back have what was written, with ratio and verdict for others', () => {
  const [read] = parseResults('x.json', formatResults([part('cpu', 20)]));
  expect(read).toMatchObject(part('cpu', 20));
  expect(read?.figures[0]).toMatchObject({ ratio: 0.5, isMet: true });
});

it('parts of several files come together, and of one that is there twice the later stays', () => {
  const first = formatResults([part('cpu', 20), part('reload', 1)]);
  const parts = readResults(temporaryFiles(first, formatResults([part('cpu', 30)])));
  expect(parts.map(({ name, figures }) => [name, figures[0]?.ours])).toEqual([
    ['cpu', 30],
    ['reload', 1],
  ]);
});

it.each([
  ['{"machine":"x"}', 'old.json: version undefined'],
  ['{"version":2,"parts":[]}', 'old.json: version 2'],
])('%s is refused by name and version', (text, message) => {
  expect(() => parseResults('old.json', text)).toThrow(`${message}, but results of version 1 are expected`);
});
