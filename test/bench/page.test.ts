import { parseXml } from 'surealived/config/xml';
import { expect, it } from 'vitest';
import { pageFiles, panelsOf } from './page.js';
import type { Figure } from './report.js';
import type { MeasuredPart } from './results.js';

const FIGURES: readonly Figure[] = [
  {
    key: 'tcpCpuUs',
    what: 'tcp, 8,000/s',
    unit: 'µs',
    ours: 27.34,
    peer: { name: 'node:net', value: 40 },
    goal: { of: 'ratio', atMost: 0.75 },
    panel: 'CPU per test',
  },
  {
    key: 'tcpCpuUs',
    what: 'tcp, 8,000/s',
    unit: 'µs',
    ours: 27.34,
    peer: { name: 'keepalived <2>', value: 58 },
    panel: 'CPU per test',
  },
  { key: 'timerMs', what: 'delay of a timer', unit: 'ms', ours: 0.1 },
];

const PART: MeasuredPart = {
  name: 'cpu',
  title: 'CPU per test',
  ours: 'surealived',
  measuredOn: '2026-01-31',
  isQuick: false,
  machine: { processor: '2 × some', kernel: 'Linux 6.1', 'Node.js': '20.20.2' },
  figures: FIGURES,
  tables: [{ title: 'Where it goes', columns: ['function', 'µs'], rows: [['epoll_wait', '2.1']] }],
  notes: ['ldirectord is not installed.'],
};
const ORDER = [
  { name: 'cpu', method: 'How it is measured.' },
  { name: 'other', method: 'Not measured.' },
];

it('a panel has a group for each thing: ours once with the goal in its unit, then the peers', () => {
  expect(panelsOf(PART)).toEqual([
    {
      title: 'CPU per test',
      unit: 'µs',
      groups: [
        {
          label: 'tcp, 8,000/s',
          bars: [
            { name: 'surealived', value: 27.34, isOurs: true, mark: 30 },
            { name: 'node:net', value: 40 },
            { name: 'keepalived <2>', value: 58 },
          ],
        },
      ],
    },
  ]);
});

it('the page has method, plot, figures, tables, notes and machine of each part that was measured', () => {
  const page = pageFiles([PART], ORDER).get('performance.md') ?? '';
  const parts = [
    '## CPU per test',
    'How it is measured.',
    '![CPU per test](performance/cpu.svg)',
    '| tcp, 8,000/s     | 27.3 µs    | node:net       | 40.0 µs | 0.68  | ratio ≤ 0.75 | met |',
    '### Where it goes',
    '| epoll_wait | 2.1 |',
    '- ldirectord is not installed.',
    'Measured on 2026-01-31: 2 × some, Linux 6.1, Node.js 20.20.2.',
  ];
  const found = parts.map((text) => page.indexOf(text));
  expect(found, page).not.toContain(-1);
  expect(found).toEqual([...found].sort((a, b) => a - b));
  expect(page).not.toContain('Not measured');
});

it('the page says where figures are rough', () => {
  const page = pageFiles([{ ...PART, isQuick: true }], ORDER).get('performance.md');
  expect(page).toContain('Measured with `--quick`: the figures are rough.');
});

it('what is no number has no bar', () => {
  const [first] = FIGURES;
  const figures = first ? [{ ...first, peer: { name: 'node:net', value: Number.NaN } }] : [];
  expect(panelsOf({ ours: 'surealived', figures })[0]?.groups[0]?.bars).toMatchObject([{ value: 27.34 }]);
});

it('a part without anything to plot has no plot', () => {
  const files = pageFiles([{ ...PART, figures: FIGURES.slice(2) }], ORDER);
  expect([...files.keys()]).toEqual(['performance.md']);
  expect(files.get('performance.md')).not.toContain('.svg');
});

it('a plot is XML with a bar for each program, longest for the largest, and the goal as a line', () => {
  const svg = pageFiles([PART], ORDER).get('performance/cpu.svg') ?? '';
  const bars = parseXml(svg, 'cpu.svg').root.children.flatMap(({ name, attributes }) => {
    const [kind, width] = ['class', 'width'].map((attribute) => attributes.get(attribute)?.value);
    return name === 'rect' && kind !== 'ground' ? [[kind, width]] : [];
  });
  expect(bars).toEqual([
    ['ours', '216.8'],
    ['peer', '317.2'],
    ['peer', '460'],
  ]);
  expect(svg.match(/<line class="mark"/g)).toHaveLength(1);
  expect(svg).toContain('keepalived &lt;2&gt;');
  expect(svg).toContain('prefers-color-scheme: dark');
});
