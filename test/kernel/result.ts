/**
 * What the guest tells the host about its scenarios.
 *
 * One file per scenario instead of one report at the end: a kernel that dies in the fifth scenario must not take
 * the verdicts of the first four with it.
 *
 * @module
 */
import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** The last output of one process, or another text that explains a failure, with where it comes from. */
export interface CollectedLog {
  readonly source: string;
  readonly text: string;
}

export interface ScenarioFailure {
  readonly message: string;
  readonly stack?: string;
  readonly logs: readonly CollectedLog[];
}

export interface ScenarioResult {
  readonly name: string;
  readonly ok: boolean;
  readonly durationMs: number;
  readonly error?: ScenarioFailure;
  /** Figures worth printing; the unit is the end of the name (`reactionMs`). */
  readonly measurements?: Readonly<Record<string, number>>;
  readonly notes?: readonly string[];
}

/** Writes a result so that the host sees it whole or not at all, and keeps it if the guest dies right after. */
export function writeResult(directory: string, result: ScenarioResult): void {
  const target = join(directory, `${result.name}.json`);
  const file = openSync(`${target}.new`, 'w');
  try {
    writeSync(file, JSON.stringify(result));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${target}.new`, target);
}

/** The text a failed test shows: message and stack first, since the logs may be long. */
export function describeFailure(failure: ScenarioFailure): string {
  const logs = failure.logs.map(({ source, text }) => `--- ${source}\n${text}`);
  return [failure.stack ?? failure.message, ...logs].join('\n');
}
