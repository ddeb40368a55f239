/**
 * Makes of the built workspace what a package installs: the programs, each a file with all that it imports, in one folder.
 *
 *     node scripts/bundle.mjs [--arch amd64|arm64] --out FOLDER
 *
 * Beside them lie a package.json, by which the programs find their other files, and in node_modules what cannot be in
 * them: the native library of that architecture, by default this machine's, and the two libraries that are loaded by name,
 * where they are needed.
 */
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { fetchForeignPackage } from './foreign-package.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const packages = join(root, 'packages');

/** By the name in the folder. */
const ENTRIES = {
  surealived: 'surealived/bin/surealived.js',
  sdctl: 'surealived/bin/sdctl.js',
  ipvssync: 'ipvssync/bin/ipvssync.js',
  watchdog: 'shared/dist/daemon/watchdog-main.js',
  'load-worker': 'surealived/dist/reload/load-worker.js',
  'test-worker': 'surealived/dist/workers/worker-main.js',
};
const PROGRAMS = ['surealived', 'sdctl', 'ipvssync'];
/** Loaded by name when they are needed: fengari is changed in between its own modules. */
const LOADED_BY_NAME = ['fengari', 'ssh2'];
/** Debian's name of an architecture, and that of Node and koffi. */
const ARCHITECTURES = { amd64: 'x64', arm64: 'arm64' };
const OWN_ARCHITECTURE = Object.keys(ARCHITECTURES).find((name) => ARCHITECTURES[name] === process.arch);
const NEEDED_FILE = /(^|\/)[^./][^/]*\.(c?js|json|node)$/;
/** Of folders in a package. What has a C library of its own is for other systems than Debian. */
const NOT_NEEDED = /^(test|tests|doc|docs|examples|bench|dist|node_modules|musl_.*|\..*)$/;

const { values } = parseArgs({
  options: { arch: { type: 'string', default: OWN_ARCHITECTURE }, out: { type: 'string' } },
});
if (!Object.hasOwn(ARCHITECTURES, values.arch ?? '') || !values.out) {
  process.stderr.write(`usage: bundle.mjs [--arch ${Object.keys(ARCHITECTURES).join('|')}] --out FOLDER\n`);
  process.exit(2);
}
const out = resolve(values.out);
const licensed = readFileSync(join(root, 'debian', 'copyright'), 'utf8');
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
await bundlePrograms();
for (const name of LOADED_BY_NAME) copyPackage(name, join(packages, 'testers', 'package.json'));
copyNative(`@koromix/koffi-linux-${ARCHITECTURES[values.arch]}`);
writeManifest();

async function bundlePrograms() {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(
      Object.entries(ENTRIES).map(([name, file]) => [name, join(packages, file)]),
    ),
    outdir: out,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    // what was CommonJS asks for Node's own modules by it
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module';\nconst require = requireFrom(import.meta.url);",
    },
    metafile: true,
    logLevel: 'warning',
  });
  for (const file of Object.keys(metafile.inputs)) {
    const [, name] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file) ?? [];
    if (name) requireLicence(name);
  }
  for (const name of PROGRAMS) makeProgram(join(out, `${name}.js`));
}

/** What is given away must stand in debian/copyright, which a new dependency would be forgotten in. */
function requireLicence(name) {
  if (licensed.includes(`\nFiles: node_modules/${name}/*\n`)) return;
  throw new Error(
    `debian/copyright has no licence of ${name}: expected a stanza "Files: node_modules/${name}/*"`,
  );
}

/** Node has a fixed place on Debian. The options in the first line stay. */
function makeProgram(file) {
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replace(/^#!\/usr\/bin\/env (-S )?node/, '#!/usr/bin/node'));
  chmodSync(file, 0o755);
}

/** A package with what it depends on, as it is, but for what only its developers need. */
function copyPackage(name, asker) {
  const from = findPackage(name, asker);
  if (!from) throw new Error(`${name} is not installed: run "npm run setup"`);
  requireLicence(name);
  copyCode(from, join(out, 'node_modules', name));
  const { dependencies = {}, optionalDependencies = {} } = readJson(join(from, 'package.json'));
  for (const dependency of Object.keys(dependencies)) {
    if (!Object.hasOwn(optionalDependencies, dependency)) copyPackage(dependency, join(from, 'package.json'));
  }
}

/** koffi is in the programs; its library is found by the name of its package. */
function copyNative(name) {
  const koffi = createRequire(join(packages, 'shared', 'package.json')).resolve('koffi');
  const to = join(out, 'node_modules', name);
  const installed = findPackage(name, koffi);
  if (installed) return copyCode(installed, to);
  const folder = mkdtempSync(join(tmpdir(), 'foreign-package-'));
  try {
    copyCode(fetchForeignPackage(name, root, folder), to);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function copyCode(from, to) {
  cpSync(from, to, {
    recursive: true,
    dereference: true,
    filter: (path) => {
      const name = relative(from, path);
      if (statSync(path).isDirectory()) return !name.split('/').some((part) => NOT_NEEDED.test(part));
      return NEEDED_FILE.test(name);
    },
  });
  removeEmptyFolders(to);
}

function removeEmptyFolders(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeEmptyFolders(join(folder, entry.name));
    else chmodSync(join(folder, entry.name), 0o644);
  }
  if (readdirSync(folder).length === 0) rmdirSync(folder);
}

/** The folder of a package as one of its users sees it, whatever it exports; `undefined` where it is not installed. */
function findPackage(name, asker) {
  const folders = createRequire(asker).resolve.paths(name) ?? [];
  const found = folders
    .map((folder) => join(folder, name))
    .find((folder) => existsSync(join(folder, 'package.json')));
  return found && realpathSync(found); // beside its real place are those that it depends on
}

/** The names by which the programs find their files, as in the manifests of the workspace's packages. */
function writeManifest() {
  const { version } = readJson(join(packages, 'surealived', 'package.json'));
  const imports = {
    '#manifest': './package.json',
    '#surealived': './surealived.js',
    '#ipvssync': './ipvssync.js',
    '#watchdog': './watchdog.js',
    '#load-worker': './load-worker.js',
    '#test-worker': './test-worker.js',
  };
  const manifest = { name: 'surealived', version, private: true, type: 'module', imports };
  writeFileSync(join(out, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
}

function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}
