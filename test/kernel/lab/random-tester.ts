import { createLogger } from '@surealived/shared/log';
import type { DiffEntry, SnapshotVirtual } from '@surealived/shared/snapshot/format';
import { TesterRegistry } from '@surealived/testers/registry';
import { parseServices } from 'surealived/config/load';
import type { VirtualConfig } from 'surealived/config/model';
import { Director, type OperatorChange } from 'surealived/director';
import { FileHandover } from 'surealived/handover/file-handover';
import {
  createVirtual,
  currentWeight,
  diffEntries,
  type Real,
  snapshotVirtual,
  type Virtual,
} from 'surealived/state';
import type { HandoverDirectory } from '../../daemons/handover-directory.js';
import type { Pool } from './pool-watch.js';
import type { Random } from './random.js';
import { ServicePlan } from './service-plan.js';

const LEAVES = 0.6;
/** Of those that would leave nobody behind. */
const LAST_LEAVES = 0.05;
const FIRST_RETURNS = 0.2;
const MAX_WEIGHT = 65_535;
const OFF: readonly OperatorChange[] = [
  { adminState: 'OFFLINE' },
  { adminState: 'DOWN' },
  { adminState: 'ONLINE', override: { kind: 'absolute', weight: 0 } },
];

/** A time in which a virtual is served, as `Pool` tells it. */
type Served = Pick<Pool, 'servedSince' | 'isFromBirth'>;

/**
 * A surealived without tests: its own state and its own writer of hand-over files, moved at random. Every weight that it
 * gives is greater than all before.
 */
export class RandomTester {
  /** Diff lines so far. */
  lines = 0;
  readonly #random: Random;
  readonly #plan: ServicePlan;
  readonly #registry = new TesterRegistry();
  readonly #director: Director;
  readonly #handover: FileHandover;
  readonly #served = new Map<string, Served>();
  /** The names of all virtuals that there ever were. */
  readonly #wasBorn = new Set<string>();
  readonly #troubles: string[] = [];
  #lastWeight = 0;

  constructor(directory: HandoverDirectory, virtualCount: number, random: Random) {
    this.#random = random;
    this.#plan = new ServicePlan(virtualCount, {
      random,
      mayLeave: (virtual, real) => this.#mayLeave(virtual, real),
      nextWeight: () => this.#nextWeight(),
    });
    const sink = { write: (line: string) => this.#troubles.push(line) };
    const log = createLogger('surealived', { level: 'warn', format: 'json', sink });
    const wallNow = (): Date => new Date();
    this.#director = new Director({ virtuals: this.#load().map(createVirtual), log, wallNow });
    this.#handover = new FileHandover({
      paths: pathsOf(directory),
      source: () => this.state(),
      log,
      wallNow,
    });
    this.#director.listen({ onChange: (virtual, real) => this.#handOver(diffEntries(virtual, real)) });
    this.#noteServed(1);
  }

  /** Writes the first snapshot. */
  async start(): Promise<void> {
    await this.#handover.start();
  }

  /** Writes what is left. @throws Error where anything could not be written meanwhile. */
  async stop(): Promise<void> {
    await this.#handover.stop();
    if (this.#troubles.length > 0) throw new Error(`the tester had troubles:\n${this.#troubles.join('')}`);
  }

  /** What IPVS shall hold. */
  state(): readonly SnapshotVirtual[] {
    return this.#director.virtuals.map(snapshotVirtual);
  }

  pools(): readonly Pool[] {
    return this.#director.virtuals.flatMap(({ config }) => {
      const served = this.#served.get(config.name);
      return served ? [{ service: config, ...served }] : [];
    });
  }

  /** One real comes, goes, or changes its weight. */
  change(): void {
    const virtual = this.#random.pick(this.#director.virtuals);
    if (virtual.reals.length === 0) return;
    const real = this.#random.pick(virtual.reals);
    const from = this.#lastWeight + 1;
    this.#director.operate(virtual, real, this.#nextChange(virtual, real));
    this.#noteServed(from);
  }

  /** A new services file, as at a reload. */
  reload(): void {
    const from = this.#lastWeight + 1;
    for (let edits = 0; edits < 3; edits++) this.#plan.edit();
    const { needsSnapshot, entries } = this.#director.reconfigure(this.#load());
    this.#noteServed(from);
    if (needsSnapshot) void this.#handover.rewrite();
    else this.#handOver(entries);
  }

  /** The snapshot that is written from time to time. */
  refresh(): void {
    void this.#handover.refresh();
  }

  #handOver(entries: readonly DiffEntry[]): void {
    this.lines += entries.length;
    this.#handover.change(entries);
  }

  #nextChange(virtual: Virtual, real: Real): OperatorChange {
    const random = this.#random;
    const leaves = isServed(virtual)
      ? random.happens(LEAVES) && (isServedWithout(virtual, real) || random.happens(LAST_LEAVES))
      : !random.happens(FIRST_RETURNS);
    if (leaves) return random.pick(OFF);
    return { adminState: 'ONLINE', override: { kind: 'absolute', weight: this.#nextWeight() } };
  }

  #mayLeave(virtualName: string, realName: string): boolean {
    const virtual = this.#director.virtuals.find(({ config }) => config.name === virtualName);
    const real = virtual?.reals.find(({ config }) => config.name === realName);
    return !virtual || !real || !isServed(virtual) || isServedWithout(virtual, real);
  }

  #nextWeight(): number {
    if (this.#lastWeight === MAX_WEIGHT) throw new Error('no weights are left');
    return ++this.#lastWeight;
  }

  /** @param from The first weight that the last change may have given. */
  #noteServed(from: number): void {
    const present = new Set<string>();
    for (const virtual of this.#director.virtuals) {
      const { name } = virtual.config;
      const isFromBirth = !this.#wasBorn.has(name);
      present.add(name);
      this.#wasBorn.add(name);
      if (!isServed(virtual)) this.#served.delete(name);
      else if (!this.#served.has(name)) this.#served.set(name, { servedSince: from, isFromBirth });
    }
    for (const name of this.#served.keys()) if (!present.has(name)) this.#served.delete(name);
  }

  #load(): readonly VirtualConfig[] {
    const { virtuals, warnings } = parseServices(this.#plan.xml(), 'services.xml', {
      registry: this.#registry,
    });
    if (warnings.length > 0) throw new Error(JSON.stringify(warnings));
    return virtuals;
  }
}

function pathsOf({ lock, snapshot, reloadFlag, diffs }: HandoverDirectory) {
  return {
    lock_sync_file: lock,
    full_sync_file: snapshot,
    full_reload_file: reloadFlag,
    diff_sync_dir: diffs,
  };
}

function isServed({ reals }: Virtual): boolean {
  return reals.some((real) => currentWeight(real) > 0);
}

function isServedWithout({ reals }: Virtual, leaving: Real): boolean {
  return reals.some((real) => real !== leaving && currentWeight(real) > 0);
}
