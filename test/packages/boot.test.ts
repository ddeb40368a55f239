import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { launchGuest } from '../kernel/launch.js';
import { buildPackage } from './built-package.js';
import { DEPENDENCIES, DebianRoot } from './debian-root.js';
import { packOriginal } from './original-package.js';
import { arePackagesSkipped } from './requirements.js';

const TIMEOUT_MS = 600_000;
const PACKAGES = [...DEPENDENCIES, 'nodejs', 'iputils-ping', 'iproute2'];
const SCRIPTS = ['guest.sh', 'booted.sh', 'taken-over.sh'];

describe.skipIf(arePackagesSkipped())('on a Debian 13 that boots, the package', () => {
  let debian: DebianRoot;
  let folder = '';
  /** Paths inside. */
  let ours = '';
  let next = '';
  let original = '';

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'deb-'));
    debian = new DebianRoot('trixie', PACKAGES);
    rmSync(debian.file('/usr/sbin/policy-rc.d'));
    const deb = buildPackage(folder);
    ours = debian.put(deb);
    next = debian.put(nextVersion(deb, folder));
    const packed = packOriginal(debian.file('/usr/bin/sleep'));
    original = debian.put(packed);
    rmSync(dirname(packed), { recursive: true });
    for (const name of SCRIPTS) debian.put(fileURLToPath(new URL(name, import.meta.url)));
  }, TIMEOUT_MS);
  afterAll(() => {
    debian?.[Symbol.dispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  afterEach(() => void debian.run('dpkg', '--purge', 'surealived'), TIMEOUT_MS);

  it(
    'takes the place of SureAliveD, whose programs run until ours are fit',
    async () => {
      debian.run('dpkg', '--install', original);
      for (const name of ['surealived-check', 'surealived-ipvssync'])
        debian.run('update-rc.d', name, 'defaults');
      expect(await boot('/bin/sh', '/root/taken-over.sh', ours, original)).toMatch(/all is well$/);
    },
    TIMEOUT_MS,
  );

  it(
    'has hardened services that keep the table right, through reloads, upgrades and its removal',
    async () => {
      debian.run('dpkg', '--install', ours);
      expect(await boot('/bin/sh', '/root/booted.sh', ours, next)).toMatch(/all is well$/);
    },
    TIMEOUT_MS,
  );

  it(
    'has services that wait to be started by hand where AUTOSTART is false',
    async () => {
      debian.run('dpkg', '--install', ours);
      const settings = debian.file('/etc/default/surealived');
      writeFileSync(settings, readFileSync(settings, 'utf8').replace('AUTOSTART=true', 'AUTOSTART=false'));
      expect(await boot('/bin/sh', '-e', '-c', START_BY_HAND)).toMatch(
        /^inactive\ninactive\nsurealived: not started at boot.*\nipvssync: not started at boot.*\nactive\nactive$/,
      );
    },
    TIMEOUT_MS,
  );

  /** What a command says that runs after a boot of that Debian. What it changes there is gone when it ends. */
  async function boot(...command: readonly string[]): Promise<string> {
    const report = await launchGuest({
      command,
      workingDir: '/',
      root: debian.path,
      hasSystemd: true,
      timeoutMs: TIMEOUT_MS - 10_000,
    });
    return report.failure ?? report.output.trim();
  }
});

const START_BY_HAND = `
systemctl is-system-running --wait >/dev/null || true
both() { systemctl is-active surealived ipvssync || true; }
both
for unit in surealived ipvssync; do
  journalctl --quiet --output=cat --unit=$unit --grep='not started at boot' | sed "s/^/$unit: /"
done
systemctl start surealived ipvssync
both`;

/** Makes of a package the version that follows it, which has other units, too. @returns The path of its .deb. */
function nextVersion(deb: string, folder: string): string {
  const tree = join(folder, 'next');
  execFileSync('dpkg-deb', ['--raw-extract', deb, tree]);
  const edit = (path: string, change: (text: string) => string): void =>
    writeFileSync(join(tree, path), change(readFileSync(join(tree, path), 'utf8')));
  edit('DEBIAN/control', (text) => text.replace(/^Version: .*$/m, '$&+next'));
  edit('usr/lib/surealived/package.json', (text) => text.replace(/("version": "[^"]*)"/, '$1.next"'));
  for (const unit of ['surealived', 'ipvssync'])
    edit(`usr/lib/systemd/system/${unit}.service`, (text) =>
      text.replace('WatchdogSec=30', 'WatchdogSec=45'),
    );
  const packed = join(folder, `next_${basename(deb)}`);
  execFileSync('dpkg-deb', ['--root-owner-group', '-Znone', '--build', tree, packed]);
  return packed;
}
