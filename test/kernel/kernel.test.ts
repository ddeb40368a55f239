import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { GUEST_RESULTS_DIR, type GuestReport, launchGuest } from './launch.js';
import { missingPackages } from './requirements.js';
import { describeFailure, type ScenarioResult } from './result.js';
import { SCENARIOS } from './scenarios/index.js';

const CHECKOUT = fileURLToPath(new URL('../../', import.meta.url));
/** The guest has no TypeScript: it runs what the build made. */
const GUEST_PROGRAM = fileURLToPath(new URL('../dist/kernel/guest.js', import.meta.url));

const BOOT_AND_HALT_MS = 60_000;
/** Above what the guest allows itself for a scenario's clean-up, so that its own message comes first. */
const CLEAN_UP_MS = 25_000;
const LIMIT_MS = SCENARIOS.reduce((sum, { timeoutMs }) => sum + timeoutMs + CLEAN_UP_MS, BOOT_AND_HALT_MS);

const missing = missingPackages();
const skipped = missing.length > 0 && process.env.SUREALIVED_NO_SKIP !== '1';
if (skipped) {
  console.log(
    `kernel tests skipped: ${missing.join(' ')} missing; test/install-debian.sh installs what they need`,
  );
}

describe.skipIf(skipped)('on a real IPVS kernel', () => {
  let report: GuestReport;

  beforeAll(async () => {
    expect(missing, 'packages missing; test/install-debian.sh installs them').toEqual([]);
    expect(existsSync(GUEST_PROGRAM), `${GUEST_PROGRAM} is missing: build first`).toBe(true);
    report = await launchGuest({ command: guestCommand(), workingDir: CHECKOUT, timeoutMs: LIMIT_MS });
  }, LIMIT_MS + CLEAN_UP_MS);

  for (const { name, title } of SCENARIOS) {
    it(title, () => {
      const result = resultOf(report, name);
      printFigures(result);
      if (result.error) throw bareError(describeFailure(result.error));
    });
  }
});

function guestCommand(): string[] {
  const names = SCENARIOS.map(({ name }) => name);
  return [process.execPath, '--enable-source-maps', GUEST_PROGRAM, GUEST_RESULTS_DIR, ...names];
}

/** A scenario without a result never ended: then what became of the guest is the failure. */
function resultOf({ results, failure, exitStatus, output }: GuestReport, name: string): ScenarioResult {
  const text = results.get(`${name}.json`);
  if (text !== undefined) return JSON.parse(text) as ScenarioResult;
  const reason = failure ?? `the guest program ended with status ${exitStatus}\n${output}`;
  throw bareError(`no result of ${name}: ${reason}`);
}

function printFigures({ name, measurements = {}, notes = [] }: ScenarioResult): void {
  const figures = Object.entries(measurements).map(([figure, value]) => `${figure}=${value}`);
  if (figures.length > 0) console.log(`${name}: ${figures.join(' ')}`);
  for (const note of notes) console.log(`${name}: ${note}`);
}

/** Without the stack of this file, which would only hide the one that came out of the guest. */
function bareError(message: string): Error {
  const error = new Error(message);
  error.stack = message;
  return error;
}
