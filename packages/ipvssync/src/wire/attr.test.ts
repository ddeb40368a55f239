import { endianness } from 'node:os';
import { type Address, parseAddress } from '@surealived/shared/address';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AttrWriter } from './attr.js';
import { readAttrs } from './attr-reader.js';

const parse = (text: string): Address => parseAddress(text) as Address;
/** Bytes from hexadecimal digits, with white space as one likes. */
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
const contents = (data: Buffer) =>
  [...readAttrs(data)].map(({ type, value }) => ({ type, value: value.toString('hex') }));

describe.runIf(endianness() === 'LE')('AttrWriter on a little-endian machine', () => {
  it('writes length and type in host order, the value in the order its method names, and pads to 4 bytes', () => {
    const writer = new AttrWriter()
      .u16(4, 0x1234)
      .u16Be(4, 0x1234)
      .u32(7, 0x12345678)
      .u32Be(9, 0x12345678)
      .cstring(6, 'wrr')
      .cstring(6, 'sh')
      .bytes(2, Uint8Array.of(1))
      .address16(3, parse('10.0.0.1'));
    expect(writer.written.toString('hex')).toBe(
      hex(`0600 0400 3412 0000
           0600 0400 1234 0000
           0800 0700 78563412
           0800 0900 12345678
           0800 0600 77727200
           0700 0600 73680000
           0500 0200 01000000
           1400 0300 0a000001 00000000 00000000 00000000`).toString('hex'),
    );
  });

  it('marks a nest and counts what is in it', () => {
    const writer = new AttrWriter().nested(1, (inner) => inner.u16(2, 6).nested(3, (deep) => deep.u32(4, 5)));
    const expected = hex('1800 0180  0600 0200 0600 0000  0c00 0380  0800 0400 05000000');
    expect(writer.written.toString('hex')).toBe(expected.toString('hex'));
  });
});

describe('AttrWriter', () => {
  it('grows without losing what was written, also within a nest', () => {
    const writer = new AttrWriter();
    const long = Buffer.alloc(3_001, 0xab);
    writer.nested(1, (inner) =>
      inner.bytes(2, long).u16(3, 1).address16(4, parse('2001:db8::1')).bytes(5, long),
    );
    const [nest] = [...readAttrs(writer.written)];
    const inner = [...(nest?.nested() ?? [])];
    expect(inner.map(({ type }) => type)).toEqual([2, 3, 4, 5]);
    expect(inner[3]?.value.equals(long)).toBe(true);
    expect(inner[1]?.u16()).toBe(1);
  });

  it('leaves nothing of before in a buffer that is used again', () => {
    const writer = new AttrWriter().bytes(1, Buffer.alloc(64, 0xff));
    writer.reset();
    writer.bytes(1, Uint8Array.of(1)).address16(2, parse('10.0.0.2'));
    const fresh = new AttrWriter().bytes(1, Uint8Array.of(1)).address16(2, parse('10.0.0.2'));
    expect(writer.written.equals(fresh.written)).toBe(true);
  });

  it.each([
    ['u8', 0x100],
    ['u16', 0x10000],
    ['u16Be', -1],
    ['u32', 2 ** 32],
    ['u32Be', Number.NaN],
  ] as const)('%s refuses %d', (method, value) => {
    expect(() => new AttrWriter()[method](1, value)).toThrow(RangeError);
  });

  it.each(['u8', 'u16', 'u16Be', 'u32', 'u32Be'] as const)('%s writes what it reads', (method) => {
    for (const value of [0, 1, 0x7f, 0xfe, ...(method === 'u8' ? [] : [0x1234, 0xfffe])]) {
      const [attr] = [...readAttrs(new AttrWriter()[method](1, value).written)];
      expect(attr?.[method]()).toBe(value);
    }
  });

  it('writes an address into 16 bytes', () => {
    const [ipv4, ipv6] = ['192.0.2.255', '2001:db8::1'].map((text) => [
      ...readAttrs(new AttrWriter().address16(1, parse(text)).written),
    ]);
    expect(ipv4?.[0]?.bytes(16).toString('hex')).toBe(`c00002ff${'00'.repeat(12)}`);
    expect(ipv6?.[0]?.bytes(16).toString('hex')).toBe(`20010db8${'00'.repeat(11)}01`);
  });

  it('refuses a nest that its 16-bit length cannot hold', () => {
    const writer = new AttrWriter();
    expect(() => writer.nested(1, (inner) => inner.bytes(2, Buffer.alloc(65_532)))).toThrow(RangeError);
  });

  it('writes what readAttrs reads', () => {
    const attr = fc.tuple(fc.integer({ min: 0, max: 0x3fff }), fc.uint8Array({ maxLength: 300 }));
    fc.assert(
      fc.property(fc.array(attr, { maxLength: 40 }), (attrs) => {
        const writer = new AttrWriter();
        for (const [type, value] of attrs) writer.bytes(type, value);
        const expected = attrs.map(([type, value]) => ({ type, value: Buffer.from(value).toString('hex') }));
        expect(contents(writer.written)).toEqual(expected);
      }),
    );
  });
});

describe('readAttrs', () => {
  const two = new AttrWriter().u32(1, 0x01020304).cstring(2, 'abc').written;

  it('refuses every truncation that does not fall between two attributes', () => {
    for (let length = 1; length < two.length; length++) {
      if (length === 8) continue;
      expect(() => contents(two.subarray(0, length)), `${length} bytes`).toThrow(/attribute/);
    }
  });

  it.each([0, 3, 9, 0xffff])('refuses a length of %i where 8 bytes are left', (length) => {
    const data = Buffer.alloc(8);
    data.writeUInt16LE(length, 0);
    expect(() => contents(data)).toThrow(`attribute 0: length ${length} of 8 bytes`);
  });

  it('takes the padding of the last attribute as it comes, or not at all', () => {
    const padded = new AttrWriter().bytes(1, Uint8Array.of(1, 2)).written;
    expect(contents(padded.subarray(0, 6))).toEqual([{ type: 1, value: '0102' }]);
  });

  it('masks the nest and byte order flags out of the type', () => {
    expect(contents(new AttrWriter().nested(5, () => undefined).written)).toEqual([{ type: 5, value: '' }]);
  });

  it('never reads beyond the data, whatever it is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          for (const attr of readAttrs(Buffer.from(bytes))) expect(attr.value.length).toBeLessThanOrEqual(60);
        } catch (error) {
          expect((error as { code: string }).code).toBe('SA_KERNEL_PROTOCOL');
        }
      }),
    );
  });
});

describe('Attr', () => {
  const [short] = [...readAttrs(new AttrWriter().bytes(7, Uint8Array.of(1, 2, 3)).written)];

  it.each(['u8', 'u16', 'u16Be', 'u32', 'u32Be'] as const)('%s refuses any other length', (method) => {
    expect(() => short?.[method]()).toThrow(/^attribute 7: expected [124] bytes, got 3$/);
  });

  it('bytes refuses any other length', () => {
    expect(() => short?.bytes(16)).toThrow('attribute 7: expected 16 bytes, got 3');
  });

  it('cstring ends at the first NUL, or with the value', () => {
    const texts = [
      ...readAttrs(new AttrWriter().bytes(1, Buffer.from('rr\0x')).bytes(2, Buffer.from('rr')).written),
    ];
    expect(texts.map((attr) => attr.cstring())).toEqual(['rr', 'rr']);
  });
});
