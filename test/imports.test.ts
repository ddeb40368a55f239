import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const packages = fileURLToPath(new URL('../packages/', import.meta.url));

/** Which packages a package may import from. */
const ALLOWED: Record<string, readonly string[]> = {
  shared: [],
  testers: ['shared'],
  surealived: ['shared', 'testers'],
  ipvssync: ['shared'],
  manual: ['shared', 'testers', 'surealived', 'ipvssync'],
};
/** Libraries that a package of ours may use only in the files named. */
const CONFINED: Record<string, readonly string[]> = {
  koffi: ['shared/src/libc.ts', 'shared/src/openssl.ts'],
  'fast-xml-parser': ['surealived/src/config/xml.ts'],
};

/** From what knows nothing to what knows all. */
const IPVSSYNC_FOLDERS: readonly string[] = [
  ...['ipvs', 'wire', 'kernel', 'memory', 'backend', 'plan', 'handover', 'keeper', 'follow', 'status'],
  ...['cli', 'commands', '.'],
];

function sourcesOf(name: string): readonly string[] {
  return readdirSync(join(packages, name, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !/\.test(-kit)?\.ts$/.test(file))
    .map((file) => join(packages, name, 'src', file));
}

function importsOf(file: string): readonly string[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/\bfrom '([^']+)'|\bimport\('([^']+)'\)/g)].map(
    ([, from, dynamic]) => from ?? dynamic ?? '',
  );
}

/** The package of ours that an import names, or the library's name. */
function packageOf(specifier: string): string {
  const [first = '', second = ''] = specifier.split('/');
  return first === '@surealived' ? second : first;
}

describe('imports', () => {
  it.each(Object.entries(ALLOWED))('of %s go one way', (name, allowed) => {
    const wrong = sourcesOf(name).flatMap((file) =>
      importsOf(file)
        .filter((specifier) => !specifier.startsWith('.'))
        .map(packageOf)
        .filter((target) => target in ALLOWED && !allowed.includes(target))
        .map((target) => `${relative(packages, file)} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it.each(Object.entries(CONFINED))('of %s stay in one place', (library, files) => {
    const users = Object.keys(ALLOWED)
      .flatMap(sourcesOf)
      .filter((file) => importsOf(file).some((specifier) => packageOf(specifier) === library))
      .map((file) => relative(packages, file));
    expect(users).toEqual(files);
  });

  it('of OpenSSL are made by surealived alone', () => {
    const users = Object.keys(ALLOWED)
      .flatMap(sourcesOf)
      .filter((file) => importsOf(file).some((specifier) => /\bopenssl(\.js)?$/.test(specifier)))
      .map((file) => relative(packages, file));
    expect(users.length).toBeGreaterThan(0);
    expect(users.filter((file) => !file.startsWith('surealived/'))).toEqual([]);
  });

  it('of a folder of ipvssync name only folders before it', () => {
    const folderOf = (path: string): string => relative(join(packages, 'ipvssync/src'), dirname(path)) || '.';
    const files = sourcesOf('ipvssync');
    expect([...new Set(files.map(folderOf))].sort()).toEqual([...IPVSSYNC_FOLDERS].sort());
    const wrong = files.flatMap((file) =>
      importsOf(file)
        .filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => folderOf(join(dirname(file), specifier)))
        .filter((target) => IPVSSYNC_FOLDERS.indexOf(target) > IPVSSYNC_FOLDERS.indexOf(folderOf(file)))
        .map((target) => `${relative(packages, file)} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it('do not run in circles', () => {
    const files = Object.keys(ALLOWED).flatMap(sourcesOf);
    const next = new Map(files.map((file) => [file, runtimeNeighbours(file)]));
    const circles = files.filter((file) => reaches(file, file, next));
    expect(circles.map((file) => relative(packages, file))).toEqual([]);
  });
});

/** The files that a file loads; imports of types alone vanish in the build. */
function runtimeNeighbours(file: string): readonly string[] {
  const text = readFileSync(file, 'utf8').replace(/^import type .*?;$/gms, '');
  return [...text.matchAll(/\bfrom '(\.[^']+)\.js'/g)].map(([, path = '']) =>
    join(dirname(file), `${path}.ts`),
  );
}

function reaches(from: string, goal: string, next: ReadonlyMap<string, readonly string[]>): boolean {
  const seen = new Set<string>();
  const open = [...(next.get(from) ?? [])];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (file === goal) return true;
    if (seen.has(file)) continue;
    seen.add(file);
    open.push(...(next.get(file) ?? []));
  }
  return false;
}
