import { describe, expect, it } from 'vitest';
import { listed } from '../ipvs/listed.js';
import { service } from '../ipvs/table.test-kit.js';
import { describeLeftAlone, findLeftAlone, isProtected } from './protection.js';

describe('isProtected', () => {
  const protect = new Set(['tcp 10.0.0.1:80', 'udp [fd00::1]:53', 'fwmark 7']);

  it.each([
    ['tcp 10.0.0.1:80', true],
    ['udp [fd00::1]:53', true],
    ['fwmark 7', true],
    ['fwmark 7 IPv6', true],
    ['udp 10.0.0.1:80', false],
    ['tcp 10.0.0.1:443', false],
    ['fwmark 77', false],
  ])('says of %s: %s', (name, expected) => {
    expect(isProtected(service(name), { deleteUnmanaged: true, protect })).toBe(expected);
  });
});

describe('findLeftAlone', () => {
  const names = ['tcp 10.0.0.1:80', 'tcp 10.0.0.2:80', 'tcp 10.0.0.3:80', 'fwmark 7 IPv6'];
  const [wanted, kept, unknown, mark] = names.map((name) => service(name));
  const protect = new Set(['tcp 10.0.0.2:80', 'fwmark 7']);

  it('names what is not in the snapshot and what is protected', () => {
    if (!wanted || !kept || !unknown || !mark) throw new Error('a service is missing');
    const lines = (deleteUnmanaged: boolean): string[] =>
      findLeftAlone([wanted, mark], [wanted, kept, unknown], { deleteUnmanaged, protect }).map(
        describeLeftAlone,
      );
    expect(lines(false)).toEqual([
      'left alone: fwmark 7 IPv6 (protected, though the snapshot has it)',
      'left alone: tcp 10.0.0.2:80 (protected)',
      'left alone: tcp 10.0.0.3:80 (-u deletes it)',
    ]);
    expect(lines(true)).toEqual(lines(false).slice(0, 2));
  });
});

it.each([
  [1, '1'],
  [20, /^1, .*, 20$/],
  [35, /^1, .*, 20 and 15 more$/],
])('lists %i names in a bounded line', (count, text) => {
  expect(listed(Array.from({ length: count }, (_, i) => String(i + 1)))).toMatch(text);
});
