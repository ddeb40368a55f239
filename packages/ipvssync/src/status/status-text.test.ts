import { expect, it } from 'vitest';
import { statusFacts, troubledFacts } from './status.test-kit.js';
import { statusDocument } from './status-document.js';
import { printableStatus } from './status-text.js';

const pageOf = (facts: ReturnType<typeof statusFacts>): string => printableStatus(statusDocument(facts));

it('is a page of a head and a line for each virtual', () => {
  expect(pageOf(statusFacts()).split('\n')).toEqual([
    'ipvssync 1.2.3, process 4242, running for 61 s',
    'table       kernel: as desired',
    'snapshot    generation 17, 2 virtuals, 3 reals, /var/lib/surealived/ipvsfull.cfg',
    'last round  20 s ago: over the whole table, 0 operations, 0 refused, in 1 ms',
    'last change 60 s ago: over the whole table, 5 operations, 0 refused, in 1 ms',
    'read back   20 s ago, again in 10 s',
    'operations  5 done, 0 refused',
    'drift       0',
    'latency     unknown',
    'sync role   unmanaged',
    '',
    'VIRTUAL           NAME  ACTIVE  INACTIVE  PERSISTENT  CONNS  CPS  INPPS  OUTPPS  INBPS  OUTBPS',
    'tcp 10.0.0.1:80   web        7         1           1    200    2     20      18   2000    4000',
    'udp [fd00::1]:53  dns        0         3           0    100    1     10       9   1000    2000',
    '',
  ]);
});

it('has what is not as desired, and what drains, before the virtuals', () => {
  expect(pageOf(troubledFacts()).split('\n')).toEqual([
    'ipvssync 1.2.3, process 4242, running for 61 s',
    'table       kernel of edge: NOT AS DESIRED',
    'snapshot    2 virtuals, 2 reals, /var/lib/surealived/ipvsfull.cfg',
    'last round  1.5 s ago: 1 operation, 2 refused, in 3.3 ms',
    'last change 1.5 s ago: 1 operation, 2 refused, in 3.3 ms',
    'read back   20 s ago, not again by itself',
    'operations  1204 done, 8 refused',
    'drift       3, the last 3 min ago',
    'latency     median 1 ms, 99 % within 12 ms, of 1204 changes',
    'sync role   master',
    '',
    'hand-over files refused: full:1: older than what is in force',
    'a diff line was refused: the next full snapshot knows what it said',
    '2 deletions held back, max_deletes is 1, SIGHUP makes them: udp 10.0.0.9:53, tcp 10.0.0.1:80 real 10.0.0.15:80',
    'settings: start sync daemon: ENODEV (for 2 h, again in 0 s)',
    '',
    'FAILING           FOR    AGAIN IN  REASON',
    'the whole table   90 s   4 s       list services: EIO',
    'tcp 10.0.0.3:443  2 min  4 s       add tcp 10.0.0.3:443: ENOENT',
    '',
    'DRAINING         REAL          ACTIVE  INACTIVE  FOR     AT MOST',
    'tcp 10.0.0.1:80  10.0.0.13:80       2         1  12 s    9 min',
    'tcp 10.0.0.1:80  10.0.0.14:80       ?         ?  10 min  drained',
    '',
    'VIRTUAL           NAME                           ACTIVE  INACTIVE  PERSISTENT  CONNS  CPS  INPPS  OUTPPS  INBPS  OUTBPS',
    'tcp 10.0.0.1:80   web                                 9         2           1    200    2     20      18   2000    4000',
    'tcp 10.0.0.3:443  odd\\x1b[2J (not in the table)       0         0           0      0    0      0       0      0       0',
    'fwmark 7          (protected)                         1         0           0    300    3     30      27   3000    6000',
    '',
  ]);
});

it('stands without virtuals', () => {
  expect(pageOf(statusFacts({}, { traffic: 'list services: EIO' }))).toContain(
    '\n\nno figures of virtuals: list services: EIO\n',
  );
});

it.each([
  [0, '0 s'],
  [9.9, '9.9 s'],
  [12.3, '12 s'],
  [119, '119 s'],
  [120, '2 min'],
  [7199, '119 min'],
  [7200, '2 h'],
  [172_800, '2 d'],
])('%d seconds are %s', (uptimeSec, text) => {
  expect(pageOf(statusFacts({}, { uptimeSec }))).toContain(`, running for ${text}\n`);
});
