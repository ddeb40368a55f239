import { expect, it } from 'vitest';
import { realConfig, recordingLog, virtualConfig } from '../services.test-kit.js';
import { createVirtual, type Real } from '../state.js';
import type { SentinelPhase } from './policy.js';
import { SentinelNotes } from './sentinel-notes.js';

/** Notes phases of two reals, such as `a open`. @returns What the log was told at info and above. */
function play(...notes: readonly string[]) {
  const { log, entries } = recordingLog();
  const sentinels = new SentinelNotes(log);
  const virtual = createVirtual(virtualConfig([realConfig('a'), realConfig('b')]));
  for (const note of notes) {
    const [name, phase] = note.split(' ');
    const real = virtual.reals.find(({ config }) => config.name === name) as Real;
    sentinels.note(virtual, real, phase as SentinelPhase | undefined);
  }
  const told = entries.filter(({ level }) => level !== 'debug');
  return { told, phases: virtual.reals.map(({ sentinel }) => sentinel) };
}

it('keeps the phase where commands find it', () => {
  expect(play('a open', 'b open', 'b').phases).toEqual(['open', undefined]);
});

it.each([
  ['testing', 'it closes idle connections soon'],
  ['open', 'it talks without being asked'],
  ['connecting', 'no connection'],
])('tells once for each real why its sentinel backs off after %s', (before, cause) => {
  const backsOff = [`a ${before}`, 'a backoff'];
  const { told } = play(...backsOff, ...backsOff, `b ${before}`, 'b backoff');
  expect(told).toMatchObject([
    { level: 'info', virtual: 'web', real: 'a', cause },
    { level: 'info', real: 'b', cause },
  ]);
});

it('tells again of a real whose sentinel was switched off meanwhile', () => {
  expect(play('a connecting', 'a backoff', 'a', 'a connecting', 'a backoff').told).toHaveLength(2);
});

it('warns once that descriptors are short, whichever real that is', () => {
  expect(play('a crowded', 'b crowded', 'a crowded').told).toMatchObject([
    { level: 'warn', real: 'a', msg: expect.stringContaining('maxfd') },
  ]);
});
