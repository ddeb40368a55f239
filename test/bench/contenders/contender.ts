import type { Load } from '../load.js';

/** Tests so far. */
export interface Counts {
  readonly successes: number;
  readonly failures: number;
  /** How late its event loop came at worst lately, of a program that tells. */
  readonly lagMs?: number | undefined;
}

/** A program that tests: something to be measured beside something else. */
export interface Contender extends AsyncDisposable {
  /** All of its processes. */
  readonly pids: readonly number[];
  /** What it says itself; `undefined` where it says nothing, and the servers have to be asked. */
  count(): Promise<Counts | undefined>;
}

/** A program that may take part. */
export interface Entrant {
  readonly name: string;
  /** Whether it has such a test. */
  canTest(tester: Load['tester']): boolean;
  start(load: Load, port: number): Promise<Contender>;
}
