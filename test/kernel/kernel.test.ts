import { beforeAll, describe, expect, it } from 'vitest';
import { missingPackages } from './requirements.js';
import { describeFigures, limitOf, runScenarios, type ScenarioReport } from './run-scenarios.js';
import { SCENARIOS } from './scenarios/index.js';

const missing = missingPackages();
const skipped = missing.length > 0 && process.env.SUREALIVED_NO_SKIP !== '1';
if (skipped) {
  console.log(
    `kernel tests skipped: ${missing.join(' ')} missing; test/install-debian.sh installs what they need`,
  );
}

describe.skipIf(skipped)('on a real IPVS kernel', () => {
  let report: ScenarioReport;

  beforeAll(async () => {
    expect(missing, 'packages missing; test/install-debian.sh installs them').toEqual([]);
    report = await runScenarios(SCENARIOS);
  }, limitOf(SCENARIOS));

  for (const { name, title } of SCENARIOS) {
    it(title, () => {
      for (const line of describeFigures(report.resultOf(name))) console.log(line);
    });
  }
});
