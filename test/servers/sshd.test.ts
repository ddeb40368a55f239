import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { outcomeOf } from './outcome-of.js';
import { findProgram, freePort, ServerProcess } from './server-process.js';

const sshd = findProgram('sshd');
const skipped = sshd === undefined && process.env.SUREALIVED_NO_SKIP !== '1';
if (skipped) console.log('ssh tests skipped: openssh-server missing; test/install-debian.sh installs it');

const user = userInfo().username;
const SECRET = 'correct horse battery staple';

describe.skipIf(skipped)('ssh with a real sshd', () => {
  const directory = mkdtempSync(join(tmpdir(), 'test-sshd-'));
  const file = (name: string): string => join(directory, name);
  let port = 0;
  let server: ServerProcess;

  beforeAll(async () => {
    port = await freePort();
    server = await startSshd(directory, port);
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  const test = (more: Readonly<Record<string, string>> = {}, at = {}) =>
    outcomeOf({ proto: 'ssh', ...more }, { port, ...at });
  const login = (key: string, more: Readonly<Record<string, string>> = {}) =>
    test({ user, key_file: file(key), ...more });

  it.each(['127.0.0.1', '::1'])('at %s is up after the exchange of keys', async (address) => {
    const { verdict, output, connectMs, responseMs } = await test({}, { address });
    const detail = expect.stringMatching(/^SSH-2.0-OpenSSH_/);
    expect([verdict, output]).toEqual([
      { up: true, detail },
      expect.stringMatching(/^SSH-2.0-OpenSSH_.*\n$/),
    ]);
    expect(connectMs).toBeGreaterThan(0);
    expect(responseMs).toBeGreaterThan(connectMs);
  });

  it('knows the key of the host by the fingerprint that ssh-keygen prints', async () => {
    const [, shown = ''] = execFileSync('ssh-keygen', ['-lf', file('host.pub')], { encoding: 'utf8' }).split(
      ' ',
    );
    expect((await test({ host_key: shown })).verdict).toMatchObject({ up: true });
    const other = `SHA256:${'A'.repeat(43)}`;
    expect((await test({ host_key: other })).verdict).toEqual({
      up: false,
      reason: 'content',
      detail: `host key ${shown}, expected ${other}`,
    });
  });

  it('logs in by key, and not by a key that is not authorised', async () => {
    expect((await login('authorised')).verdict).toMatchObject({ up: true });
    expect((await login('stranger')).verdict).toEqual({
      up: false,
      reason: 'content',
      detail: 'the login was refused',
    });
  });

  it('is refused with a wrong password, which is shown nowhere', async () => {
    const outcome = await test({ user, password: SECRET });
    expect(outcome.verdict).toMatchObject({ up: false, reason: 'content' });
    expect(JSON.stringify(outcome)).not.toContain(SECRET);
  });

  it.each([
    ['true', '0', { up: true, detail: 'exit status 0' }],
    ['exit 7', '7', { up: true, detail: 'exit status 7' }],
    ['exit 7', '0', { up: false, reason: 'content', detail: 'exit status 7, expected 0' }],
    ['kill -KILL $$', '0', { up: false, reason: 'content', detail: 'ended by SIGKILL, expected 0' }],
  ])('runs "%s" where %s is expected', async (command, expect_status, verdict) => {
    expect((await login('authorised', { command, expect_status })).verdict).toEqual(verdict);
  });

  it('keeps the output of the command, but does not wait for what it left running', async () => {
    const command = 'echo hello; echo sorry >&2; sleep 5 &';
    const { verdict, output } = await login('authorised', { command });
    expect(verdict).toEqual({ up: true, detail: 'exit status 0' });
    expect(output).toContain('hello\n');
  });

  it('times out with a command that hangs', async () => {
    const hanging = { proto: 'ssh', user, key_file: file('authorised'), command: 'sleep 5' };
    const { verdict, connectionProblem } = await outcomeOf(hanging, { port, timeout: 1 });
    expect(verdict).toEqual({ up: false, reason: 'timeout', detail: 'no verdict within 1000 ms' });
    expect(connectionProblem).toBeUndefined();
  });

  it('times out with a server that hangs', async () => {
    server.signal('SIGSTOP');
    const { verdict } = await test({}, { timeout: 0.3 });
    server.signal('SIGCONT');
    expect(verdict).toMatchObject({ up: false, reason: 'timeout' });
  });

  it('is refused where nobody listens', async () => {
    const outcome = await outcomeOf({ proto: 'ssh' }, { port: await freePort() });
    expect(outcome).toMatchObject({
      verdict: { up: false, reason: 'refused' },
      connectionProblem: 'refused',
    });
  });
});

/** All of its files are in the directory. */
function startSshd(directory: string, port: number): Promise<ServerProcess> {
  for (const name of ['host', 'authorised', 'stranger'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(directory, name)]);
  writeFileSync(join(directory, 'authorized_keys'), readFileSync(join(directory, 'authorised.pub')));
  const file = join(directory, 'sshd_config');
  writeFileSync(
    file,
    `
Port ${port}
ListenAddress 127.0.0.1
ListenAddress ::1
HostKey ${join(directory, 'host')}
AuthorizedKeysFile ${join(directory, 'authorized_keys')}
PidFile none
PermitRootLogin yes
PasswordAuthentication yes
StrictModes no
UsePAM no
${knowsPenalties(file) ? 'PerSourcePenalties no' : ''}
`,
  );
  const [program, ...args] = [...privateRun(), sshd ?? 'sshd', '-D', '-e', '-f', file];
  return ServerProcess.start(program, args, /(Server listening on [^\n]*\n\s*){2}/);
}

/** From OpenSSH 9.8 on, whoever does not log in is kept away for a while. */
function knowsPenalties(file: string): boolean {
  writeFileSync(file, 'PerSourcePenalties no\n');
  try {
    execFileSync(sshd ?? 'sshd', ['-t', '-f', file], { stdio: 'pipe' });
    return true;
  } catch (error) {
    return !String((error as { stderr: unknown }).stderr).includes('Bad configuration option');
  }
}

/** As root it wants /run/sshd, which its service makes: where that does not run, it gets a /run of its own. */
function privateRun(): readonly string[] {
  if (process.getuid?.() !== 0 || existsSync('/run/sshd')) return [];
  const prepare = 'mount -t tmpfs tmpfs /run && mkdir /run/sshd && exec "$@"';
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', prepare, 'sh'];
}
