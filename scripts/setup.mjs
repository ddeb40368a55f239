/**
 * Makes a fresh checkout ready to run: installs the locked packages when they are missing or out of date, then builds.
 *
 * Needs nothing but Node and npm; pnpm comes through npx in the version that package.json pins.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

requireNode(manifest.engines.node);
installIfStale();
run('build', process.execPath, [join('node_modules', 'typescript', 'bin', 'tsc'), '-b']);

function requireNode(range) {
  const [major, minor] = range.replace('>=', '').split('.').map(Number);
  const [haveMajor, haveMinor] = process.versions.node.split('.').map(Number);
  if (haveMajor > major || (haveMajor === major && haveMinor >= minor)) return;
  fail(`Node ${range} is needed, this is ${process.versions.node}`);
}

/** The stamp inside node_modules names the lockfile it was installed from, so deleting node_modules is always safe. */
function installIfStale() {
  const stampFile = join(root, 'node_modules', '.installed-from');
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'pnpm-lock.yaml')))
    .digest('hex');
  const isCurrent = existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted;
  if (isCurrent && workspaces().every((folder) => existsSync(join(folder, 'node_modules')))) return;
  process.stderr.write('installing the locked packages …\n');
  run('install', 'npx', [
    '--yes',
    manifest.packageManager,
    'install',
    '--frozen-lockfile',
    '--reporter=append-only',
  ]);
  writeFileSync(stampFile, wanted);
}

/** The folders that pnpm-workspace.yaml names; each has dependencies, so each gets a node_modules of its own. */
function workspaces() {
  const packages = readdirSync(join(root, 'packages')).map((name) => join(root, 'packages', name));
  return [...packages, join(root, 'test')];
}

/** Runs a step quietly: its output appears only when it fails. */
function run(step, command, args) {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    env: { ...process.env, CI: 'true' },
  });
  if (error) fail(`${step}: ${error.message}`);
  if (status !== 0) fail(`${step} failed (${command} ${args.join(' ')}):\n${stdout}${stderr}`);
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
