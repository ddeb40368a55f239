import type { RealId } from '@surealived/shared/model';
import type { DiffEntry, SnapshotVirtual } from '@surealived/shared/snapshot/format';

/**
 * The virtual after a diff entry; the same object where nothing changes.
 *
 * An `addreal` of what is there is skipped, since a `chgreal` follows it; a `chgreal` of what is not there adds it; a
 * `delreal` of what is not there is nothing. The virtual's own settings stay: diff lines do not carry all of them.
 */
export function applyDiffEntry(virtual: SnapshotVirtual, { command, real }: DiffEntry): SnapshotVirtual {
  const index = virtual.reals.findIndex((candidate) => isSameReal(candidate, real));
  switch (command) {
    case 'delreal':
      return index < 0 ? virtual : { ...virtual, reals: virtual.reals.toSpliced(index, 1) };
    case 'addreal':
      return index < 0 ? { ...virtual, reals: [...virtual.reals, real] } : virtual;
    case 'chgreal':
      return {
        ...virtual,
        reals: index < 0 ? [...virtual.reals, real] : virtual.reals.with(index, real),
      };
  }
}

/** Canonical texts are equal for equal addresses. */
function isSameReal(a: RealId, b: RealId): boolean {
  return a.port === b.port && a.address.text === b.address.text;
}
