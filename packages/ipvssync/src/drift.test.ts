import { createLogger } from '@surealived/shared/log';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DriftLog, findDrift } from './drift.js';
import { type Operation, serviceKey } from './table.js';
import { arbitraryTable, service, sorted } from './table.test-kit.js';
import { TableImage } from './table-image.js';

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

describe('DriftLog', () => {
  it('counts all, and tells up to 20 of a round', () => {
    const lines: string[] = [];
    const sink = { write: (line: string) => lines.push(line.trim()) };
    const log = new DriftLog(createLogger('test', { level: 'debug', format: 'text', sink }));
    const change: Operation = { kind: 'deleteService', service: service('tcp 10.0.0.1:80') };
    log.note(Array(100).fill(change));
    expect(log.count).toBe(100);
    expect(lines).toHaveLength(21);
    expect(lines[19]).toContain('change="- tcp 10.0.0.1:80"');
    expect(lines[20]).toContain('drift goes on more=80');
  });
});
