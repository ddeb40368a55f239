import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { openTable } from 'ipvssync/backend/backend';
import type { IpvsTable } from 'ipvssync/ipvs/table';
import { scriptOf } from '../../daemons/daemon-process.js';
import { HandoverDirectory } from '../../daemons/handover-directory.js';
import type { Namespace } from '../lab/namespace.js';
import { PoolWatch } from '../lab/pool-watch.js';
import { Random } from '../lab/random.js';
import { RandomTester } from '../lab/random-tester.js';
import { Supervisor } from '../lab/supervisor.js';
import { assertHolds } from '../lab/tester-table.js';
import type { Lab } from '../lab.js';
import type { Scenario } from './scenario.js';

const NAMESPACE = 'director';
const KILLS = 100;
const VIRTUALS = 20;
const LINES_PER_SEC = 200;
/** In changes, so that they fall on all moments of a life. */
const REFRESH_EVERY = 75;
const RELOAD_EVERY = 115;
const LONGEST_CHANGE_PAUSE_MS = 50;
const SAMPLE_PAUSE_MS = 150;
const TIMEOUT_MS = 20_000;
/** What reading and writing the table take, and the life after that. */
const FIRST_ROUND_MS = 40;
const FOLLOWING_MS = 400;

const READ = /"snapshot read"/;
const WRITTEN = /"table synchronised"/;
/** Nobody else writes the table, and nothing is wrong with the files. */
const TROUBLE = /"level":"(warn|error)"|"drift/;
/** All that may be there in the end, diff files without their numbers. */
const FILES = [
  'diffs',
  'diffs/diff_sync',
  'ipvsfull.cfg',
  'ipvsfull.cfg.owner',
  'ipvsfull.lock',
  'ipvssync.pid',
  'ipvssync.sock',
  'surealived.cfg',
  'table',
];

export const kills: Scenario = {
  name: 'kills',
  title: `ipvssync is killed ${KILLS} times while ${LINES_PER_SEC} diffs arrive per second: no pool is ever seen empty, and the table is right in the end`,
  timeoutMs: 300_000,
  async run(lab) {
    const seed = Date.now() % 0x7fffffff;
    lab.note(`seed ${seed}`);
    const [director] = (await lab.createNamespaces([NAMESPACE])) as [Namespace];
    await director.ip(['link set lo up']);
    using directory = new HandoverDirectory({ resync_interval_sec: 1 });
    const tester = new RandomTester(directory, VIRTUALS, new Random(seed));
    await tester.start();
    const options = ['-c', directory.config, '-u', '--pid-file', pidFileOf(directory)];
    const argv = [process.execPath, scriptOf('ipvssync'), ...options];
    const supervisor = await Supervisor.start(director, argv, 'ipvssync');
    const table = await openTable({ kind: 'kernel', netns: NAMESPACE });
    const parts = { lab, director, directory, tester, supervisor, table, random: new Random(~seed) };
    try {
      await new Ordeal(parts).run();
    } catch (error) {
      throw new Error(`seed ${seed}: ${error}`, { cause: error });
    } finally {
      table.close();
    }
  },
};

interface OrdealParts {
  readonly lab: Lab;
  readonly director: Namespace;
  readonly directory: HandoverDirectory;
  readonly tester: RandomTester;
  readonly supervisor: Supervisor;
  readonly table: IpvsTable;
  /** For moments. The tester has its own, so that a seed tells what it does, whatever happens when. */
  readonly random: Random;
}

class Ordeal {
  readonly #parts: OrdealParts;
  readonly #watch = new PoolWatch();
  #samples = 0;

  constructor(parts: OrdealParts) {
    this.#parts = parts;
  }

  async run(): Promise<void> {
    const { lab, tester } = this.#parts;
    const over = new AbortController();
    const signal = AbortSignal.any([lab.signal, over.signal]);
    const background = [this.#keepChanging(signal), this.#keepSampling(signal)];
    const startedMs = performance.now();
    try {
      await Promise.race([this.#killAgainAndAgain(), ...background]);
    } finally {
      over.abort();
      await Promise.allSettled(background);
    }
    lab.measure('linesPerSec', (tester.lines / (performance.now() - startedMs)) * 1000);
    lab.measure('samples', this.#samples);
    lab.measure('judgedPools', this.#watch.judged);
    await this.#settle();
  }

  /** Three in ten at any moment of the start; the others while it reads and writes the whole table, or follows. */
  async #killAgainAndAgain(): Promise<void> {
    const { lab, random, supervisor } = this.#parts;
    const startedMs = performance.now();
    await supervisor.waitForLine(READ);
    const startMs = performance.now() - startedMs;
    const killed = { beforeReading: 0, inFirstRound: 0, following: 0 };
    for (let kill = 0; kill < KILLS; kill++) {
      const isAnywhere = random.happens(0.3);
      if (!isAnywhere) await supervisor.waitForLine(READ);
      const limitMs = isAnywhere ? startMs : random.happens(0.5) ? FIRST_ROUND_MS : FOLLOWING_MS;
      await pause(random.next() * limitMs);
      const output = await supervisor.kill();
      await this.#sample();
      assert.doesNotMatch(output, TROUBLE);
      killed[WRITTEN.test(output) ? 'following' : READ.test(output) ? 'inFirstRound' : 'beforeReading']++;
    }
    lab.note(`first start ${Math.round(startMs)} ms; killed ${JSON.stringify(killed)}`);
  }

  /** As many as are due, since a pause may be longer than what was asked for. */
  async #keepChanging(signal: AbortSignal): Promise<void> {
    const { random, tester } = this.#parts;
    const startedMs = performance.now();
    for (let changes = 0; !signal.aborted; await pause(random.next() * LONGEST_CHANGE_PAUSE_MS)) {
      const due = ((performance.now() - startedMs) / 1000) * LINES_PER_SEC;
      for (; tester.lines < due; changes++) {
        tester.change();
        if (changes % REFRESH_EVERY === 0) tester.refresh();
        if (changes % RELOAD_EVERY === 0) tester.reload();
      }
    }
  }

  async #keepSampling(signal: AbortSignal): Promise<void> {
    for (; !signal.aborted; await pause(SAMPLE_PAUSE_MS)) await this.#sample();
  }

  /** The kernel gives the destinations of one service at a time, whole; what the tester knows is of after that. */
  async #sample(): Promise<void> {
    const { table, tester } = this.#parts;
    const found = await table.read();
    this.#watch.sample(found, tester.pools());
    this.#samples++;
  }

  /** The last one has all the time it needs; what those before it left behind must be gone then. */
  async #settle(): Promise<void> {
    const { lab, director, directory, tester, supervisor } = this.#parts;
    const startedMs = performance.now();
    await tester.stop();
    await supervisor.waitForLine(READ);
    await this.#until("the tester's state in the kernel", () => assertHolds(director, tester.state()));
    lab.measure('settledMs', performance.now() - startedMs);
    await this.#until('no files but those in use', () => assert.deepEqual(filesOf(directory), FILES));
    assert.equal(readFileSync(pidFileOf(directory), 'utf8'), `${supervisor.pid}\n`);
    assert.doesNotMatch(supervisor.output, TROUBLE);
    assert.deepEqual(await supervisor.stop(), { code: 0, signal: null });
    await assertHolds(director, tester.state());
    assert(!existsSync(pidFileOf(directory)));
  }

  async #until(what: string, holds: () => void | Promise<void>): Promise<void> {
    const accept = (): boolean => true;
    await this.#parts.lab.waitUntil(holds, { what, timeoutMs: TIMEOUT_MS, intervalMs: 100, accept });
  }
}

function pidFileOf({ path }: HandoverDirectory): string {
  return join(path, 'ipvssync.pid');
}

function filesOf({ path }: HandoverDirectory): readonly string[] {
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' });
  return names.map((name) => name.replace(/\.\d+$/, '')).sort();
}
