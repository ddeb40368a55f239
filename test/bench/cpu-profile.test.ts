import { expect, it } from 'vitest';
import { byGroup, type CpuProfile, selfTimes } from './cpu-profile.js';

const ENGINE = 'file:///somewhere/packages/surealived/dist/engine/conversation.js';
const LINES: Readonly<Record<number, string>> = {
  10: '  if (libc.connect(fd, sockaddr, sockaddr.length) !== 0) {',
  11: '  return libc.epollCtl(this.#epollFd, libc.EPOLL_CTL_ADD, fd, this.#registration) === 0;',
  12: '  this.#startMs = reactor.clock.nowMs();',
};
const lineOf = (url: string, line: number): string => (url === ENGINE ? (LINES[line] ?? '') : '');

/** Node 1 waits; node 2 is `start`, half of it in connect, a quarter each in epoll_ctl and in itself; node 3 collects. */
const PROFILE: CpuProfile = {
  startTime: 1_000_000,
  nodes: [
    { id: 1, callFrame: { functionName: '(idle)', url: '' } },
    {
      id: 2,
      callFrame: { functionName: 'start', url: ENGINE },
      positionTicks: [
        { line: 10, ticks: 2 },
        { line: 11, ticks: 1 },
        { line: 12, ticks: 1 },
      ],
    },
    { id: 3, callFrame: { functionName: '(garbage collector)', url: '' } },
  ],
  samples: [2, 2, 1, 3, 2],
  timeDeltas: [1000, 1000, 1000, 1000, 1000],
};

const whole = { fromUs: 0, toUs: Number.POSITIVE_INFINITY };

it('the time of a sample lasts until the next one, and that of lines with C calls belongs to the C function', () => {
  const file = 'packages/surealived/src/engine/conversation.ts';
  const times = selfTimes(PROFILE, whole, lineOf);
  expect(times).toEqual(
    expect.arrayContaining([
      { name: 'connect', file: 'libc', group: 'libc: connect', us: 1500 },
      { name: 'epoll_ctl', file: 'libc', group: 'libc: epoll_ctl', us: 750 },
      { name: 'start', file, group: 'engine', us: 750 },
      { name: 'idle', file: '', group: 'idle', us: 1000 },
      { name: 'garbage collection', file: '', group: 'garbage collection', us: 1000 },
    ]),
  );
  expect(times.reduce((sum, { us }) => sum + us, 0)).toBe(5000);
  expect(times[0]?.name).toBe('connect');
});

it('only what lies in the part asked for counts', () => {
  const times = selfTimes(PROFILE, { fromUs: 1_003_500, toUs: 1_004_500 }, lineOf);
  expect(times).toEqual([{ name: 'idle', file: '', group: 'idle', us: 1000 }]);
});

it.each([
  [
    'file:///x/packages/surealived/dist/schedule/probe.js',
    'packages/surealived/src/schedule/probe.ts',
    'scheduler',
  ],
  ['file:///x/packages/testers/dist/testers/http.js', 'packages/testers/src/testers/http.ts', 'testers'],
  ['file:///x/packages/shared/dist/clock.js', 'packages/shared/src/clock.ts', 'other code of ours'],
  ['file:///x/node_modules/.pnpm/pino@9/node_modules/pino/pino.js', 'node_modules/pino/pino.js', 'libraries'],
  ['node:internal/timers', 'node:internal/timers', 'Node and V8'],
])('a function in %s is told as in %s, group %s', (url, file, group) => {
  const profile = {
    startTime: 0,
    nodes: [{ id: 1, callFrame: { functionName: 'f', url } }],
    samples: [1],
    timeDeltas: [5],
  };
  expect(selfTimes(profile, whole, lineOf)).toEqual([{ name: 'f', file, group, us: 5 }]);
});

it('groups are sums, largest first', () => {
  const time = (group: string, us: number) => ({ name: 'f', file: '', group, us });
  expect(byGroup([time('engine', 1), time('libc: close', 3), time('engine', 4)])).toEqual([
    { group: 'engine', us: 5 },
    { group: 'libc: close', us: 3 },
  ]);
});
