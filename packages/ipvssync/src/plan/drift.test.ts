import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { serviceKey } from '../ipvs/table.js';
import { arbitraryTable, sorted } from '../ipvs/table.test-kit.js';
import { TableImage } from '../ipvs/table-image.js';
import { findDrift } from './drift.js';

describe('findDrift', () => {
  it('is what leads from the table that was left to the one that is found', () => {
    fc.assert(
      fc.property(arbitraryTable, arbitraryTable, (remembered, found) => {
        const image = new TableImage(remembered);
        for (const change of findDrift(remembered, found, new Set(), { deleteUnmanaged: true }))
          image.apply(change);
        expect(sorted(image.services())).toEqual(sorted(found));
      }),
    );
  });

  it('speaks of our services alone', () => {
    fc.assert(
      fc.property(arbitraryTable, arbitraryTable, arbitraryTable, (remembered, found, ours) => {
        const managed = new Set(ours.map(serviceKey));
        for (const { service } of findDrift(remembered, found, managed, { deleteUnmanaged: false }))
          expect(managed.has(serviceKey(service))).toBe(true);
      }),
    );
  });
});
