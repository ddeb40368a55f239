/**
 * What a reload costs the tests: how long the event loop of a running tester is held up by it.
 *
 * @module
 */
import { fileURLToPath } from 'node:url';
import { nginxVersion } from '../servers/nginx.js';
import { startBenchServers } from './bench-servers.js';
import { ownNodeOptions } from './contenders/surealived.js';
import type { Blocks } from './loop-blocks.js';
import { MeasuredProcess } from './measured-process.js';
import { type BenchPart, type Figure, formatNumber } from './report.js';

const SCRIPT = fileURLToPath(new URL('./reload-run.js', import.meta.url));
const ROUNDS = 5;
const MAX_LONGEST_MS = 50;

interface Size {
  readonly reals: number;
  readonly loopDelaySec: number;
  readonly maxBlockedMs?: number;
}
const SIZES: readonly Size[] = [
  { reals: 5000, loopDelaySec: 3, maxBlockedMs: 300 },
  { reals: 30_000, loopDelaySec: 10 },
];

export const reload: BenchPart = {
  name: 'reload',
  title: 'Reload with one changed weight',
  ours: 'surealived',
  method: `
A running tester reads its files anew, in which one weight differs. It shares its process with the measurement: a turn of the
event loop that takes long is seen as a gap between two \`setImmediate\`s; gaps above 3 ms count as blocked. Given is the worst of
${ROUNDS} reloads. Tests go on meanwhile, at ${SIZES.map(({ reals, loopDelaySec }) => `${formatNumber(Math.round(reals / loopDelaySec))} a second with ${formatNumber(reals)} reals`).join(' and ')}; what they and the garbage collector take in a
second without a reload is the last figure. Where the machine has other things to do, blocked has also what the main thread waits
for a core, which is told apart and is no work of its own.`,
  missing: () => (nginxVersion() === undefined ? ['nginx-light'] : []),
  async run({ isQuick, onProgress }) {
    await using servers = await startBenchServers();
    const figures: Figure[] = [];
    for (const size of SIZES) {
      onProgress(`${formatNumber(size.reals)} reals`);
      figures.push(...figuresOf(size, await measure(size, servers.portOf('tcp'), isQuick)));
    }
    return { figures };
  },
};

interface Measured {
  readonly idle: Blocks;
  readonly reloads: readonly Blocks[];
}

async function measure({ reals, loopDelaySec }: Size, port: number, isQuick: boolean): Promise<Measured> {
  const waitMs = isQuick ? 1000 : 2000 * loopDelaySec; // past the first round: every real has its rhythm
  const args = [reals, loopDelaySec, port, waitMs].map(String);
  await using run = new MeasuredProcess([process.execPath, ...ownNodeOptions(), SCRIPT, ...args], {
    isAsked: true,
  });
  const idle = JSON.parse(await run.ask('idle')) as Blocks;
  const reloads: Blocks[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    reloads.push(JSON.parse(await run.ask('reload')) as Blocks);
  }
  return { idle, reloads };
}

function figuresOf({ reals, maxBlockedMs }: Size, { idle, reloads }: Measured): readonly Figure[] {
  const worst = (figure: keyof Blocks): number => Math.max(...reloads.map((blocks) => blocks[figure]));
  const figure = (what: string, key: string, ours: number, atMost?: number): Figure => ({
    key: `${key}${reals}Ms`,
    what,
    unit: 'ms',
    ours,
    panel: `${formatNumber(reals)} reals`,
    ...(atMost !== undefined && { goal: { of: 'ours', atMost } }),
  });
  const of = `${formatNumber(reals)} reals`;
  return [
    figure(`${of}, loop blocked in all`, 'blocked', worst('totalMs'), maxBlockedMs),
    figure(`${of}, longest block`, 'longest', worst('longestMs'), MAX_LONGEST_MS),
    figure(`${of}, main thread waiting for a core`, 'waited', worst('waitedMs')),
    figure(`${of}, from the request to the end`, 'took', worst('tookMs')),
    figure(`${of}, longest without a reload`, 'idleLongest', idle.longestMs),
  ];
}
