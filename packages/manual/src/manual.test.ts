import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  COMMON_OPTIONS,
  type CommandLine,
  type OptionTable,
  type Printed,
  parseCommandLine,
} from '@surealived/shared/command-line';
import { CONFIG_KEYS } from '@surealived/shared/surealived-cfg';
import { BUILT_IN_TESTERS } from '@surealived/testers/registry';
import { COMMAND_LINE as IPVSSYNC } from 'ipvssync/cli/options';
import { RealAttributes, TesterAttributes, VirtualAttributes } from 'surealived/config/schema';
import { COMMAND_LINE as SUREALIVED } from 'surealived/options';
import { sdctlCommandLine } from 'surealived/sdctl/options';
import { describe, expect, it } from 'vitest';
import { writtenFiles } from './files.js';
import { itWith, run } from './tools.test-kit.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const files = writtenFiles();
const pages = [...files.keys()].filter((path) => path.startsWith('man/'));
const prose = pages.map((path) => readFileSync(`${root}packages/manual/pages/${path.slice(4)}.md`, 'utf8'));

describe('what npm run manual writes', () => {
  it.each([...files])('%s is in the repository as it would be written now', (path, content) => {
    expect(readFileSync(`${root}${path}`, 'utf8'), 'run `npm run manual`').toBe(content);
  });

  it('is all that is there', () => {
    expect(readdirSync(`${root}man`).map((name) => `man/${name}`)).toEqual([...pages].sort());
  });
});

describe('the manual', () => {
  itWith('man', 'man-db').each(pages)('%s is sound for groff', (path) => {
    const { stdout, stderr } = run('man', ['-l', '--warnings=w', '-E', 'UTF-8', `${root}${path}`]);
    expect(stderr).toBe('');
    expect(stdout).toContain('SEE ALSO');
  });

  itWith('mandoc', 'mandoc').each(pages)('%s is sound for mandoc', (path) => {
    expect(run('mandoc', ['-T', 'lint', '-W', 'warning', `${root}${path}`]).stdout).toBe('');
  });

  it('is named by the help of each program', () => {
    const programs: readonly CommandLine<OptionTable>[] = [SUREALIVED, IPVSSYNC, sdctlCommandLine()];
    for (const commandLine of programs) {
      const { print } = parseCommandLine(commandLine, ['--help'], '') as Printed;
      expect(print).toContain(`man ${commandLine.program}`);
      expect(pages).toContain(`man/${commandLine.program}.8`);
    }
  });

  it('refers to pages of its own that are there', () => {
    const names = prose.flatMap((text) => text.match(/\b(surealived[\w.]*|ipvssync|sdctl)\(\d\)/g) ?? []);
    const known = pages.map((path) => path.replace(/^man\/(.*)\.(\d)$/, '$1($2)'));
    expect(names.filter((name) => !known.includes(name))).toEqual([]);
  });

  it('names keys and attributes that are there', () => {
    const schemas = [VirtualAttributes, TesterAttributes, RealAttributes];
    const attributes = [...schemas, ...BUILT_IN_TESTERS.map((tester) => tester.attributes)].flatMap(
      (schema) => Object.keys(schema.properties),
    );
    const known = [...Object.keys(CONFIG_KEYS), ...attributes];
    const named = prose.flatMap((text) =>
      [...text.matchAll(/`([a-z]+(?:_[a-z]+)+)`/g)].map(([, name]) => name),
    );
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !known.includes(name ?? ''))).toEqual([]);
  });

  it('names options that are there', () => {
    const tables = [SUREALIVED.options, IPVSSYNC.options, sdctlCommandLine().options, COMMON_OPTIONS];
    const known = tables.flatMap((table) => Object.keys(table));
    const named = prose.flatMap((text) =>
      [...text.matchAll(/--([a-z][\w-]+)/g)].map(([, name]) => name ?? ''),
    );
    expect(named.filter((name) => !known.includes(name))).toEqual([]);
  });
});
