/**
 * Where the files of a program lie: its threads, its child's script, its manifest. Each has a name in the "imports" of the
 * package.json above it, since the packages that Debian gets have all of them in one folder.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

type ImportName = `#${string}`;

/** @param asker `import.meta.url` of a module of the same package. */
export function pathOf(name: ImportName, asker: string): string {
  return createRequire(asker).resolve(name);
}

/** @param asker `import.meta.url` of a module of the same package. */
export function urlOf(name: ImportName, asker: string): URL {
  return pathToFileURL(pathOf(name, asker));
}

/** The version that the package.json of a module gave when this process first asked. */
export function versionOf(asker: string): string {
  return String(createRequire(asker)('#manifest').version);
}

/** The version that it gives now: another one may have been installed since. */
export function installedVersionOf(asker: string): string {
  return String(JSON.parse(readFileSync(pathOf('#manifest', asker), 'utf8')).version);
}
