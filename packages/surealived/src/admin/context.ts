import type { Clock } from '@surealived/shared/clock';
import type { Logger } from '@surealived/shared/log';
import type { Director } from '../director.js';
import type { Outcome, Trace } from '../engine/outcome.js';
import type { ReloadReport } from '../reload-report.js';
import type { SentinelFigures } from '../sentinel/watch.js';
import type { Real, Virtual } from '../state.js';
import type { ConnectionStatistics } from '../statistics/connection-statistics.js';
import type { WriteTrouble } from '../write-troubles.js';
import type { ProcessFigures } from './process-figures.js';

/** How busy the engine is. */
export interface EngineLoad extends Readonly<SentinelFigures> {
  /** Tests under way. */
  readonly running: number;
  /** Tests that wait for their turn. */
  readonly waiting: number;
  /** Stalls so long that tests may have suffered. */
  readonly longStalls: number;
  /** Milliseconds that the process stood still since its start. */
  readonly stalledMs: number;
  /** How late the event loop came at worst, in the last minute or two. */
  readonly lagMs: number;
  /** The same since the start. */
  readonly worstLagMs: number;
}

/** A reload, and when it ended. */
export interface LastReload {
  readonly at: Date;
  readonly report: ReloadReport;
}

/** What the commands see of the program, and may ask of it. */
export interface CommandContext {
  readonly director: Director;
  readonly clock: Clock;
  readonly log: Logger;
  processFigures(): ProcessFigures;
  engineLoad(): EngineLoad;
  /** Tests a real once, now; the outcome does not count for its state. */
  check(virtual: Virtual, real: Real, trace: Trace): Promise<Outcome>;
  /** Reads both files anew. What is wrong with them is in the report, not thrown. */
  reload(): Promise<ReloadReport>;
  /** The last reload since the start. */
  lastReload(): LastReload | undefined;
  /** What cannot be written at present, oldest first. */
  troubles(): readonly WriteTrouble[];
  /** `undefined` where no connection statistics are gathered. */
  connections(): ConnectionStatistics | undefined;
  /** Waits for what operators have set to be written. @returns False where it could not be for now. */
  settled(): Promise<boolean>;
}
