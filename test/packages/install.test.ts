import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchGuest } from '../kernel/launch.js';
import { buildPackage } from './built-package.js';
import { DebianRoot } from './debian-root.js';
import { arePackagesSkipped } from './requirements.js';

const TIMEOUT_MS = 300_000;
const DEPENDENCIES = ['nodejs', 'ipvsadm', 'systemd-sysv', 'kmod', 'logrotate', 'procps'];
const BOOTED = fileURLToPath(new URL('./booted.sh', import.meta.url));
const SERVICES = '/etc/surealived/services.xml';
/** What the package makes when it is installed, beside the files that dpkg knows of. */
const OURS =
  /^\/(etc\/(default\/surealived|surealived(\/(surealived\.cfg|services\.xml))?|systemd\/system\/multi-user\.target\.wants\/(surealived|ipvssync)\.service)|var\/(lib|log)\/surealived(\/(diffs|comm|stats))?)$/;
/** What useradd and userdel keep of before, and what is numbered by systemd. */
const KEPT_BY_OTHERS =
  /^\/(etc\/(passwd|group|shadow|gshadow)-|var\/lib\/systemd\/deb-systemd-helper-(en|mask)abled.*)$/;

describe.skipIf(arePackagesSkipped())('installed on a fresh Debian 13, the package', () => {
  let debian: DebianRoot;
  let folder = '';
  let deb = '';

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'deb-'));
    deb = buildPackage(folder);
    debian = new DebianRoot('trixie');
    debian.run('apt-get', 'update');
    debian.run('apt-get', 'install', '-y', '--no-install-recommends', ...DEPENDENCIES);
  }, TIMEOUT_MS);
  afterAll(() => {
    debian?.[Symbol.dispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  it(
    'runs as it is, and leaves nothing behind when it is purged',
    () => {
      const before = new Set(debian.paths());
      debian.install(deb);
      const known = new Set(debian.run('dpkg', '--listfiles', 'surealived').split('\n'));
      const made = debian.paths().filter((path) => !before.has(path) && !KEPT_BY_OTHERS.test(path));
      expect(made.filter((path) => !known.has(path) && !OURS.test(path))).toEqual([]);

      debian.run('systemd-analyze', 'verify', '--man=no', 'surealived.service', 'ipvssync.service');
      expect(debian.run('surealived', '-t', SERVICES)).toContain(': 0 virtuals, 0 reals: ok');
      const user = (name: string): string[] => [
        'setpriv',
        '--reuid',
        name,
        '--regid',
        'surealived',
        '--init-groups',
      ];
      debian.run(...user('surealived'), 'sh', '-e', '-c', TRY);
      debian.run(...user('ipvssync'), 'ipvssync', '-t');
      debian.run(...user('ipvssync'), 'ipvssync', '--once', '--table', 'memory:/tmp/table');
      expect(debian.read('/tmp/table')).toContain('-a -t 192.0.2.10:80 -r 127.0.0.1:80 -g -w 0');

      debian.run('apt-get', 'remove', '-y', 'surealived');
      expect(debian.read('/var/lib/surealived/ipvsfull.cfg')).toContain('vname=www');
      expect(debian.read(SERVICES)).toContain('<surealived>');
      debian.run('apt-get', 'purge', '-y', 'surealived');
      expect(debian.paths().filter((path) => !before.has(path) && !KEPT_BY_OTHERS.test(path))).toEqual([]);
      for (const file of ['/etc/passwd', '/etc/group'])
        expect(debian.read(file)).not.toMatch(/surealived|ipvssync/);
    },
    TIMEOUT_MS,
  );

  it(
    'takes over what SureAliveD has left',
    () => {
      for (const [path, content] of Object.entries(ORIGINAL)) {
        const file = debian.file(path);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, content);
        if (path.startsWith('/etc/init.d/')) chmodSync(file, 0o755);
      }
      debian.install(deb);
      expect(debian.read('/etc/surealived/surealived.cfg')).toBe(ORIGINAL['/etc/surealived/surealived.cfg']);
      expect(debian.read('/etc/default/surealived')).toMatch(
        /AUTOSTART=false\n(.*\n)+IPVSSYNC_OPTIONS="-u"$/m,
      );
      for (const name of ['surealived-check', 'surealived-ipvssync']) {
        expect(() => debian.read(`/etc/init.d/${name}`)).toThrow('ENOENT');
        expect(debian.read(`/etc/init.d/${name}.dpkg-old`)).toContain('DAEMON');
      }
      const uid = Number(debian.run('id', '-u', 'surealived'));
      for (const path of ['ipvsfull.cfg', 'offline.dump', 'diffs/diff_sync.1'])
        expect(statSync(debian.file(`/var/lib/surealived/${path}`)).uid, path).toBe(uid);
      debian.run('surealived', '-t', SERVICES);
      debian.run('apt-get', 'purge', '-y', 'surealived');
    },
    TIMEOUT_MS,
  );

  it(
    'has hardened services that keep the table right, through reloads, upgrades and its removal',
    async () => {
      debian.install(deb);
      rmSync(debian.file('/usr/sbin/policy-rc.d'));
      copyFileSync(BOOTED, debian.file('/root/booted.sh'));
      const report = await launchGuest({
        command: ['/bin/sh', '/root/booted.sh', `/root/${basename(deb)}`],
        workingDir: '/',
        root: debian.path,
        hasSystemd: true,
        timeoutMs: TIMEOUT_MS - 10_000,
      });
      expect(report.failure ?? report.output).toMatch(/all is well$/);
    },
    TIMEOUT_MS,
  );
});

/** A real where nobody listens is tested until the snapshot has it at weight 0. */
const TRY = `
cat >/tmp/services.xml <<EOF
<surealived>
  <virtual name="www" addr="192.0.2.10" port="80" proto="tcp" sched="wrr" rt="dr">
    <tester proto="tcp" testport="9" loopdelay="0.2" timeout="1"/>
    <real name="www1" addr="127.0.0.1" port="9" weight="10"/>
  </virtual>
</surealived>
EOF
surealived /tmp/services.xml &
until sdctl rlist www 2>/dev/null | grep -q ' down '; do sleep 0.1; done
kill $!
wait $!`;

/** Files as SureAliveD 1.0 and its scripts leave them, all of them root's. */
const ORIGINAL: Readonly<Record<string, string>> = {
  '/etc/default/surealived':
    'AUTOSTART=false\nCONFIG="/etc/surealived/surealived.cfg"\nCHECKER_CONFIG="/etc/surealived/services.xml"\n',
  '/etc/init.d/surealived-check': '#!/bin/bash\nDAEMON=/usr/bin/surealived\n',
  '/etc/init.d/surealived-ipvssync': '#!/bin/bash\nDAEMON=/usr/sbin/ipvssync\n',
  '/etc/logrotate.d/surealived': '/var/log/surealived/*.log {\n\tdaily\n}\n',
  '/etc/surealived/surealived.cfg': 'maxfd 2048\nmodules http,dns,exec,tcp\nmemlimit 64000\n',
  '/etc/surealived/services.xml': `<surealived>
  <virtual name="www" addr="192.0.2.10" port="80" proto="tcp" sched="wrr" rt="dr">
    <tester proto="tcp" testport="80" loopdelay="3" timeout="2"/>
    <real name="www1" addr="192.0.2.11" port="80" weight="10"/>
  </virtual>
</surealived>
`,
  '/var/lib/surealived/ipvsfull.cfg':
    'virtual vname=www vproto=tcp vaddr=192.0.2.10 vport=80 vfwmark=0 vrt=dr vsched=wrr\n',
  '/var/lib/surealived/offline.dump': '',
  '/var/lib/surealived/diffs/diff_sync.1': '',
  '/var/log/surealived/surealived.log': '',
};
