import { findProgram } from '../servers/server-process.js';

/** Programs, and the Debian packages that `test/install-debian.sh` installs for them. */
const PROGRAMS = {
  dh: 'debhelper',
  lintian: 'lintian',
  debootstrap: 'debootstrap',
  'systemd-analyze': 'systemd',
  unshare: 'util-linux',
} as const;

/** Debian packages that these tests need and this machine lacks. */
export function missingForPackages(): readonly string[] {
  return Object.entries(PROGRAMS)
    .filter(([program]) => !findProgram(program))
    .map(([, debianPackage]) => debianPackage);
}

/** Whether they are left out: never where nothing may be skipped. */
export function arePackagesSkipped(): boolean {
  const missing = missingForPackages();
  const isRoot = process.getuid?.() === 0;
  if ((missing.length === 0 && isRoot) || process.env.SUREALIVED_NO_SKIP === '1') return false;
  const why = isRoot ? `test/install-debian.sh installs ${missing.join(', ')}` : 'they need root';
  console.log(`tests of the Debian package skipped: ${why}`);
  return true;
}
