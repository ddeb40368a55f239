import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Fetches a package that an installation leaves out because it is made for another architecture. It has to be the very one
 * that the lockfile names.
 *
 * @param {string} name
 * @param {string} root The workspace.
 * @param {string} into A folder, which is made.
 * @returns {string} The folder of the package.
 */
export function fetchForeignPackage(name, root, into) {
  const lockfile = readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8');
  const entry = new RegExp(
    `^  '${name}@([^']+)':\n    resolution: \\{integrity: sha512-([^}]+)\\}`,
    'm',
  ).exec(lockfile);
  if (!entry) throw new Error(`pnpm-lock.yaml has no ${name}`);
  const [, version, integrity] = entry;
  mkdirSync(into, { recursive: true });
  const [{ filename }] = JSON.parse(
    run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', into, `${name}@${version}`]),
  );
  const archive = join(into, filename);
  const found = createHash('sha512').update(readFileSync(archive)).digest('base64');
  if (found !== integrity) throw new Error(`${name}@${version}: not what pnpm-lock.yaml names`);
  run('tar', ['--extract', '--gzip', '--file', archive, '--directory', into]);
  return join(into, 'package');
}

function run(command, args) {
  const { status, error, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (error || status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}
