import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Packs the Node that runs this, as who has a Debian with an older one gets his from elsewhere.
 *
 * @param folder For the result.
 * @returns The path of the .deb.
 */
export function packNode(folder: string): string {
  const tree = join(folder, 'nodejs');
  mkdirSync(join(tree, 'DEBIAN'), { recursive: true });
  mkdirSync(join(tree, 'usr', 'bin'), { recursive: true });
  copyFileSync(process.execPath, join(tree, 'usr', 'bin', 'node'));
  const architecture = execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim();
  const fields = {
    Package: 'nodejs',
    Version: process.versions.node,
    Architecture: architecture,
    Depends: 'libc6, libstdc++6, libgcc-s1',
    Maintainer: 'surealived maintainers <maintainers@surealived.example>',
    Description: 'the Node that runs the tests',
  };
  const control = Object.entries(fields).map(([name, value]) => `${name}: ${value}\n`);
  writeFileSync(join(tree, 'DEBIAN', 'control'), control.join(''));
  const deb = join(folder, 'nodejs.deb');
  execFileSync('dpkg-deb', ['--root-owner-group', '-Znone', '--build', tree, deb]);
  return deb;
}
