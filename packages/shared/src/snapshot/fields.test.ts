import { describe, expect, it } from 'vitest';
import { parseFields, parseInteger } from './fields.js';

function fieldsOf(text: string) {
  const reports: string[] = [];
  return { fields: parseFields(text, (message) => void reports.push(message)), reports };
}

it.each([
  ['0', 0],
  ['-0', 0],
  ['65535', 65_535],
  ['0080', 80],
  ['-5', -5],
])('reads %j as %d', (text, value) => {
  expect(parseInteger(text, -10, 65_535)).toBe(value);
});

it.each([
  '',
  ' 1',
  '1 ',
  '+1',
  '1.0',
  '1e3',
  '0x10',
  '١',
  '--1',
  '-',
  '1_000',
  '65536',
  '-11',
  '9'.repeat(16),
])('takes %j for no integer of -10..65535', (text) => {
  expect(parseInteger(text, -10, 65_535)).toBeUndefined();
});

describe('parseFields', () => {
  it('splits at any white space and at the first equals sign', () => {
    const { fields, reports } = fieldsOf('  a=1\tb=x=y  c= ');
    expect([fields.text('a'), fields.text('b'), fields.has('c'), fields.has('d')]).toEqual([
      '1',
      'x=y',
      true,
      false,
    ]);
    expect(reports).toEqual([]);
  });

  it.each([
    ['a', ['expected key=value, got "a"']],
    ['=a', ['expected key=value, got "=a"']],
    ['a=1 a=1', ['a: given twice']],
    ['a=1 b a=2', ['expected key=value, got "b"', 'a: given twice']],
    ['x'.repeat(100), [`expected key=value, got "${'x'.repeat(40)}"`]],
  ])('reports %j', (text, expected) => {
    expect(fieldsOf(text).reports).toEqual(expected);
  });

  it('takes a name with spaces for one', () => {
    const { fields, reports } = fieldsOf('vname=my own web vproto=tcp rname=w 1');
    expect(['vname', 'vproto', 'rname'].map((key) => fields.text(key))).toEqual(['my_own_web', 'tcp', 'w_1']);
    expect([fields.keys, reports]).toEqual([['vname', 'vproto', 'rname'], []]);
  });

  it('reports each miss once and yields nothing for it', () => {
    const { fields, reports } = fieldsOf('empty= number=x choice=c __proto__=p');
    expect([fields.text('missing'), fields.text('empty'), fields.integer('number', 0, 9)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(fields.oneOf('choice', ['a', 'b'])).toBeUndefined();
    expect(reports).toEqual([
      'missing: missing',
      'empty: missing',
      'number: expected an integer 0..9, got "x"',
      'choice: expected a, b, got "c"',
    ]);
    expect(fields.text('__proto__')).toBe('p');
  });

  it('falls back where a key is absent', () => {
    const { fields, reports } = fieldsOf('');
    expect([fields.integer('a', 0, 9, 5), fields.oneOf('b', ['x', 'y'], 'y'), fields.text('c', 'z')]).toEqual(
      [5, 'y', 'z'],
    );
    expect(reports).toEqual([]);
  });
});
