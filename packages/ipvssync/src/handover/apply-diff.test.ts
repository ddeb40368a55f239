import type { DiffCommand, SnapshotReal, SnapshotVirtual } from '@surealived/shared/snapshot/format';
import { readDiffLine, readSnapshot } from '@surealived/shared/snapshot/read';
import { describe, expect, it } from 'vitest';
import { applyDiffEntry } from './apply-diff.js';
import { diff, META, real, WEB } from './handover.test-kit.js';

function virtual(...reals: readonly string[]): SnapshotVirtual {
  const [only] = readSnapshot(`${META}${WEB}${reals.join('')}`, 'f').virtuals;
  if (!only) throw new Error('no virtual');
  return only;
}

function apply(to: SnapshotVirtual, command: DiffCommand, endpoint: string, weight: number): SnapshotVirtual {
  const line = readDiffLine(diff(command, endpoint, weight), 'f', 1);
  if (line?.kind !== 'change') throw new Error('no change');
  return applyDiffEntry(to, line.entry);
}

const weights = ({ reals }: SnapshotVirtual): string =>
  reals.map(({ address, weight }: SnapshotReal) => `${address.text}=${weight}`).join(' ');

describe('applyDiffEntry', () => {
  const before = virtual(real('10.0.0.11:80', 1), real('10.0.0.12:80', 2));

  it.each<[DiffCommand, string, string]>([
    ['addreal', '10.0.0.13:80', '10.0.0.11=1 10.0.0.12=2 10.0.0.13=9'],
    ['addreal', '10.0.0.12:80', '10.0.0.11=1 10.0.0.12=2'],
    ['chgreal', '10.0.0.12:80', '10.0.0.11=1 10.0.0.12=9'],
    ['chgreal', '10.0.0.13:80', '10.0.0.11=1 10.0.0.12=2 10.0.0.13=9'],
    ['chgreal', '10.0.0.12:81', '10.0.0.11=1 10.0.0.12=2 10.0.0.12=9'],
    ['delreal', '10.0.0.11:80', '10.0.0.12=2'],
    ['delreal', '10.0.0.13:80', '10.0.0.11=1 10.0.0.12=2'],
  ])('%s of %s gives %s', (command, endpoint, expected) => {
    expect(weights(apply(before, command, endpoint, 9))).toBe(expected);
  });

  it('keeps what a diff line does not carry', () => {
    const after = apply(before, 'chgreal', '10.0.0.12:80', 9);
    expect(after).toMatchObject({ persistenceSec: 300, scheduler: 'wrr' });
  });

  it('does not change what it was given', () => {
    apply(before, 'delreal', '10.0.0.11:80', 0);
    expect(weights(before)).toBe('10.0.0.11=1 10.0.0.12=2');
  });
});
