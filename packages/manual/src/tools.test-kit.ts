import { spawnSync } from 'node:child_process';
import { it } from 'vitest';

/** `it` for a test that runs a program: where that is missing the test is skipped, unless nothing may be. */
export function itWith(program: string, debianPackage: string): typeof it | ReturnType<typeof it.skipIf> {
  const isMissing = spawnSync(program, ['--version'], { stdio: 'ignore' }).error !== undefined;
  const skipped = isMissing && process.env.SUREALIVED_NO_SKIP !== '1';
  if (skipped) console.log(`tests with ${program} skipped: test/install-debian.sh installs ${debianPackage}`);
  return it.skipIf(skipped);
}

/** Runs a program to its end, whatever its exit status. */
export function run(
  program: string,
  args: readonly string[],
  input = '',
): { readonly stdout: string; readonly stderr: string } {
  const env = { ...process.env, LC_ALL: 'C.UTF-8' };
  const { error, stdout, stderr } = spawnSync(program, args, { input, encoding: 'utf8', env });
  if (error) throw error;
  return { stdout, stderr };
}
