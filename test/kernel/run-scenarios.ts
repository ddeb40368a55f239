import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GUEST_RESULTS_DIR, type GuestReport, launchGuest } from './launch.js';
import { describeFailure, type ScenarioResult } from './result.js';
import type { Scenario } from './scenarios/scenario.js';

const CHECKOUT = fileURLToPath(
  new URL(import.meta.url.includes('/dist/') ? '../../../' : '../../', import.meta.url),
);
/** The guest has no TypeScript: it runs what the build made. */
const GUEST_PROGRAM = `${CHECKOUT}test/dist/kernel/guest.js`;

const BOOT_AND_HALT_MS = 60_000;
/** Above what the guest allows itself for a scenario's clean-up, so that its own message comes first. */
const CLEAN_UP_MS = 25_000;

/** What came of scenarios that ran in one boot. */
export class ScenarioReport {
  readonly #report: GuestReport;

  constructor(report: GuestReport) {
    this.#report = report;
  }

  /**
   * The result of one scenario.
   *
   * @throws Error where it failed, or never ended: then with what became of the guest.
   */
  resultOf(name: string): ScenarioResult {
    const { results, failure, exitStatus, output } = this.#report;
    const text = results.get(`${name}.json`);
    const reason = failure ?? `the guest program ended with status ${exitStatus}\n${output}`;
    if (text === undefined) throw bareError(`no result of ${name}: ${reason}`);
    const result = JSON.parse(text) as ScenarioResult;
    if (result.error) throw bareError(describeFailure(result.error));
    return result;
  }
}

/** How long `runScenarios` may take at most. */
export function limitOf(scenarios: readonly Scenario[]): number {
  return scenarios.reduce((sum, { timeoutMs }) => sum + timeoutMs + CLEAN_UP_MS, BOOT_AND_HALT_MS);
}

/** Boots a guest and runs scenarios in it, one after the other. */
export async function runScenarios(
  scenarios: readonly Scenario[],
  { isSpread = false } = {},
): Promise<ScenarioReport> {
  if (!existsSync(GUEST_PROGRAM)) throw new Error(`${GUEST_PROGRAM} is missing: build first`);
  const names = scenarios.map(({ name }) => name);
  const command = [process.execPath, '--enable-source-maps', GUEST_PROGRAM, GUEST_RESULTS_DIR, ...names];
  const { SUREALIVED_PROGRAMS } = process.env;
  return new ScenarioReport(
    await launchGuest({
      command,
      env: { ...(SUREALIVED_PROGRAMS && { SUREALIVED_PROGRAMS: resolve(SUREALIVED_PROGRAMS) }) },
      workingDir: CHECKOUT,
      timeoutMs: limitOf(scenarios),
      isSpread,
    }),
  );
}

/** Figures and notes of a result, a line each. */
export function describeFigures({ name, measurements = {}, notes = [] }: ScenarioResult): readonly string[] {
  const figures = Object.entries(measurements).map(([figure, value]) => `${figure}=${value}`);
  const all = figures.length > 0 ? [figures.join(' '), ...notes] : notes;
  return all.map((text) => `${name}: ${text}`);
}

/** Without the stack of this file, which would only hide the one that came out of the guest. */
function bareError(message: string): Error {
  const error = new Error(message);
  error.stack = message;
  return error;
}
