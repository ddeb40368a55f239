import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '@surealived/shared/surealived-cfg';
import { loadTesters } from '@surealived/testers/module-loader';
import { loadServices } from 'surealived/config/load';
import { describe, expect, it } from 'vitest';

const folder = fileURLToPath(new URL('../examples/', import.meta.url));
const registry = await loadTesters({ directory: `${folder}modules`, wanted: 'all' });

describe('examples', () => {
  it.each(readdirSync(folder).filter((name) => name.endsWith('.xml')))(
    '%s loads without a warning',
    (name) => {
      const { virtuals, warnings } = loadServices(`${folder}${name}`, { registry });
      expect(virtuals.length).toBeGreaterThan(0);
      // a key, or a program in /etc, is for its owner to make
      const isTheirs = /"(key_file": |\w*notify_\w+": \/etc\/surealived\/notify\.sh cannot be run: )ENOENT/;
      expect(warnings.filter(({ message }) => !isTheirs.test(message))).toEqual([]);
    },
  );

  it('surealived.cfg loads', () => {
    expect(loadConfig(`${folder}surealived.cfg`)).toMatchObject({
      config: { listen_port: 1337, ipvssync_logging: 'info' },
      warnings: [],
    });
  });

  it('show every tester', () => {
    const files = readdirSync(folder).filter((name) => name.endsWith('.xml'));
    const used = files.flatMap((name) => loadServices(`${folder}${name}`, { registry }).virtuals);
    const names = new Set(used.map(({ testing }) => testing.tester.name));
    expect([...names].sort()).toEqual([...registry.names].sort());
  });
});
