/**
 * `npm run bench [part …]`: measures, each part as ratios within one run. `--json FILE` keeps the figures.
 *
 * @module
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { missingPackages } from '../kernel/requirements.js';
import { nginxVersion } from '../servers/nginx.js';
import { cpuPerTest } from './cpu-per-test.js';
import { kernelLab } from './kernel-lab.js';
import { reload } from './reload.js';
import { type BenchPart, formatTable } from './report.js';

const PARTS: readonly BenchPart[] = [cpuPerTest, reload, kernelLab];

async function main(argv: readonly string[]): Promise<number> {
  const jsonAt = argv.indexOf('--json');
  const jsonFile = jsonAt < 0 ? undefined : argv[jsonAt + 1];
  const wanted = argv.filter((_, i) => jsonAt < 0 || (i !== jsonAt && i !== jsonAt + 1));
  const missing = missingPackages();
  if (missing.length > 0) {
    process.stderr.write(`missing: ${missing.join(' ')}; test/install-debian.sh installs them\n`);
    return 1;
  }
  const processor = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}`;
  const machine = `${processor}, Node ${process.version}, ${nginxVersion()}`;
  process.stdout.write(`${machine}\n`);
  const results: Record<string, unknown> = { machine };
  for (const part of PARTS.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
    process.stdout.write(`\n${part.title}\n\n`);
    const rows = await part.run();
    process.stdout.write(`${formatTable(part.columns, rows)}\n`);
    results[part.name] = rows.map(({ figures }) => figures);
  }
  if (jsonFile !== undefined) writeFileSync(jsonFile, `${JSON.stringify(results, null, 2)}\n`);
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
