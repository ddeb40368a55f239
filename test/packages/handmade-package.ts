import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface PackageFile {
  readonly path: string;
  readonly mode?: number;
  /** Its text, or the file that it is a copy of. */
  readonly content: string | { readonly copyOf: string };
}

/**
 * Packs files without scripts, and without telling dpkg that any of them is a configuration file, as the package of
 * SureAliveD is made.
 *
 * @param fields Of the control file, beside those that each package has.
 * @returns The path of the .deb, in a folder of its own.
 */
export function packByHand(
  fields: { readonly Package: string; readonly Version: string; readonly Depends?: string },
  files: readonly PackageFile[],
): string {
  const folder = mkdtempSync(join(tmpdir(), 'handmade-'));
  const tree = join(folder, 'tree');
  for (const { path, mode = 0o644, content } of files) {
    const file = join(tree, path);
    mkdirSync(dirname(file), { recursive: true });
    if (typeof content === 'string') writeFileSync(file, content);
    else copyFileSync(content.copyOf, file);
    chmodSync(file, mode);
  }
  const architecture = execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim();
  const all = {
    ...fields,
    Architecture: architecture,
    Maintainer: 'surealived maintainers <maintainers@surealived.example>',
    Description: 'for a test',
  };
  mkdirSync(join(tree, 'DEBIAN'));
  writeFileSync(
    join(tree, 'DEBIAN', 'control'),
    Object.entries(all)
      .map(([name, value]) => `${name}: ${value}\n`)
      .join(''),
  );
  const deb = join(folder, `${fields.Package}_${fields.Version}.deb`);
  execFileSync('dpkg-deb', ['--root-owner-group', '-Znone', '--build', tree, deb]);
  return deb;
}
