import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '@surealived/shared/surealived-cfg';
import { loadTesters } from '@surealived/testers/module-loader';
import { TesterRegistry } from '@surealived/testers/registry';
import { COMMANDS } from 'surealived/admin/commands';
import { parseServices } from 'surealived/config/load';
import { SDCTL_COMMANDS } from 'surealived/sdctl/commands';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readPage } from './pages.js';

/** The examples of a page that begin so. */
function examples(page: string, begin: string): readonly string[] {
  return readPage(page)
    .flatMap((block) => (block.kind === 'code' ? [block.lines.join('\n')] : []))
    .filter((code) => code.startsWith(begin));
}

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'surealived-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

describe('the examples of the manual', () => {
  const whole = examples('surealived.xml.5', '<surealived>');
  const parts = examples('surealived.xml.5', '<virtual').map((part) => `<surealived>${part}</surealived>`);

  it.each([...whole, ...parts])('are services that load without a warning: %s', (services) => {
    const { virtuals, warnings } = parseServices(services, 'x', { registry: new TesterRegistry() });
    expect(virtuals).toHaveLength(1);
    // the programs are the reader's own
    const isTheirs = /: \/usr\/local\/bin\/\S+ cannot be run: ENOENT$/;
    expect(warnings.filter(({ message }) => !isTheirs.test(message))).toEqual([]);
  });

  it('are a configuration that loads without a warning', () => {
    const [config = ''] = examples('surealived.cfg.5', 'use_syslog');
    expect(parseConfig(config, 'x')).toMatchObject({ config: { maxfd: 10_336 }, warnings: [] });
  });

  it('are a tester of its own that loads', async () => {
    const directory = temporaryDirectory();
    const [module = ''] = examples('surealived.xml.5', 'export default');
    writeFileSync(join(directory, 'redis.mjs'), module);
    expect((await loadTesters({ directory, wanted: 'all' })).find('redis')?.kind).toBe('stream');
  });

  it('use commands that are there', () => {
    const used = (page: string, pattern: RegExp): readonly string[] =>
      examples(page, '').flatMap((code) => [...code.matchAll(pattern)].map(([, name = '']) => name));
    const ofSdctl = used('sdctl.8', /\bsdctl (\w+)/g);
    expect(ofSdctl.length).toBeGreaterThan(3);
    expect(SDCTL_COMMANDS.map(({ name }) => name)).toEqual(expect.arrayContaining([...ofSdctl]));
    const ofSocket = used('surealived.8', /printf '(\w+)/g);
    expect(ofSocket).not.toEqual([]);
    expect(COMMANDS.map(({ name }) => name)).toEqual(expect.arrayContaining([...ofSocket]));
  });
});
