import { expect, it } from 'vitest';
import type { Virtual } from '../state.js';
import type { CommandContext } from './context.js';
import { commandContext, GOOD_RELOAD, someVirtuals, W1, WALL_NOW } from './context.test-kit.js';
import { readProcessFigures } from './process-figures.js';

const ORIGINAL_NAMES = [
  'watchdog_pid',
  'tester_pid',
  'virtuals',
  'reals',
  'ronline',
  'roffline',
  'rdown',
  'offline_size',
  'override_size',
  'success',
  'failed',
  't_success',
  't_failed',
  't_online_set',
  't_offline_set',
  't_conn_problem',
  't_arp_problem',
  't_rst_problem',
  't_bytes_rcvd',
  't_bytes_sent',
  'user_time',
  'system_time',
  'block_in_ops',
  'block_out_ops',
  'messages_sent',
  'messages_rcvd',
  'signals_rcvd',
  'voluntary_ctx',
  'involunt_ctx',
  'fd_used',
];
const ORIGINAL_SECTIONS = [
  'global stats',
  'real settings',
  'real stats',
  'tests stats',
  'resource usage',
  'memory usage',
];

/** One real DOWN by the operator, one offline by a test, one that could not be tested. */
async function services(own: Partial<CommandContext> = {}) {
  const virtuals = someVirtuals();
  const kit = commandContext(virtuals, { processFigures: () => readProcessFigures(4711), ...own });
  const [web, , , six] = virtuals as [Virtual, Virtual, Virtual, Virtual];
  const outcome = {
    obstacle: undefined,
    connectMs: 0,
    responseMs: 0,
    totalMs: 1,
    sentBytes: 5,
    receivedBytes: 6,
  };
  await kit.ask(`rset ${W1} rstate=DOWN`);
  kit.director.observe(web, web.reals[1] as Virtual['reals'][0], {
    ...outcome,
    verdict: { up: false, reason: 'timeout', detail: '' },
    connectionProblem: 'silent',
  });
  kit.director.observe(six, six.reals[0] as Virtual['reals'][0], {
    ...outcome,
    sentBytes: 0,
    receivedBytes: 0,
    verdict: undefined,
    obstacle: 'socket: EMFILE',
    connectionProblem: undefined,
  });
  return kit;
}

it('reports statistics also where there is no descriptor left to read them with', async () => {
  const kit = await services({ processFigures: () => readProcessFigures(4711, '/nonexistent') });
  const lines = await kit.ask('stats');
  expect(lines).toContain('fd_used        : unknown');
  expect(lines).toContain('virtuals       : 4');
});

it('reports statistics in the original order, names padded to 15 columns', async () => {
  const lines = await (await services()).ask('stats');
  const own = lines.indexOf('=== engine ===');
  const original = lines.slice(0, own);
  expect(original.filter((line) => line.startsWith('==='))).toEqual(
    ORIGINAL_SECTIONS.map((title) => `=== ${title} ===`),
  );
  const figures = original.filter((line) => !line.startsWith('==='));
  const names = figures.map((line) => line.split(':')[0]?.trim());
  expect(names.slice(0, 30)).toEqual(ORIGINAL_NAMES);
  expect(names.slice(30).every((name) => name?.startsWith('Vm'))).toBe(true);
  for (const line of figures) expect(line).toMatch(/^\w+ *: \S.*$/);
  expect(figures).toEqual(
    expect.arrayContaining([
      'watchdog_pid   : 4711',
      `tester_pid     : ${process.pid}`,
      'virtuals       : 4',
      'reals          : 3',
      'ronline        : 2',
      'rdown          : 1',
      'offline_size   : 1',
      'override_size  : 1',
      'success        : 2',
      'failed         : 1',
      't_failed       : 1',
      't_offline_set  : 1',
      't_conn_problem : 1',
      't_bytes_rcvd   : 6',
      't_bytes_sent   : 5',
      expect.stringMatching(/^VmRSS {10}: \d+ kB$/),
    ]),
  );
});

it('says behind that how the engine is, what the last reload did, and what cannot be written', async () => {
  const lines = await (await services()).ask('stats');
  expect(lines.slice(lines.indexOf('=== engine ==='))).toEqual([
    '=== engine ===',
    't_running      : 3',
    't_waiting      : 4',
    't_obstacles    : 1',
    'r_obstacles    : 1',
    'long_stalls    : 1',
    'stalled_ms     : 1500',
    'lag_ms         : 3',
    'lag_max_ms     : 120',
    '=== adjusted weights ===',
    'r_ramping      : 0',
    'r_held         : 0',
    't_held_set     : 0',
    '=== sentinels ===',
    's_open         : 5',
    's_backed_off   : 6',
    's_breaks       : 7',
    's_tests        : 8',
    '=== last reload ===',
    'time           : never',
    '=== write troubles ===',
    'troubles       : 0',
  ]);
});

const TROUBLES: Partial<CommandContext> = {
  lastReload: () => ({
    at: WALL_NOW,
    report: { ...GOOD_RELOAD, ok: false, problems: ['s.xml:3:5: no', 'nor\n'], tookMs: 3.4 },
  }),
  troubles: () => [
    { file: '/d/offline.dump', since: WALL_NOW, cause: 'ENOSPC: no space', lost: 0 },
    { file: '/d/stats', since: WALL_NOW, cause: 'EIO', lost: 12 },
  ],
};

it('names each problem and each trouble', async () => {
  const lines = await (await services(TROUBLES)).ask('stats');
  expect(lines.slice(lines.indexOf('=== last reload ==='))).toEqual([
    '=== last reload ===',
    'time           : 2026-11-20 10:07:14.921',
    'result         : failed',
    'took_ms        : 3',
    'warnings       : 0',
    'problems       : 2',
    'problem        : s.xml:3:5: no',
    'problem        : nor\\n',
    '=== write troubles ===',
    'troubles       : 2',
    'trouble        : /d/offline.dump since 2026-11-20 10:07:14.921: ENOSPC: no space',
    'trouble        : /d/stats since 2026-11-20 10:07:14.921, 12 lost: EIO',
  ]);
});

it('is a document, too', async () => {
  const at = WALL_NOW.toISOString();
  const { version, sections, lastReload, troubles } = await (await services(TROUBLES)).askDocument('stats');
  expect(version).toBe(1);
  expect(Object.keys(sections)).toEqual([...ORIGINAL_SECTIONS, 'engine', 'adjusted weights', 'sentinels']);
  expect(sections['real settings']).toEqual({
    ronline: 2,
    roffline: 0,
    rdown: 1,
    offline_size: 1,
    override_size: 1,
  });
  expect(sections['resource usage'].user_time).toEqual(expect.any(Number));
  expect(lastReload).toMatchObject({ at, ok: false, problems: ['s.xml:3:5: no', 'nor\n'] });
  expect(troubles[1]).toEqual({ file: '/d/stats', since: at, cause: 'EIO', lost: 12 });
  const untroubled = await (await services()).askDocument('stats');
  expect(untroubled).toMatchObject({ lastReload: null, troubles: [] });
});
