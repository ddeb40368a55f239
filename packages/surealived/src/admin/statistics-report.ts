import { readdirSync, readFileSync } from 'node:fs';
import type { Director } from '../director.js';
import type { Real } from '../state.js';

/** What the process itself has used, for `stats`. */
export interface ProcessFigures {
  readonly pid: number;
  readonly usage: NodeJS.ResourceUsage;
  readonly openFiles: number;
  /** The Vm* lines of /proc/self/status, as name and value. */
  readonly memory: readonly (readonly [name: string, value: string])[];
}

export function readProcessFigures(): ProcessFigures {
  const status = readFileSync('/proc/self/status', 'utf8');
  const memory = [...status.matchAll(/^(Vm\w+):\s*(.*)$/gm)].map(
    ([, name = '', value = '']) => [name, value] as const,
  );
  const openFiles = readdirSync('/proc/self/fd').length;
  return { pid: process.pid, usage: process.resourceUsage(), openFiles, memory };
}

/** The answer to `stats`: sections of `name : value` lines, names padded to 15 columns. */
export function reportStatistics(director: Director, figures: ProcessFigures): readonly string[] {
  const reals = director.virtuals.flatMap((virtual) => virtual.reals);
  return [
    // without a watchdog the tester stands for itself
    ...section('global stats', [
      ['watchdog_pid', figures.pid],
      ['tester_pid', figures.pid],
      ['virtuals', director.virtuals.length],
      ['reals', reals.length],
    ]),
    ...section('real settings', realSettings(reals)),
    ...section('real stats', [
      ['success', count(reals, ({ health }) => health.online)],
      ['failed', count(reals, ({ health }) => !health.online)],
    ]),
    ...section('tests stats', testFigures(director)),
    ...section('resource usage', resourceFigures(figures)),
    ...section('memory usage', figures.memory),
  ];
}

type Line = readonly [name: string, value: number | string];

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
    ['fd_used', openFiles],
  ];
}

function section(title: string, lines: readonly Line[]): readonly string[] {
  return [`=== ${title} ===`, ...lines.map(([name, value]) => `${name.padEnd(15)}: ${value}`)];
}

function count(reals: readonly Real[], matches: (real: Real) => boolean): number {
  return reals.reduce((sum, real) => sum + (matches(real) ? 1 : 0), 0);
}

/** Microseconds as seconds. */
function seconds(timeUs: number): string {
  return (timeUs / 1e6).toFixed(6);
}
