import type { Clock } from '@surealived/shared/clock';
import { Director } from '../director.js';
import type { Outcome } from '../engine/outcome.js';
import type { ReloadReport } from '../reload-report.js';
import { at, realConfig, recordingLog, virtualConfig } from '../services.test-kit.js';
import { createVirtual, type Virtual } from '../state.js';
import { answer } from './commands.js';
import type { CommandContext } from './context.js';
import { readProcessFigures } from './process-figures.js';

/** When a test's wall clock stands: 2026-11-20 10:07:14.921 local time. */
export const WALL_NOW = new Date(2026, 10, 20, 10, 7, 14, 921);

export const GOOD_RELOAD: ReloadReport = {
  ok: true,
  problems: [],
  warnings: [],
  added: 1,
  removed: 2,
  changed: 3,
  tookMs: 12.4,
};

export const UP: Outcome = {
  verdict: { up: true, detail: 'status 200' },
  obstacle: undefined,
  connectionProblem: undefined,
  connectMs: 0.3126,
  responseMs: 1.2,
  totalMs: 1.5,
  sentBytes: 4,
  receivedBytes: 6,
};

/** What commands need, around some virtuals; what a test does not give does nothing. */
export function commandContext(virtuals: readonly Virtual[], own: Partial<CommandContext> = {}) {
  const { log, entries } = recordingLog();
  const clock: Clock = { nowMs: () => 5000, wallNow: () => WALL_NOW };
  const director = new Director({ virtuals, log, wallNow: clock.wallNow });
  const context: CommandContext = {
    director,
    clock,
    log,
    processFigures: () => readProcessFigures(),
    engineLoad: () => ({
      running: 3,
      waiting: 4,
      longStalls: 1,
      stalledMs: 1500.4,
      lagMs: 3.2,
      worstLagMs: 120,
      sentinelsOpen: 5,
      sentinelsBackedOff: 6,
      sentinelBreaks: 7,
      sentinelTests: 8,
    }),
    check: async () => UP,
    reload: async () => GOOD_RELOAD,
    lastReload: () => undefined,
    troubles: () => [],
    connections: () => undefined,
    settled: async () => true,
    ...own,
  };
  const ask = async (line: string): Promise<readonly string[]> => {
    const text = [...(await answer(context, line))].join('');
    return text === '' ? [] : text.replace(/\n$/, '').split('\n');
  };
  /** The one JSON document that a command answers with. */
  const askDocument = async (line: string) => {
    const lines = await ask(`${line} --json`);
    if (lines.length !== 1) throw new Error(`${lines.length} lines`);
    return JSON.parse(lines[0] ?? '');
  };
  return { context, director, ask, askDocument, entries };
}

export const WEB = 'vproto=tcp vaddr=192.168.0.1 vport=80';
export const W1 = `${WEB} raddr=10.0.0.11 rport=80`;
export const WEB_HEAD = 'vname=web vproto=tcp vaddr=192.168.0.1 vport=80 vfwmark=0 vrt=dr vsched=wrr';

/** A web service with two reals, a mark in both families without reals, and one real of IPv6 and UDP. */
export function someVirtuals(): readonly Virtual[] {
  const mark = {
    name: 'a mark',
    protocol: 'fwmark' as const,
    port: 0,
    fwmark: 7,
    forwarding: 'tun' as const,
    scheduler: 'rr',
  };
  const six = at('2001:db8::1');
  return [
    virtualConfig([realConfig('w1'), realConfig('w 2', { address: at('10.0.0.12'), weight: 20 })]),
    virtualConfig([], {}, { ...mark, address: at('0.0.0.0') }),
    virtualConfig([], {}, { ...mark, name: 'mark6', address: at('::') }),
    virtualConfig(
      [realConfig('s1', { address: six })],
      {},
      { name: 'six', protocol: 'udp', address: six, port: 53 },
    ),
  ].map(createVirtual);
}
