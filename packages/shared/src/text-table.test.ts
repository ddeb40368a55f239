import { expect, it } from 'vitest';
import { ansiPaint, plainPaint, renderTable } from './text-table.js';

const ROWS = [
  ['web', 5, { text: 'up', style: 'green' }],
  ['a\x1b[2J\n', 1000, { text: 'down', style: 'red' }],
] as const;

it('aligns texts to the left and numbers to the right, and lets no control character through', () => {
  expect(renderTable(['NAME', 'W', 'STATE'], ROWS, plainPaint)).toEqual([
    'NAME           W  STATE',
    'web            5  up',
    'a\\x1b[2J\\n  1000  down',
  ]);
});

it('colours without moving columns', () => {
  expect(renderTable(['A', 'B'], [[{ text: 'x', style: 'green' }, 'yy']], ansiPaint)).toEqual([
    '\x1b[2mA\x1b[0m  \x1b[2mB\x1b[0m',
    '\x1b[32mx\x1b[0m  yy',
  ]);
});

it('has headings only where there are no rows', () => {
  expect(renderTable(['A', 'B'], [], plainPaint)).toEqual(['A  B']);
});
