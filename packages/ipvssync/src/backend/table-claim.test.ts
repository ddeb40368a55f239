import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../shared/src/files.test-kit.js';
import type { Backend } from './backend.js';
import { withTableClaim } from './table-claim.js';

const nothing = async (): Promise<string> => 'done';

describe('withTableClaim', () => {
  const file = (): Backend => ({ kind: 'memory', file: join(temporaryDirectory(), 'table') });

  it.each<[string, () => Backend, string]>([
    ['file', file, 'table'],
    ['network namespace', () => ({ kind: 'kernel' }), 'the IPVS table of this network namespace'],
  ])('lets one at a time to the table of a %s, and names the other', async (_kind, make, name) => {
    const backend = make();
    const refused = await withTableClaim(backend, () =>
      withTableClaim(backend, nothing).catch((error) => error),
    );
    expect(refused).toMatchObject({ code: 'SA_TABLE_TAKEN' });
    expect(refused.message).toContain(name);
    expect(refused.message).toMatch(RegExp(` is taken by process ${process.pid} \\(.+\\)$`));
    expect(await withTableClaim(backend, nothing)).toBe('done');
  });

  it('gives the table back after a failure', async () => {
    const backend = file();
    const failing = withTableClaim(backend, async () => {
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await withTableClaim(backend, nothing)).toBe('done');
  });

  it('needs none for a table that nobody else can see', async () => {
    const backend: Backend = { kind: 'memory', file: undefined };
    expect(await withTableClaim(backend, () => withTableClaim(backend, nothing))).toBe('done');
  });
});
