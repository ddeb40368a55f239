import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { TABLE } from './table.js';

const folder = fileURLToPath(new URL('.', import.meta.url));

it('every heading of the table is proved in one place', () => {
  const sources = readdirSync(folder).filter((name) => name.endsWith('.test.ts'));
  const proved = sources.flatMap((name) => {
    const text = readFileSync(`${folder}${name}`, 'utf8');
    return [...text.matchAll(/^prove\('([^']+)'/gm)].map(([, heading]) => heading);
  });
  expect(proved.sort()).toEqual(Object.keys(TABLE).sort());
});
