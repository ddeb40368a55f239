import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchGuest } from '../kernel/launch.js';
import { buildPackage } from './built-package.js';
import { DebianRoot } from './debian-root.js';
import { packNode } from './node-package.js';
import { arePackagesSkipped } from './requirements.js';

const TIMEOUT_MS = 300_000;
const DEPENDENCIES = ['ipvsadm', 'systemd-sysv', 'kmod', 'logrotate', 'procps'];
const BOOTED = fileURLToPath(new URL('./booted.sh', import.meta.url));
const SERVICES = '/etc/surealived/services.xml';
/** What the package makes when it is installed, beside the files that dpkg knows of. */
const OURS =
  /^\/(etc\/(default\/surealived|surealived(\/(surealived\.cfg|services\.xml))?|systemd\/system\/multi-user\.target\.wants\/(surealived|ipvssync)\.service)|var\/(lib|log)\/surealived(\/(diffs|comm|stats))?|var\/lib\/systemd\/deb-systemd-helper-enabled(\/.*)?)$/;
/** The lists of users as they were before, which useradd and userdel keep. */
const BACKUP = /^\/etc\/(passwd|group|shadow|gshadow)-$/;

describe.skipIf(arePackagesSkipped())('installed on a fresh Debian, the package', () => {
  let debian12: DebianRoot;
  let debian13: DebianRoot;
  let folder = '';
  let deb = '';

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'deb-'));
    deb = buildPackage(folder);
    debian12 = new DebianRoot('bookworm', DEPENDENCIES);
    debian13 = new DebianRoot('trixie', ['nodejs', ...DEPENDENCIES]);
  }, TIMEOUT_MS);
  afterAll(() => {
    debian12?.[Symbol.dispose]();
    debian13?.[Symbol.dispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  it(
    'wants a newer Node than Debian 12 has',
    () => {
      expect(() => debian12.install(deb)).toThrow('Depends: nodejs (>= 20.19) but ');
    },
    TIMEOUT_MS,
  );

  it.each([
    [
      '12 with a newer Node',
      () => {
        debian12.install(packNode(folder));
        return debian12;
      },
    ],
    ['13', () => debian13],
  ])(
    'runs as it is on Debian %s, and leaves nothing behind when it is purged',
    (_, rootOf) => {
      const debian = rootOf();
      const before = new Set(debian.paths());
      const made = (): readonly string[] =>
        debian.paths().filter((path) => !before.has(path) && !BACKUP.test(path));
      debian.install(deb);
      const known = new Set(debian.run('dpkg', '--listfiles', 'surealived').split('\n'));
      expect(made().filter((path) => !known.has(path) && !OURS.test(path))).toEqual([]);

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
      expect(made()).toEqual([]);
      for (const file of ['/etc/passwd', '/etc/group'])
        expect(debian.read(file)).not.toMatch(/surealived|ipvssync/);
    },
    TIMEOUT_MS,
  );

  it(
    'takes over what SureAliveD has left',
    () => {
      for (const [path, content] of Object.entries(ORIGINAL)) {
        const file = debian13.file(path);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, content);
        if (path.startsWith('/etc/init.d/')) chmodSync(file, 0o755);
      }
      debian13.install(deb);
      expect(debian13.read('/etc/surealived/surealived.cfg')).toBe(
        ORIGINAL['/etc/surealived/surealived.cfg'],
      );
      expect(debian13.read('/etc/default/surealived')).toMatch(
        /AUTOSTART=false\n(.*\n)+IPVSSYNC_OPTIONS="-u"$/m,
      );
      for (const name of ['surealived-check', 'surealived-ipvssync']) {
        expect(() => debian13.read(`/etc/init.d/${name}`)).toThrow('ENOENT');
        expect(debian13.read(`/etc/init.d/${name}.dpkg-old`)).toContain('DAEMON');
      }
      const uid = Number(debian13.run('id', '-u', 'surealived'));
      for (const path of ['ipvsfull.cfg', 'offline.dump', 'diffs/diff_sync.1'])
        expect(statSync(debian13.file(`/var/lib/surealived/${path}`)).uid, path).toBe(uid);
      debian13.run('surealived', '-t', SERVICES);
      debian13.run('apt-get', 'purge', '-y', 'surealived');
    },
    TIMEOUT_MS,
  );

  it(
    'has hardened services that keep the table right, through reloads, upgrades and its removal',
    async () => {
      debian13.install(deb);
      rmSync(debian13.file('/usr/sbin/policy-rc.d'));
      copyFileSync(BOOTED, debian13.file('/root/booted.sh'));
      expect(await boot('/bin/sh', '/root/booted.sh', `/root/${basename(deb)}`)).toMatch(/all is well$/);
    },
    TIMEOUT_MS,
  );

  it(
    'has services that wait to be started by hand where AUTOSTART is false',
    async () => {
      const settings = debian13.file('/etc/default/surealived');
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
      root: debian13.path,
      hasSystemd: true,
      timeoutMs: TIMEOUT_MS - 10_000,
    });
    return report.failure ?? report.output.trim();
  }
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

const START_BY_HAND = `
both() { systemctl is-active surealived ipvssync || true; }
both
for unit in surealived ipvssync; do
  journalctl --quiet --output=cat --unit=$unit --grep='not started at boot' | sed "s/^/$unit: /"
done
systemctl start surealived ipvssync
both`;

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
