import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPackage } from './built-package.js';
import { arePackagesSkipped } from './requirements.js';

const MAX_INSTALLED_KB = 15 << 10;

function run(program: string, ...args: readonly string[]): string {
  const { status, error, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: status ${status}\n${stdout}${stderr}`);
  return stdout;
}

describe.skipIf(arePackagesSkipped())('the Debian package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'deb-'));
  let deb = '';

  function build(...options: readonly string[]): string {
    return buildPackage(mkdtempSync(join(folder, 'built-')), ...options);
  }

  beforeAll(() => {
    deb = build();
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is the same, byte for byte, when it is built again', () => {
    expect(readFileSync(build()).equals(readFileSync(deb))).toBe(true);
  });

  it('gives lintian nothing to complain about', () => {
    expect(run('lintian', '--allow-root', '--fail-on=error,warning', deb)).toBe('');
  });

  it('is small', () => {
    expect(Number(run('dpkg-deb', '--field', deb, 'Installed-Size'))).toBeLessThan(MAX_INSTALLED_KB);
  });

  it('has the programs, their pages and their completions', () => {
    const files = run('dpkg-deb', '--contents', deb);
    for (const path of ['usr/bin/surealived', 'usr/bin/sdctl', 'usr/sbin/ipvssync']) {
      expect(files).toMatch(new RegExp(` \\./${path} -> `));
    }
    for (const page of ['surealived.8', 'ipvssync.8', 'sdctl.8', 'surealived.cfg.5', 'surealived.xml.5']) {
      expect(files).toContain(`/${page}.gz\n`);
    }
    for (const name of ['surealived', 'ipvssync', 'sdctl']) {
      expect(files).toContain(`./usr/share/bash-completion/completions/${name}\n`);
      expect(files).toContain(`./usr/share/zsh/vendor-completions/_${name}\n`);
    }
  });

  it.each([
    ['amd64', 'x86-64'],
    ['arm64', 'aarch64'],
  ])('for %s has the native library of that architecture, and no other', (arch, machine) => {
    const unpacked = mkdtempSync(join(folder, 'unpacked-'));
    run('dpkg-deb', '--extract', build('--arch', arch), unpacked);
    const libraries = run('find', unpacked, '-name', '*.node').trim().split('\n');
    expect(libraries).toHaveLength(1);
    expect(run('file', '--brief', libraries[0] ?? '')).toContain(machine);
  });

  it.each(['surealived', 'ipvssync'])('has a %s.service with an exposure of 2.0 at most', (unit) => {
    const unpacked = mkdtempSync(join(folder, 'unpacked-'));
    run('dpkg-deb', '--extract', deb, unpacked);
    const file = join(unpacked, 'usr/lib/systemd/system', `${unit}.service`);
    run('systemd-analyze', 'security', '--offline=true', '--threshold=20', '--no-pager', file);
  });
});
