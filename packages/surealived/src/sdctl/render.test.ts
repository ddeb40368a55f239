import { ansiPaint, plainPaint } from '@surealived/shared/text-table';
import { expect, it } from 'vitest';
import type { Check } from '../admin/documents.js';
import { listOf, transition, w1, w2, web } from './documents.test-kit.js';
import { renderCheck, renderConnections, renderHistory, renderReals, renderVirtuals } from './render.js';

const mark = { ...web, name: 'a mark', proto: 'fwmark', addr: '::', port: 0, fwmark: 7 } as const;

it('shows virtuals', () => {
  const virtuals = [web, { ...mark, realCount: 0, onlineCount: 0, weight: 0 }];
  expect(renderVirtuals({ virtuals }, plainPaint)).toEqual([
    'NAME    SERVICE            RT  SCHED  TESTER  ONLINE  WEIGHT',
    'web     tcp:192.0.2.10:80  dr  wrr    http    1/2         10',
    'a_mark  fwmark:7:::        dr  wrr    http    0/0          0',
  ]);
});

it('shows the reals of each virtual', () => {
  const hindered = { ...w1, obstacle: 'socket: EMFILE' };
  const failing = { ...w1, online: false, weight: 0, failure: 'refused: connect' };
  const set = { ...failing, lastTransition: transition('set', 'rstate=ONLINE') };
  const virtuals = [...listOf(w1, w2, hindered, failing, set).virtuals, { ...mark, reals: [] }];
  expect(renderReals({ virtuals }, plainPaint)).toEqual([
    'web tcp:192.0.2.10:80 dr wrr http',
    'REAL  ADDRESS       WEIGHT  CONFIGURED  TESTS  RSTATE   LAST CHANGE',
    'w1    10.0.0.11:80      10  10          up     ONLINE',
    'w_2   10.0.0.12:80       0  20 (50%)    down   OFFLINE  2026-11-20 10:07:14 offline refused: \\x1b[2J',
    'w1    10.0.0.11:80      10  10          up     ONLINE   cannot be tested: socket: EMFILE',
    'w1    10.0.0.11:80       0  10          down   ONLINE   fails: refused: connect',
    'w1    10.0.0.11:80       0  10          down   ONLINE   2026-11-20 10:07:14 set rstate=ONLINE; fails: refused: connect',
    '',
    'a_mark fwmark:7::: dr wrr http',
    'no reals',
  ]);
});

it('colours what is well and what is not', () => {
  const [, , well, unwell] = renderReals(listOf(w1, w2), ansiPaint);
  expect(well).toContain('\x1b[32mup\x1b[0m');
  expect(unwell).toContain('\x1b[31mdown\x1b[0m');
  expect(unwell).toContain('\x1b[33mOFFLINE\x1b[0m');
});

it('shows the transitions of all reals by their time', () => {
  const reals = [
    {
      ...w1,
      output: null,
      transitions: [transition('offline', 'timeout: no', 1), transition('online', 'ok', 3)],
    },
    { ...w2, output: 'one\ntwo\n', transitions: [transition('set', 'rstate=DOWN', 2)] },
  ];
  expect(renderHistory({ virtual: web, reals }, plainPaint)).toEqual([
    'web tcp:192.0.2.10:80 dr wrr http',
    'TIME                 REAL  ADDRESS       EVENT    WHY',
    '2026-11-20 10:07:15  w1    10.0.0.11:80  offline  timeout: no',
    '2026-11-20 10:07:16  w_2   10.0.0.12:80  set      rstate=DOWN',
    '2026-11-20 10:07:17  w1    10.0.0.11:80  online   ok',
    'output of w_2:',
    '  one',
    '  two',
  ]);
  expect(renderHistory({ virtual: web, reals: [] }, plainPaint)[1]).toBe('no transitions');
});

const check: Check = {
  virtual: web,
  real: w1,
  verdict: { up: true, reason: null, detail: 'status 200' },
  obstacle: null,
  transcript: [
    { atMs: 0.25, direction: 'sent', bytes: 8, data: 'GET /\\r\\n', isCut: false },
    { atMs: 10.5, direction: 'received', bytes: 9000, data: 'abc', isCut: true },
  ],
  omitted: { entries: 2, bytes: 700 },
  output: 'x\n',
  connectMs: 0.2,
  responseMs: 10.4,
  totalMs: 11,
  sentBytes: 8,
  receivedBytes: 9700,
};

it('shows a conversation', () => {
  expect(renderCheck(check, plainPaint)).toEqual([
    'web w1 10.0.0.11:80 http',
    '     0.250 ms ->      8 bytes  GET /\\r\\n',
    '    10.500 ms <-   9000 bytes  abc …',
    '700 bytes more in 2 parts',
    'output:',
    '  x',
    'up: status 200',
    'connected after 0.2 ms, first byte after 10.4 ms, over after 11 ms',
  ]);
});

it.each([
  [{ verdict: { up: false, reason: 'timeout', detail: 'no verdict' } as const }, 'down: timeout: no verdict'],
  [{ verdict: null, obstacle: 'socket: EMFILE' }, 'could not be tested: socket: EMFILE'],
])('shows the verdict %j', (own, line) => {
  expect(renderCheck({ ...check, ...own }, plainPaint).at(-2)).toBe(line);
});

it('shows times in ms and counts problems', () => {
  const times = { connect: 500, response: 1500, total: 2000 };
  const problems = { silent: 1, unreachable: 2, refused: 3 };
  const figures = { tests: 5, lastUs: times, averageUs: times, overallUs: times, problems };
  const virtuals = [
    {
      ...web,
      samples: 20,
      rounds: 4,
      averageUs: times,
      problems,
      reals: [{ name: 'w1', addr: '10.0.0.11', port: 80, ...figures }],
    },
  ];
  expect(renderConnections({ isGathered: true, virtuals }, plainPaint)).toEqual([
    'VIRTUAL  REAL  ADDRESS       TESTS  LAST             AVERAGE          OVERALL          CONN  ARP  RST',
    'web      w1    10.0.0.11:80      5  0.5 / 1.5 / 2.0  0.5 / 1.5 / 2.0  0.5 / 1.5 / 2.0     1    2    3',
    'times: connect / response / total in ms',
  ]);
  expect(renderConnections({ isGathered: false, virtuals: [] }, plainPaint)).toEqual([
    'no connection statistics are gathered (gather_stats)',
  ]);
});
