import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readSeal, seal } from './seal.js';

it('is the CRC-32 that other programs reckon, of everything but itself', () => {
  expect(seal('1234', '56789')).toBe('1234 crc32=cbf4392656789');
  expect(seal('')).toBe(' crc32=00000000');
});

it('finds a checksum that fits what was sealed', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (line, rest) => {
      fc.pre(!line.includes(' crc32='));
      const sealed = readSeal(seal(line, rest));
      expect(sealed?.stated).toBe(sealed?.actual);
    }),
  );
});

it('tells that there is none, and that one is cut', () => {
  expect(readSeal('a=1 xcrc32=00000000')).toBeUndefined();
  expect(readSeal('a=1 crc32=8')).toMatchObject({ stated: '8' });
});
