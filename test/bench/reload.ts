/**
 * What a reload costs the tests: how long the event loop of a running tester is held up by it.
 *
 * The tester runs in this process; a turn of the event loop that takes long is seen as a gap between two `setImmediate`s.
 *
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises';
import { createLogger } from '@surealived/shared/log';
import { loadSources } from 'surealived/config/sources';
import { Daemon } from 'surealived/daemon';
import { HandoverDirectory } from '../daemons/handover-directory.js';
import { RealServer } from '../daemons/real-server.js';
import type { BenchPart, Figure, PartResult } from './report.js';

const VIRTUALS = 1000;
const REALS_PER_VIRTUAL = 5;
const ROUNDS = 5;
/** Shorter gaps are the ordinary work of the tests. */
const BLOCK_MS = 3;
const GOALS = { totalMs: 300, longestMs: 50 };

export const reload: BenchPart = {
  name: 'reload',
  title: `Reload of ${VIRTUALS} virtuals with ${REALS_PER_VIRTUAL} reals each, one changed weight; worst of ${ROUNDS}`,
  ours: 'surealived',
  method:
    'The tester runs in one process with the measurement; a turn of the event loop that takes long is seen as a gap between two `setImmediate`s.',
  missing: () => [],
  async run(): Promise<PartResult> {
    using directory = new HandoverDirectory({ maxfd: 8192, logging: 'error' });
    const server = new RealServer('all', 'tcp', '0.0.0.0', 0);
    await server.start();
    const write = (weight: number): string => directory.writeServices(servicesXml(server.port, weight));
    const sources = { configFile: directory.config, servicesFile: write(10), strict: false };
    const { config, services } = await loadSources(sources);
    const log = createLogger('surealived', { level: 'error' });
    const daemon = new Daemon({
      config,
      virtuals: services.virtuals,
      sources,
      log,
      verbosity: 0,
      noSync: false,
      noDumpFile: false,
    });
    await daemon.start();
    await delay(3000); // past the start-up: every real has its rhythm
    const idle = await measure(() => delay(1000));
    const reloads = [];
    for (let round = 0; round < ROUNDS; round++) {
      write(20 + round);
      reloads.push(
        await measure(async () => {
          const { ok, changed, problems } = await daemon.reload();
          if (!ok || changed !== 1) throw new Error(`reload: changed ${changed}, ${problems.join('; ')}`);
        }),
      );
    }
    await daemon.stop();
    await server.stop();
    return { figures: figuresOf(idle, reloads) };
  },
};

interface Blocks {
  readonly tookMs: number;
  /** Sum of all turns above BLOCK_MS. */
  readonly totalMs: number;
  readonly longestMs: number;
}

async function measure(work: () => Promise<void>): Promise<Blocks> {
  const startMs = performance.now();
  let lastMs = startMs;
  let totalMs = 0;
  let longestMs = 0;
  let isOver = false;
  const turn = (): void => {
    const nowMs = performance.now();
    const gapMs = nowMs - lastMs;
    lastMs = nowMs;
    if (gapMs > BLOCK_MS) totalMs += gapMs;
    longestMs = Math.max(longestMs, gapMs);
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  await work();
  await delay(50); // what follows in the next turns belongs to it
  isOver = true;
  return { tookMs: performance.now() - startMs - 50, totalMs, longestMs };
}

function figuresOf(idle: Blocks, reloads: readonly Blocks[]): readonly Figure[] {
  const worst = (figure: keyof Blocks): number => Math.max(...reloads.map((blocks) => blocks[figure]));
  const figure = (what: string, key: string, ours: number, atMost?: number): Figure => ({
    key,
    what,
    unit: 'ms',
    ours,
    panel: 'Reload with one change',
    ...(atMost !== undefined && { goal: { of: 'ours', atMost } }),
  });
  return [
    figure('loop blocked in all', 'blockedMs', worst('totalMs'), GOALS.totalMs),
    figure('longest block', 'longestMs', worst('longestMs'), GOALS.longestMs),
    figure('from the request to the end', 'tookMs', worst('tookMs')),
    figure('longest block in a second without a reload', 'idleLongestMs', idle.longestMs),
  ];
}

/** @param weight Of the last real of all. */
function servicesXml(port: number, weight: number): string {
  const real = (virtual: number, index: number): string => {
    const isLast = virtual === VIRTUALS - 1 && index === REALS_PER_VIRTUAL - 1;
    return `<real name="r${index}" addr="127.0.1.${index + 1}" port="80" weight="${isLast ? weight : 10}"/>`;
  };
  const virtuals = Array.from({ length: VIRTUALS }, (_, i) => {
    const reals = Array.from({ length: REALS_PER_VIRTUAL }, (_, index) => real(i, index)).join('\n    ');
    return `
  <virtual name="v${i}" addr="10.0.${i >> 8}.${i & 255}" port="80" proto="tcp" sched="wrr" rt="masq">
    <tester proto="tcp" testport="${port}" loopdelay="3" timeout="5"/>
    ${reals}
  </virtual>`;
  });
  return `<surealived>${virtuals.join('')}\n</surealived>\n`;
}
