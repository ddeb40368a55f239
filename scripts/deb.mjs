/**
 * `npm run deb`: builds the Debian package, for this architecture or for another one, into build/deb or another folder.
 *
 *     npm run deb [-- --arch amd64|arm64] [--out FOLDER]
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { values } = parseArgs({ options: { arch: { type: 'string' }, out: { type: 'string' } } });
const folder = resolve(values.out ?? join(root, 'build', 'deb'));

requireTools();
const arch = values.arch ?? read('dpkg', ['--print-architecture']);
const version = changelogVersion();
const name = `surealived_${version}_${arch}`;
mkdirSync(folder, { recursive: true });
build();
process.stdout.write(`${relative(process.cwd(), join(folder, `${name}.deb`))}\n`);

function requireTools() {
  for (const tool of ['dpkg-buildpackage', 'dh']) {
    const found = (process.env.PATH ?? '').split(':').some((path) => existsSync(join(path, tool)));
    if (!found) fail(`${tool} is not there: apt-get install dpkg-dev debhelper`);
  }
}

/** @returns That of debian/changelog, which has to be the programs' own. */
function changelogVersion() {
  const own = JSON.parse(readFileSync(join(root, 'packages', 'surealived', 'package.json'), 'utf8')).version;
  const packaged = read('dpkg-parsechangelog', ['--show-field', 'Version']);
  if (packaged !== own.replace('-', '~'))
    fail(
      `debian/changelog: expected version ${own.replace('-', '~')}, as in packages/surealived, got ${packaged}`,
    );
  return packaged;
}

/** What is built on is the workspace, not what debian/control names for it: Node may be another than Debian's. */
function build() {
  const results = [
    `--buildinfo-file=${join(folder, `${name}.buildinfo`)}`,
    `--buildinfo-option=-u${folder}`,
    `--changes-file=${join(folder, `${name}.changes`)}`,
    `--changes-option=-u${folder}`,
  ];
  const { status, error, stdout, stderr } = spawnSync(
    'dpkg-buildpackage',
    ['--build=binary', '--no-sign', '--no-check-builddeps', `--host-arch=${arch}`, ...results],
    { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26, env: { ...process.env, DEB_FOLDER: folder } },
  );
  if (error) fail(`dpkg-buildpackage: ${error.message}`);
  if (status !== 0) fail(`dpkg-buildpackage failed:\n${stdout}${stderr}`);
}

function read(command, args) {
  const { status, error, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  if (error || status !== 0) fail(`${command}: ${error?.message ?? stderr.trim()}`);
  return stdout.trim();
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
