import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { service } from '../table.test-kit.js';
import { openMemoryTable } from './file.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ipvssync-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('openMemoryTable', () => {
  it('finds again what it was told', async () => {
    const file = join(directory, 'table');
    const web = service('tcp 10.0.0.1:80');
    await openMemoryTable(file).apply([{ kind: 'addService', service: web }]);
    expect(readFileSync(file, 'utf8')).toBe('-A -t 10.0.0.1:80 -s wrr\n');
    expect(await openMemoryTable(file).read()).toEqual([web]);
  });

  it('refuses a file that cannot be read as a table, and leaves it alone', () => {
    const file = join(directory, 'table');
    writeFileSync(file, 'precious\n');
    expect(() => openMemoryTable(file)).toThrow(`${file}:1: expected -A or -a, got "precious"`);
    expect(readFileSync(file, 'utf8')).toBe('precious\n');
  });

  it('begins empty without a file', async () => {
    expect(await openMemoryTable(undefined).read()).toEqual([]);
  });
});
