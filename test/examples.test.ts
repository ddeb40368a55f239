import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '@surealived/shared/surealived-cfg';
import { TesterRegistry } from '@surealived/testers/registry';
import { loadServices } from 'surealived/config/load';
import { describe, expect, it } from 'vitest';

const folder = fileURLToPath(new URL('../examples/', import.meta.url));
const registry = new TesterRegistry();

describe('examples', () => {
  it.each(readdirSync(folder).filter((name) => name.endsWith('.xml')))(
    '%s loads without a warning',
    (name) => {
      const { virtuals, warnings } = loadServices(`${folder}${name}`, { registry, strict: true });
      expect(virtuals.length).toBeGreaterThan(0);
      expect(warnings).toEqual([]);
    },
  );

  it('surealived.cfg loads', () => {
    expect(loadConfig(`${folder}surealived.cfg`)).toMatchObject({
      listen_port: 1337,
      ipvssync_logging: 'info',
    });
  });

  it('show every built-in tester', () => {
    const files = readdirSync(folder).filter((name) => name.endsWith('.xml'));
    const used = files.flatMap((name) => loadServices(`${folder}${name}`, { registry }).virtuals);
    const names = new Set(used.map(({ testing }) => testing.tester.name));
    expect([...names].sort()).toEqual([...registry.names].sort());
  });
});
