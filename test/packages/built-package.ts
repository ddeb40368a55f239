import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Builds the package as `npm run deb` does, of a workspace that is built. One at a time: debhelper works in that folder.
 *
 * @param folder For the results.
 * @returns The path of the .deb.
 */
export function buildPackage(folder: string, ...options: readonly string[]): string {
  const command = [process.execPath, 'scripts/deb.mjs', '--out', folder, ...options];
  const { status, stdout, stderr } = spawnSync('flock', ['debian/rules', ...command], {
    cwd: root,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return resolve(root, stdout.trim());
}
