import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressFromBytes, bracketed, formatEndpoint, isMulticast, parseAddress } from './address.js';

describe('parseAddress', () => {
  it.each([
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['2001:0DB8:0:0:0:0:0:1', '2001:db8::1'],
    // RFC 5952: 4.1 leading zeros, 4.2.2 one group is not shortened, 4.2.3 the longest run, the first of equal ones
    ['2001:0db8::0001', '2001:db8::1'],
    ['2001:db8::1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['0:0:1:2:3:4:5:6', '::1:2:3:4:5:6'],
    ['1:2:3:4:5:6:0:0', '1:2:3:4:5:6::'],
    ['::ffff:c000:0201', '::ffff:192.0.2.1'],
    ['::FFFF:192.0.2.1', '::ffff:192.0.2.1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['1:2:3:4:5:6:192.0.2.1', '1:2:3:4:5:6:c000:201'],
  ])('writes %s as %s', (text, canonical) => {
    expect(parseAddress(text)?.text).toBe(canonical);
  });

  it.each([
    '',
    ' ',
    '1.2.3',
    '1.2.3.4.5',
    '256.0.0.1',
    '01.2.3.4',
    '0x1.2.3.4',
    '1.2.3.4 ',
    '1.2.3.4/24',
    '-1.0.0.0',
    ':',
    ':::',
    '1::2::3',
    '12345::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '[::1]',
    'fe80::1%eth0',
    '::1%lo',
    '1.2.3.4::',
    '::1.2.3.400',
    'g::',
    'localhost',
    '::1\n',
  ])('takes %j for no address', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  it('reads back what it wrote, whatever the bytes', () => {
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
    // mostly zeros, so that runs of them occur
    const sparse = fc.array(fc.constantFrom(0, 0, 0, 1, 255), { minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(
        fc.oneof(
          bytes(4),
          bytes(16),
          sparse.map((own) => Uint8Array.from(own)),
        ),
        (own) => {
          const address = addressFromBytes(own.length === 4 ? 4 : 6, own);
          const again = parseAddress(address.text);
          expect([again?.family, again?.text, again?.bytes]).toEqual([address.family, address.text, own]);
          expect(address.bytes).toEqual(own);
        },
      ),
    );
  });

  it('gives every spelling of one IPv6 address one text', () => {
    const groups = fc.array(fc.constantFrom(0, 0, 0, 1, 0xabcd), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(groups, (numbers) => {
        const long = numbers.map((group) => group.toString(16).padStart(4, '0')).join(':');
        expect(parseAddress(long.toUpperCase())?.text).toBe(
          parseAddress(parseAddress(long)?.text ?? '')?.text,
        );
      }),
    );
  });
});

describe('addressFromBytes', () => {
  it('ignores the padding the kernel adds to IPv4', () => {
    const padded = Uint8Array.from([10, 0, 0, 1, ...Array(12).fill(9)]);
    expect(addressFromBytes(4, padded)).toEqual(parseAddress('10.0.0.1'));
    expect(addressFromBytes(4, padded).bytes).toEqual(Uint8Array.of(10, 0, 0, 1));
  });

  it('keeps bytes of its own', () => {
    const bytes = Uint8Array.of(10, 0, 0, 1);
    const address = addressFromBytes(4, bytes);
    bytes[0] = 11;
    expect(address.bytes).toEqual(Uint8Array.of(10, 0, 0, 1));
  });
});

it.each([
  ['223.255.255.255', false],
  ['224.0.0.0', true],
  ['239.255.255.255', true],
  ['240.0.0.1', false],
  ['ff00::', true],
  ['ff02::1', true],
  ['feff::1', false],
])('%s is multicast: %s', (text, expected) => {
  expect(isMulticast(parseAddress(text) as NonNullable<ReturnType<typeof parseAddress>>)).toBe(expected);
});

it('puts IPv6 in brackets before a port', () => {
  const [v4, v6] = [addressFromBytes(4, Uint8Array.of(10, 0, 0, 1)), addressFromBytes(6, new Uint8Array(16))];
  expect([formatEndpoint(v4, 80), formatEndpoint(v6, 80), bracketed(v6)]).toEqual([
    '10.0.0.1:80',
    '[::]:80',
    '[::]',
  ]);
});
