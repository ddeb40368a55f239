import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildPackage } from './built-package.js';
import { DEPENDENCIES, DebianRoot } from './debian-root.js';
import { packByHand } from './handmade-package.js';
import { ORIGINAL_CFG, ORIGINAL_LOGROTATE, ORIGINAL_SETTINGS, packOriginal } from './original-package.js';
import { arePackagesSkipped } from './requirements.js';

const TIMEOUT_MS = 300_000;
const INIT_SCRIPTS = ['surealived-check', 'surealived-ipvssync'];
const SERVICES = '/etc/surealived/services.xml';
/** The Node that runs this, as who has a Debian with an older one gets his from elsewhere. */
const NODE = {
  Package: 'nodejs',
  Version: process.versions.node,
  Depends: 'libc6, libstdc++6, libgcc-s1',
} as const;
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
        const node = packByHand(NODE, [
          { path: '/usr/bin/node', mode: 0o755, content: { copyOf: process.execPath } },
        ]);
        debian12.install(node);
        rmSync(dirname(node), { recursive: true });
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
      debian.run(...asUser('surealived'), 'sh', '-e', '-c', TRY);
      debian.run(...asUser('ipvssync'), 'ipvssync', '-t');
      debian.run(...asUser('ipvssync'), 'ipvssync', '--once', '--table', 'memory:/tmp/table');
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
    'calls ipvssync as the init script of a SureAliveD did that no package brought',
    () => {
      for (const name of INIT_SCRIPTS) writeFileSync(debian13.file(`/etc/init.d/${name}`), '#!/bin/sh\n');
      debian13.install(deb);
      expect(debian13.read('/etc/default/surealived')).toMatch(/\nIPVSSYNC_OPTIONS="-u"\n$/);
      for (const name of INIT_SCRIPTS) {
        expect(() => debian13.read(`/etc/init.d/${name}`)).toThrow('ENOENT');
        expect(debian13.read(`/etc/init.d/${name}.dpkg-old`)).toBe('#!/bin/sh\n');
      }
      debian13.run('apt-get', 'purge', '-y', 'surealived');
      expect(debian13.run('find', '/etc/init.d', '-name', 'surealived*')).toBe('');
    },
    TIMEOUT_MS,
  );

  describe('in the place of SureAliveD', () => {
    let original = '';

    beforeAll(() => {
      original = packOriginal(debian13.file('/usr/bin/sleep'));
    });
    afterAll(() => rmSync(dirname(original), { recursive: true, force: true }));
    beforeEach(() => {
      debian13.install(original);
      for (const name of INIT_SCRIPTS) debian13.run('update-rc.d', name, 'defaults');
      for (const [path, content] of Object.entries(LEFT)) {
        mkdirSync(dirname(debian13.file(path)), { recursive: true });
        writeFileSync(debian13.file(path), content, { mode: 0o600 });
      }
    }, TIMEOUT_MS);
    afterEach(() => {
      debian13.run('apt-get', 'purge', '-y', 'surealived');
      for (const folder of ['etc/surealived', 'var/lib/surealived', 'var/log/surealived'])
        rmSync(debian13.file(folder), { recursive: true, force: true });
    }, TIMEOUT_MS);

    it(
      'has its settings, its configuration and its state',
      () => {
        debian13.install(deb);
        expect(debian13.read('/etc/surealived/surealived.cfg')).toBe(ORIGINAL_CFG);
        expect(debian13.read(SERVICES)).toBe(LEFT[SERVICES]);
        const settings = debian13.read('/etc/default/surealived');
        expect(settings).toMatch(/\nIPVSSYNC_OPTIONS="-u"\n$/);
        expect(settings.startsWith(ORIGINAL_SETTINGS)).toBe(true);
        for (const name of INIT_SCRIPTS) {
          expect(() => debian13.read(`/etc/init.d/${name}`)).toThrow('ENOENT');
          expect(debian13.run('find', '/etc', '-name', `S*${name}`)).toBe('');
        }
        expect(debian13.run('find', '/etc', '-name', '*.surealived-1')).toBe('');
        const uid = Number(debian13.run('id', '-u', 'surealived'));
        for (const path of Object.keys(LEFT).filter((name) => name.startsWith('/var/')))
          expect(statSync(debian13.file(path)).uid, path).toBe(uid);
        debian13.run(...asUser('surealived'), 'surealived', '-t', SERVICES);
      },
      TIMEOUT_MS,
    );

    it(
      'has them also when the first attempt was given up',
      () => {
        const edited = `${ORIGINAL_CFG}maxfd 4096\n`;
        writeFileSync(debian13.file('/etc/surealived/surealived.cfg'), edited);
        debian13.run('dpkg', '--unpack', debian13.put(deb));
        debian13.install(original, '--allow-downgrades');
        debian13.install(deb);
        expect(debian13.read('/etc/surealived/surealived.cfg')).toBe(edited);
      },
      TIMEOUT_MS,
    );

    it(
      'leaves it as it was where it cannot be unpacked',
      () => {
        const other = packByHand({ Package: 'other', Version: '1' }, [
          { path: '/usr/bin/sdctl', content: '' },
        ]);
        debian13.install(other);
        rmSync(dirname(other), { recursive: true });
        expect(() => debian13.install(deb)).toThrow("trying to overwrite '/usr/bin/sdctl'");
        expect(debian13.run('dpkg-query', '--show', 'surealived')).toContain('1.0.6');
        debian13.run('dpkg', '--verify', 'surealived');
        expect(debian13.read('/etc/logrotate.d/surealived')).toBe(ORIGINAL_LOGROTATE);
        expect(debian13.run('find', '/etc', '-name', '*.surealived-1')).toBe('');
        for (const name of INIT_SCRIPTS)
          expect(debian13.read(`/etc/init.d/${name}`)).toContain('Default-Start');
        debian13.run('apt-get', 'purge', '-y', 'other');
      },
      TIMEOUT_MS,
    );
  });
});

/** How a service runs a command. */
function asUser(name: string): readonly string[] {
  return ['setpriv', '--reuid', name, '--regid', 'surealived', '--init-groups'];
}

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

/** What SureAliveD and its users leave beside the files of its package, all of it root's. */
const LEFT: Readonly<Record<string, string>> = {
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
