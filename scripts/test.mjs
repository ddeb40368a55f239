/**
 * `npm test` after the build: lint, type-check the tests, run them all.
 *
 * Arguments go to vitest. With SUREALIVED_NO_SKIP=1 a skipped test is a failure.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const noSkip = process.env.SUREALIVED_NO_SKIP === '1';
const directory = mkdtempSync(join(tmpdir(), 'surealived-test-'));
const report = join(directory, 'report.json');

try {
  process.exitCode = runAll(process.argv.slice(2));
} finally {
  rmSync(directory, { recursive: true });
}

function runAll(args) {
  if (!run('lint', 'biome', ['check', '--error-on-warnings', '.'])) return 1;
  if (!run('types of the tests', 'tsc', ['-p', 'tsconfig.test.json', '--noEmit'])) return 1;
  const ran = run('tests', 'vitest', [
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile=${report}`,
    ...args,
  ]);
  return summarise(ran);
}

function run(step, tool, args) {
  const { status, error } = spawnSync(join(root, 'node_modules', '.bin', tool), args, {
    cwd: root,
    stdio: 'inherit',
  });
  if (error) process.stderr.write(`${step}: ${error.message}\n`);
  if (status !== 0) process.stderr.write(`${step}: failed\n`);
  return status === 0;
}

/** The closing line, and the verdict: what vitest says, and no skip where none is allowed. */
function summarise(ran) {
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
    readFileSync(report, 'utf8'),
  );
  const skipped = numPendingTests + numTodoTests;
  process.stdout.write(`${numPassedTests} passed, ${numFailedTests} failed, ${skipped} skipped\n`);
  if (!ran || numFailedTests > 0 || numPassedTests === 0) return 1;
  if (!noSkip || skipped === 0) return 0;
  for (const { assertionResults } of testResults) {
    for (const { status, fullName } of assertionResults) {
      if (status !== 'passed') process.stderr.write(`not run, though nothing may be skipped: ${fullName}\n`);
    }
  }
  return 1;
}
