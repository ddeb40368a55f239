/**
 * Runs scenarios inside the guest: `node guest.js RESULTS_DIR NAME...`.
 *
 * A scenario's failure is a result, written down like a success; the exit status tells only whether all could be run.
 *
 * @module
 */

import { run } from './lab/run.js';
import { withinLimit } from './lab/wait.js';
import { Lab } from './lab.js';
import { type CollectedLog, type ScenarioFailure, type ScenarioResult, writeResult } from './result.js';
import { BENCH_SCENARIOS, SCENARIOS } from './scenarios/index.js';
import type { Scenario } from './scenarios/scenario.js';

const CLEAN_UP_TIMEOUT_MS = 20_000;
const KERNEL_LOG_LINES = 30;
const BRIDGE_CHATTER = /entered (blocking|forwarding|disabled) state|link becomes ready|promiscuous mode/;

async function main([resultsDir = '.', ...names]: readonly string[]): Promise<void> {
  for (const name of names) {
    const scenario = [...SCENARIOS, ...BENCH_SCENARIOS].find((candidate) => candidate.name === name);
    if (!scenario) throw new Error(`there is no scenario ${name}`);
    console.log(`scenario ${name}`);
    await run(['dmesg', '--clear']); // so that a failure shows the kernel's words about this scenario alone
    writeResult(resultsDir, await runScenario(scenario));
  }
}

async function runScenario(scenario: Scenario): Promise<ScenarioResult> {
  const startedMs = performance.now();
  const lab = new Lab();
  const failures = [await failureOf(lab, runWithinLimit(scenario, lab))];
  const cleanUp = withinLimit(lab.close(), CLEAN_UP_TIMEOUT_MS, () => 'the clean-up hangs');
  failures.push(await failureOf(lab, cleanUp));
  const error = failures.find((failure) => failure !== undefined);
  return {
    name: scenario.name,
    ok: error === undefined,
    durationMs: Math.round(performance.now() - startedMs),
    measurements: lab.measurements,
    notes: lab.notes,
    ...(error === undefined ? {} : { error }),
  };
}

/** Also ends with an error that no promise carries, thrown in a callback: it belongs to the scenario under way. */
async function runWithinLimit({ run: body, timeoutMs }: Scenario, lab: Lab): Promise<void> {
  let onStray = (_: unknown): void => undefined;
  const stray = new Promise<never>((_, reject) => {
    onStray = reject;
  });
  process.on('uncaughtException', onStray).on('unhandledRejection', onStray);
  try {
    const either = Promise.race([body(lab), stray]);
    await withinLimit(either, timeoutMs, () => `the scenario did not end within ${timeoutMs} ms`);
  } finally {
    process.off('uncaughtException', onStray).off('unhandledRejection', onStray);
  }
}

async function failureOf(lab: Lab, work: Promise<void>): Promise<ScenarioFailure | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    const logs = [...(await lab.collectLogs()), ...(await kernelLog())];
    return { message, logs, ...(stack === undefined ? {} : { stack }) };
  }
}

async function kernelLog(): Promise<CollectedLog[]> {
  try {
    const lines = (await run(['dmesg']))
      .trimEnd()
      .split('\n')
      .filter((line) => !BRIDGE_CHATTER.test(line));
    return [{ source: 'kernel log', text: lines.slice(-KERNEL_LOG_LINES).join('\n') }];
  } catch (error) {
    return [{ source: 'kernel log', text: String(error) }];
  }
}

await main(process.argv.slice(2));
process.exit(); // a scenario that was given up may hold the event loop for ever
