/**
 * `npm run bench [part …]`: measures, each part as ratios within one run. `--json FILE` keeps the figures, and
 * `--page FILE…` writes docs/performance.md from such files and measures nothing. `--quick` measures for a shorter time.
 *
 * @module
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cpuPerTest } from './cpu-per-test.js';
import { failureToKernel } from './failure-to-kernel.js';
import { ipvssyncRules } from './ipvssync-rules.js';
import { describeMachine, formatMachine } from './machine.js';
import { memory } from './memory.js';
import { pageFiles } from './page.js';
import { profile } from './profile.js';
import { reload } from './reload.js';
import { type BenchPart, formatTable, isMet, tableOf } from './report.js';
import { formatResults, type MeasuredPart, readResults } from './results.js';

const PARTS: readonly BenchPart[] = [cpuPerTest, profile, failureToKernel, ipvssyncRules, memory, reload];
const CHECKOUT = fileURLToPath(new URL('../../../', import.meta.url));

async function main(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: { json: { type: 'string' }, page: { type: 'boolean' }, quick: { type: 'boolean' } },
  });
  if (values.page) return writePage(positionals);
  const unknown = positionals.filter((name) => !PARTS.some((part) => part.name === name));
  if (unknown.length > 0) {
    throw new Error(`no part ${unknown.join(', ')}; there are ${PARTS.map(({ name }) => name).join(', ')}`);
  }
  const wanted = PARTS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const machine = describeMachine();
  process.stdout.write(`${formatMachine(machine)}\n`);
  const measured: MeasuredPart[] = [];
  for (const part of wanted) {
    const result = await measure(part, machine, values.quick ?? false);
    if (result) measured.push(result);
    // after every part: what was measured shall survive what fails later
    if (values.json !== undefined) writeFileSync(values.json, formatResults(measured));
  }
  return measured.length === wanted.length ? 0 : 1;
}

/** @returns `undefined` where it could not be measured, after having said why. */
async function measure(
  part: BenchPart,
  machine: MeasuredPart['machine'],
  isQuick: boolean,
): Promise<MeasuredPart | undefined> {
  const { name, title, ours } = part;
  process.stdout.write(`\n${title} (${name})\n\n`);
  const missing = part.missing();
  if (missing.length > 0) {
    process.stderr.write(`${name}: missing: ${missing.join(' ')}; test/install-debian.sh installs them\n`);
    return undefined;
  }
  try {
    const onProgress = (what: string): void => void process.stderr.write(`${name}: ${what} …\n`);
    const result = await part.run({ isQuick, onProgress });
    const measuredOn = new Date().toISOString().slice(0, 10);
    const measured = { name, title, ours, measuredOn, isQuick, machine, ...result };
    print(measured);
    return measured;
  } catch (error) {
    process.stderr.write(`${name}: ${error instanceof Error ? error.stack : error}\n`);
    return undefined;
  }
}

function print({ ours, figures, tables = [], notes = [] }: MeasuredPart): void {
  process.stdout.write(`${formatTable(tableOf(ours, figures))}\n`);
  for (const table of tables) process.stdout.write(`\n${table.title}\n\n${formatTable(table)}\n`);
  if (notes.length > 0) process.stdout.write(`\n${notes.map((note) => `- ${note}\n`).join('')}`);
  const goals = figures.map(isMet).filter((verdict) => verdict !== undefined);
  if (goals.length > 0) {
    process.stdout.write(`\n${goals.filter(Boolean).length} of ${goals.length} goals met\n`);
  }
}

function writePage(files: readonly string[]): number {
  if (files.length === 0) throw new Error('--page needs the files that --json has written');
  const docs = join(CHECKOUT, 'docs');
  rmSync(join(docs, 'performance'), { recursive: true, force: true }); // plots of parts that are gone
  for (const [name, text] of pageFiles(readResults(files), PARTS)) {
    const file = join(docs, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    process.stdout.write(`${file}\n`);
  }
  return 0;
}

try {
  // an exit runs what ends the servers and the programs under measurement
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 2;
}
