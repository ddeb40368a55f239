import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { ConfigError, describeProblem } from '@surealived/shared/errors';
import { TesterRegistry } from '@surealived/testers/registry';
import { afterAll, describe, expect, it } from 'vitest';
import { parseServices } from './load.js';
import { CertificateFiles } from './load-tls.js';

const registry = new TesterRegistry();
const directory = mkdtempSync(join(tmpdir(), 'surealived-tls-'));
afterAll(() => rmSync(directory, { recursive: true }));
const DEBIAN_CA_FILE = '/etc/ssl/certs/ca-certificates.crt';
const [root = '', otherRoot = ''] = rootCertificates;

function fileOf(name: string, text: string): string {
  const file = join(directory, name);
  writeFileSync(file, text);
  return file;
}

/** A virtual per tester, each with one real. */
function load(...testers: string[]) {
  const virtuals = testers.map(
    (tester, i) => `<virtual name="v${i}" addr="192.0.2.1" port="${i}" proto="tcp" sched="rr" rt="masq">
      <tester testport="443" ${tester}/><real name="r" addr="10.0.0.1" port="443" weight="1"/></virtual>`,
  );
  const text = `<surealived>\n${virtuals.join('\n')}\n</surealived>`;
  const { virtuals: loaded, warnings } = parseServices(text, 'services.xml', { registry });
  return { tls: loaded.map(({ reals: [real] }) => real?.tls), warnings: warnings.map(describeProblem) };
}

function problemsOf(...testers: string[]): readonly string[] {
  try {
    load(...testers);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(describeProblem);
    throw error;
  }
  return [];
}

describe('SSL="1"', () => {
  it('alone wants TLS, whatever the certificate', () => {
    expect(load('proto="tcp" SSL="1"').tls).toEqual([
      { serverName: undefined, policy: { verify: false, caFile: undefined, caStamp: '', minDays: 0 } },
    ]);
    expect(load('proto="tcp" SSL="0"').tls).toEqual([undefined]);
  });

  it.each([
    ['the host', 'host="www.example.org"', 'www.example.org'],
    ['the host, less its port', 'host="www.example.org:8443"', 'www.example.org'],
    ['the host, less the dot of its end', 'host="www.example.org."', 'www.example.org'],
    ['sni instead of the host', 'host="internal" sni="www.example.org"', 'www.example.org'],
    ['nobody for an IPv4 address', 'host="10.0.0.1:80"', undefined],
    ['nobody for an IPv6 address', 'host="[2001:db8::1]:80"', undefined],
    ['nobody for what is no name', 'host="no name"', undefined],
  ])('asks for %s', (_what, attributes, serverName) => {
    expect(load(`proto="http" url="/" ${attributes} SSL="1"`).tls).toMatchObject([{ serverName }]);
  });

  it('with an address for a server name is an error', () => {
    expect(problemsOf('proto="tcp" SSL="1" sni="10.0.0.1"')).toEqual([
      expect.stringMatching(/^services\.xml:3:.*attribute "sni": expected a host name, got an address$/),
    ]);
  });

  it('warns of what has no effect', () => {
    const { warnings, tls } = load('proto="tcp" SSL="1" tls_ca="/nonexistent"', 'proto="tcp" sni="www"');
    expect(warnings).toEqual([
      expect.stringMatching(/attribute "tls_ca": has no effect without tls_verify="1"$/),
      expect.stringMatching(/attribute "sni": has no effect without SSL="1"$/),
    ]);
    expect(tls).toMatchObject([{ policy: { verify: false, caFile: undefined } }, undefined]);
  });
});

describe('tls_verify without tls_ca', () => {
  const good = fileOf('system.pem', root);

  it.skipIf(!existsSync(DEBIAN_CA_FILE))(
    'trusts the file of the system, and knows when it is another',
    () => {
      const { tls } = load('proto="tcp" SSL="1" tls_verify="1"');
      const caStamp = new CertificateFiles().stampOf(DEBIAN_CA_FILE);
      expect(tls).toMatchObject([{ policy: { verify: true, caFile: DEBIAN_CA_FILE, caStamp } }]);
    },
  );

  it.each([
    ['the first of use', [join(directory, 'missing.pem'), fileOf('none.pem', ''), good], good],
    ['none where there is none', [join(directory, 'missing.pem')], undefined],
  ])('takes %s', (_what, files, expected) => {
    expect(new CertificateFiles(files).ofSystem).toBe(expected);
  });
});

describe('tls_ca', () => {
  const pipe = join(directory, 'pipe');
  spawnSync('mkfifo', [pipe]);
  const tester = (file: string) => `proto="tcp" SSL="1" tls_verify="1" tls_ca="${file}"`;

  it('has another stamp as soon as its content is another', () => {
    const stamp = (text: string) => load(tester(fileOf('ca.pem', text))).tls[0]?.policy.caStamp;
    const first = stamp(root);
    expect(first).toMatch(/^[0-9a-f]{16}$/);
    expect(stamp(otherRoot)).not.toBe(first);
    expect(stamp(root)).toBe(first);
  });

  it.each<[string, string, RegExp]>([
    ['is not there', join(directory, 'missing.pem'), /missing\.pem: ENOENT/],
    ['is a directory', directory, /: EISDIR/],
    ['is a pipe', pipe, /pipe: not a regular file/],
    ['is empty', fileOf('empty.pem', ''), /empty\.pem: no certificate in it$/],
    ['holds no certificate', fileOf('text.pem', 'hello\n'), /text\.pem: no certificate in it$/],
    [
      'is damaged',
      fileOf('damaged.pem', `${root}\n${otherRoot.slice(0, 300)}`),
      /damaged\.pem: certificate 2: /,
    ],
  ])('that %s is an error at its line', (_what, file, message) => {
    const problems = problemsOf('proto="tcp"', tester(file), tester(file));
    expect(problems).toEqual([
      expect.stringMatching(/^services\.xml:5:\d+: virtual "v1" > tester: attribute "tls_ca": \//),
      expect.stringMatching(/^services\.xml:7:\d+: virtual "v2" > tester: attribute "tls_ca": \//),
    ]);
    expect(problems[0]).toMatch(message);
  });
});
