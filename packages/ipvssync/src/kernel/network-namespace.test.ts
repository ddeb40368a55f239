import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { withinNamespace } from './network-namespace.js';

const never = (): never => {
  throw new Error('the work was done');
};

/** The lab enters real namespaces; here is what goes wrong before. */
describe('withinNamespace', () => {
  it('says where it looked for a name', () => {
    expect(() => withinNamespace('nosuch', never)).toThrow(
      /^network namespace nosuch: ENOENT: .* '\/run\/netns\/nosuch'$/,
    );
  });

  it('refuses a file that is no namespace', () => {
    const directory = mkdtempSync(join(tmpdir(), 'ipvssync-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const file = join(directory, 'file');
    writeFileSync(file, '');
    expect(() => withinNamespace(file, never)).toThrow(
      `network namespace ${file}: setns: EINVAL (it takes CAP_SYS_ADMIN, and a file of /run/netns)`,
    );
  });
});
