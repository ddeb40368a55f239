import { escapeText } from '@surealived/shared/escape';
import { localTime } from '@surealived/shared/log-line';
import type { Director } from '../director.js';
import { isHeld, isRamping, type Real } from '../state.js';
import type { WriteTrouble } from '../write-troubles.js';
import type { Command } from './command.js';
import type { CommandContext, EngineLoad, LastReload } from './context.js';
import type { Statistics } from './documents.js';
import type { ProcessFigures } from './process-figures.js';

export const stats: Command = {
  name: 'stats',
  operands: '',
  summary: 'shows sums over all tests, what this process uses, and what it cannot do at present',
  run(context) {
    const { director } = context;
    const load = context.engineLoad();
    const figures = [
      ...originalSections(director, context.processFigures()),
      { title: 'engine', lines: engineFigures(director, load) },
      { title: 'adjusted weights', lines: adjustmentFigures(director) },
      { title: 'sentinels', lines: sentinelFigures(load) },
    ];
    const troubles = [
      { title: 'last reload', lines: describeReload(context.lastReload()) },
      { title: 'write troubles', lines: describeTroubles(context.troubles()) },
    ];
    return {
      lines: () => [...figures, ...troubles].flatMap(printSection),
      document: () => statisticsDocument(figures, context),
    };
  },
};

/** Lines of `name : value`, the names padded to 15 columns. */
interface Section {
  readonly title: string;
  readonly lines: readonly Line[];
}
type Line = readonly [name: string, value: number | string];

/** What the original prints, in its order. */
function originalSections(director: Director, figures: ProcessFigures): readonly Section[] {
  const reals = director.virtuals.flatMap((virtual) => virtual.reals);
  return [
    {
      title: 'global stats',
      lines: [
        ['watchdog_pid', figures.watchdogPid],
        ['tester_pid', figures.pid],
        ['virtuals', director.virtuals.length],
        ['reals', reals.length],
      ],
    },
    { title: 'real settings', lines: realSettings(reals) },
    {
      title: 'real stats',
      lines: [
        ['success', count(reals, ({ health }) => health.online)],
        ['failed', count(reals, ({ health }) => !health.online)],
      ],
    },
    { title: 'tests stats', lines: testFigures(director) },
    { title: 'resource usage', lines: resourceFigures(figures) },
    { title: 'memory usage', lines: figures.memory },
  ];
}

function realSettings(reals: readonly Real[]): readonly Line[] {
  return [
    ['ronline', count(reals, ({ adminState }) => adminState === 'ONLINE')],
    ['roffline', count(reals, ({ adminState }) => adminState === 'OFFLINE')],
    ['rdown', count(reals, ({ adminState }) => adminState === 'DOWN')],
    ['offline_size', count(reals, ({ health }) => !health.online)],
    [
      'override_size',
      count(reals, ({ override, adminState }) => override !== undefined || adminState !== 'ONLINE'),
    ],
  ];
}

function testFigures({ statistics }: Director): readonly Line[] {
  return [
    ['t_success', statistics.successes],
    ['t_failed', statistics.failures],
    ['t_online_set', statistics.onlineTransitions],
    ['t_offline_set', statistics.offlineTransitions],
    ['t_conn_problem', statistics.silentProblems],
    ['t_arp_problem', statistics.unreachableProblems],
    ['t_rst_problem', statistics.refusedProblems],
    ['t_bytes_rcvd', statistics.receivedBytes],
    ['t_bytes_sent', statistics.sentBytes],
  ];
}

function resourceFigures({ usage, openFiles }: ProcessFigures): readonly Line[] {
  return [
    ['user_time', seconds(usage.userCPUTime)],
    ['system_time', seconds(usage.systemCPUTime)],
    ['block_in_ops', usage.fsRead],
    ['block_out_ops', usage.fsWrite],
    ['messages_sent', usage.ipcSent],
    ['messages_rcvd', usage.ipcReceived],
    ['signals_rcvd', usage.signalsCount],
    ['voluntary_ctx', usage.voluntaryContextSwitches],
    ['involunt_ctx', usage.involuntaryContextSwitches],
    ['fd_used', openFiles ?? 'unknown'],
  ];
}

function engineFigures({ statistics, virtuals }: Director, load: EngineLoad): readonly Line[] {
  const hindered = virtuals.reduce(
    (sum, { reals }) => sum + count(reals, ({ obstacle }) => obstacle !== undefined),
    0,
  );
  return [
    ['t_running', load.running],
    ['t_waiting', load.waiting],
    ['t_obstacles', statistics.obstacles],
    ['r_obstacles', hindered],
    ['long_stalls', load.longStalls],
    ['stalled_ms', Math.round(load.stalledMs)],
    ['lag_ms', Math.round(load.lagMs)],
    ['lag_max_ms', Math.round(load.worstLagMs)],
  ];
}

function adjustmentFigures({ statistics, virtuals }: Director): readonly Line[] {
  const total = (matches: (real: Real) => boolean): number =>
    virtuals.reduce((sum, { reals }) => sum + count(reals, matches), 0);
  return [
    ['r_ramping', total(isRamping)],
    ['r_held', total(isHeld)],
    ['t_held_set', statistics.holds],
  ];
}

function sentinelFigures(load: EngineLoad): readonly Line[] {
  return [
    ['s_open', load.sentinelsOpen],
    ['s_backed_off', load.sentinelsBackedOff],
    ['s_breaks', load.sentinelBreaks],
    ['s_tests', load.sentinelTests],
  ];
}

function describeReload(last: LastReload | undefined): readonly Line[] {
  if (!last) return [['time', 'never']];
  const { ok, problems, warnings, tookMs } = last.report;
  return [
    ['time', localTime(last.at)],
    ['result', ok ? 'ok' : 'failed'],
    ['took_ms', Math.round(tookMs)],
    ['warnings', warnings.length],
    ['problems', problems.length],
    ...problems.map((problem) => ['problem', escapeText(problem)] as const),
  ];
}

function describeTroubles(troubles: readonly WriteTrouble[]): readonly Line[] {
  return [
    ['troubles', troubles.length],
    ...troubles.map(({ file, since, cause, lost }) => {
      const what = `${file} since ${localTime(since)}${lost > 0 ? `, ${lost} lost` : ''}`;
      return ['trouble', escapeText(`${what}: ${cause}`)] as const;
    }),
  ];
}

function printSection({ title, lines }: Section): readonly string[] {
  return [`=== ${title} ===`, ...lines.map(([name, value]) => `${name.padEnd(15)}: ${value}`)];
}

function statisticsDocument(figures: readonly Section[], context: CommandContext): Statistics {
  const last = context.lastReload();
  return {
    sections: Object.fromEntries(
      figures.map(({ title, lines }) => [
        title,
        Object.fromEntries(lines.map(([name, value]) => [name, plain(value)])),
      ]),
    ),
    lastReload: last ? { at: last.at.toISOString(), ...last.report } : null,
    troubles: context
      .troubles()
      .map(({ file, since, cause, lost }) => ({ file, since: since.toISOString(), cause, lost })),
  };
}

/** Seconds are printed with all their places; in a document they are a number. */
function plain(value: number | string): number | string {
  return typeof value === 'string' && /^\d+\.\d+$/.test(value) ? Number(value) : value;
}

function count(reals: readonly Real[], matches: (real: Real) => boolean): number {
  return reals.reduce((sum, real) => sum + (matches(real) ? 1 : 0), 0);
}

/** Microseconds as seconds. */
function seconds(timeUs: number): string {
  return (timeUs / 1e6).toFixed(6);
}
