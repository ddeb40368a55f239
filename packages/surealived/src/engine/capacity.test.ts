import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { capacityOf, partOf } from './capacity.js';

describe('capacityOf', () => {
  it.each([
    ['the defaults', 1024, 64, { sockets: 688, tasks: 64 }],
    ['no tasks to speak of', 10_208, 1, { sockets: 9998, tasks: 1 }],
    ['more tasks than a quarter has room for', 1024, 10_000, { sockets: 560, tasks: 128 }],
    ['a limit that the reserve would use up', 128, 64, { sockets: 32, tasks: 16 }],
    ['the lowest limit', 64, 64, { sockets: 16, tasks: 8 }],
  ])('with %s', (_what, descriptors, maxTasks, expected) => {
    expect(capacityOf(descriptors, maxTasks)).toEqual(expected);
  });

  it('always lets both kinds run, and leaves the reserve or half of the descriptors alone', () => {
    const limits = [fc.integer({ min: 64, max: 10_000_000 }), fc.integer({ min: 1, max: 10_000 })] as const;
    fc.assert(
      fc.property(...limits, (descriptors, maxTasks) => {
        const { sockets, tasks } = capacityOf(descriptors, maxTasks);
        expect(Math.min(sockets, tasks)).toBeGreaterThan(0);
        expect(tasks).toBeLessThanOrEqual(maxTasks);
        const left = descriptors - sockets - 2 * tasks;
        expect(left).toBeGreaterThanOrEqual(Math.min(208, descriptors / 2));
      }),
    );
  });
});

describe('the part of a worker', () => {
  it('is taken from what the workers themselves leave', () => {
    expect(partOf(capacityOf(10_208, 64, 4), 4)).toEqual({ sockets: 2460, tasks: 16 });
  });

  it('is never nothing', () => {
    expect(partOf(capacityOf(64, 1, 64), 64)).toEqual({ sockets: 1, tasks: 1 });
  });
});
