import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAddress } from '@surealived/shared/address';
import ssh2, { type AuthContext, type Connection, type ServerChannel } from 'ssh2';
import { describe, expect, it, onTestFinished } from 'vitest';
import { exampleTarget } from '../kit/conformance.js';
import { runTask } from '../kit/run-task.js';
import { taskChecks } from '../kit/task-conformance.js';
import { ObstacleError, type Target } from '../tester.js';
import ssh from './ssh.js';

const SECRET = 'correct horse battery staple';
const hostKey = ssh2.utils.generateKeyPairSync('ed25519', {});
const userKey = ssh2.utils.generateKeyPairSync('ed25519', {});
const none = { user: '', password: '', key_file: '', command: '', expect_status: 0, host_key: '' };
const never = (): void => undefined;

function targetAt(port: number, own: Partial<Target> = {}): Target {
  const address = parseAddress('127.0.0.1') ?? exampleTarget().address;
  return { ...exampleTarget(), address, port, ...own };
}

/** @returns Its port. */
async function listen(server: Server | ssh2.Server): Promise<number> {
  const ends: (() => void)[] = [];
  server.on('connection', (peer: Socket | Connection) => {
    peer.on('error', never); // a tester goes without a word
    ends.push(() => ('destroy' in peer ? peer.destroy() : peer.end()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const end of ends) end();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** An SSH server that lets in whom `letIn` accepts, and does `run` with each command. */
function listenSsh(
  letIn: (attempt: AuthContext) => void = (attempt) => attempt.accept(),
  run: (channel: ServerChannel, command: string, connection: Connection) => void = never,
): Promise<number> {
  const server = new ssh2.Server({ hostKeys: [hostKey.private], ident: 'test' }, (connection) => {
    connection.on('authentication', letIn);
    connection.on('ready', () => {
      connection.on('session', (accept) => {
        accept().on('exec', (acceptExec, _reject, { command }) => run(acceptExec(), command, connection));
      });
    });
  });
  return listen(server);
}

/** A server that is none: it does `serve` with each connection. */
function listenTcp(serve: (socket: Socket) => void): Promise<number> {
  return listen(createServer({ allowHalfOpen: true }, serve));
}

const verdictAt = async (port: number, overrides: Partial<typeof none> = {}, timeoutMs = 10_000) =>
  (await runTask(ssh, targetAt(port), { ...none, ...overrides }, { timeoutMs })).verdict;

function privateKeyFile(content: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'surealived-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'key');
  writeFileSync(file, content, { mode: 0o600 });
  return file;
}

const fingerprint = (publicKey: string): string => {
  const blob = Buffer.from(publicKey.split(' ')[1] ?? '', 'base64');
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=$/, '')}`;
};

describe('ssh', () => {
  const sample = {
    healthy: async () => ({ target: targetAt(await listenSsh()), attributes: none }),
    hanging: async () => {
      let reach: (socket: Socket) => void = never;
      const reached = new Promise((resolve) => {
        reach = resolve;
      });
      return { target: targetAt(await listenTcp((socket) => reach(socket))), attributes: none, reached };
    },
  };
  for (const { title, run } of taskChecks(ssh, sample)) it(title, run);
});

describe('without a user', () => {
  it('is up after the exchange of keys, and does not log in', async () => {
    const port = await listenSsh(() => expect.unreachable());
    const { verdict, received, sent } = await runTask(ssh, targetAt(port), none);
    expect(verdict).toEqual({ up: true, detail: 'SSH-2.0-test' });
    expect([received.toString(), sent.length]).toEqual(['SSH-2.0-test\n', 0]);
  });

  it('compares the key of the host where one is expected', async () => {
    const port = await listenSsh();
    const shown = fingerprint(hostKey.public);
    expect(await verdictAt(port, { host_key: shown })).toMatchObject({ up: true });
    const host_key = fingerprint(userKey.public);
    expect(await verdictAt(port, { host_key })).toEqual({
      up: false,
      reason: 'content',
      detail: `host key ${shown}, expected ${host_key}`,
    });
  });

  it('takes part in no exchange of keys that would hold up all other tests for seconds', async () => {
    let offered = '';
    const port = await listenTcp((socket) => {
      socket.write('SSH-2.0-test\r\n');
      socket.on('data', (data) => {
        offered += data.toString('latin1');
        if (offered.includes('diffie-hellman-group14-sha256')) socket.end();
      });
    });
    expect(await verdictAt(port)).toMatchObject({ up: false, reason: 'protocol' });
    expect(offered).toContain('curve25519-sha256');
    expect(offered).not.toContain('diffie-hellman-group-exchange');
  });

  it('comes from the address that it is bound to', async () => {
    const bindAddress = parseAddress('127.0.0.9');
    let source: string | undefined;
    const port = await listenTcp((socket) => {
      source = socket.remoteAddress;
      socket.destroy();
    });
    await runTask(ssh, targetAt(port, { bindAddress }), none);
    expect(source).toBe('127.0.0.9');
  });

  it('with a source address that is not ours says that it could not test', async () => {
    const target = targetAt(9, { bindAddress: parseAddress('192.0.2.1') });
    await expect(runTask(ssh, target, none)).rejects.toThrow(ObstacleError);
  });
});

describe('a login', () => {
  const byPassword = (attempt: AuthContext): void =>
    attempt.method === 'password' && attempt.username === 'probe' && attempt.password === SECRET
      ? attempt.accept()
      : attempt.reject(['password']);
  const byQuestion = (attempt: AuthContext): void => {
    if (attempt.method !== 'keyboard-interactive') return attempt.reject(['keyboard-interactive']);
    attempt.prompt([{ prompt: 'Password: ', echo: false }], ([answer]) =>
      answer === SECRET ? attempt.accept() : attempt.reject(),
    );
  };
  const byKey = (attempt: AuthContext): void => {
    if (attempt.method !== 'publickey') return attempt.reject(['publickey']);
    const known = ssh2.utils.parseKey(userKey.public);
    if (known instanceof Error || !attempt.key.data.equals(known.getPublicSSH())) return attempt.reject();
    if (!attempt.signature || !attempt.blob) return attempt.accept();
    if (known.verify(attempt.blob, attempt.signature, attempt.hashAlgo)) attempt.accept();
    else attempt.reject();
  };

  it.each([
    ['a password', byPassword],
    ['a password that is asked for', byQuestion],
  ])('by %s is up with the right one, and down with a wrong one', async (_what, letIn) => {
    const port = await listenSsh(letIn);
    const right = await verdictAt(port, { user: 'probe', password: SECRET });
    expect(right).toEqual({ up: true, detail: 'logged in, SSH-2.0-test' });
    const wrong = await verdictAt(port, { user: 'probe', password: 'wrong' });
    expect(wrong).toEqual({ up: false, reason: 'content', detail: 'the login was refused' });
  });

  it('by key is up with the right one, and down with a wrong one', async () => {
    const port = await listenSsh(byKey);
    const login = (key: string) => verdictAt(port, { user: 'probe', key_file: privateKeyFile(key) });
    expect(await login(userKey.private)).toMatchObject({ up: true });
    const stranger = ssh2.utils.generateKeyPairSync('ed25519', {});
    expect(await login(stranger.private)).toMatchObject({ up: false, reason: 'content' });
  });

  it('by nothing is up where the server wants nothing', async () => {
    expect(await verdictAt(await listenSsh(), { user: 'guest' })).toMatchObject({ up: true });
    expect(await verdictAt(await listenSsh(byPassword), { user: 'guest' })).toMatchObject({ up: false });
  });

  it('never shows the password', async () => {
    const port = await listenSsh(byQuestion);
    for (const password of [SECRET, `${SECRET}!`]) {
      const report = await runTask(ssh, targetAt(port), { ...none, user: 'probe', password });
      expect(JSON.stringify(report)).not.toContain(SECRET);
      expect(`${report.sent}${report.received}`).not.toContain(SECRET);
    }
  });

  it.each<[string, () => Partial<typeof none>, string]>([
    ['a key file that is missing', () => ({ user: 'probe', key_file: '/nowhere/key' }), 'ENOENT'],
    [
      'a key file that holds no key',
      () => ({ user: 'probe', key_file: privateKeyFile('nothing') }),
      'cannot be used: ',
    ],
    [
      'a key that is public',
      () => ({ user: 'probe', key_file: privateKeyFile(userKey.public) }),
      'cannot be used: ',
    ],
    [
      'a key with a passphrase',
      () => {
        const locked = ssh2.utils.generateKeyPairSync('ed25519', {
          passphrase: SECRET,
          cipher: 'aes256-ctr',
          rounds: 1,
        });
        return { user: 'probe', key_file: privateKeyFile(locked.private) };
      },
      'passphrase',
    ],
  ])('with %s says that it could not test', async (_what, overrides, message) => {
    const error = await verdictAt(9, overrides()).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ObstacleError);
    expect(String(error)).toContain(message);
    expect(String(error)).not.toContain(SECRET);
  });
});

it.each([
  [{ password: SECRET }, { attribute: 'password', message: 'has no effect without a user' }],
  [{ command: 'true' }, { attribute: 'command', message: 'has no effect without a user' }],
  [
    { user: 'probe', key_file: '/nowhere/key' },
    { attribute: 'key_file', isWarning: true },
  ],
  [
    { user: 'probe', key_file: '/tmp' },
    { attribute: 'key_file', message: '/tmp is not a file' },
  ],
  [{ user: 'probe', command: 'true' }, undefined],
])('finds at load what is wrong with %j', (overrides, fault) => {
  const found = ssh.findFault?.({ ...none, ...overrides });
  if (fault) expect(found).toMatchObject(fault);
  else expect(found).toBeUndefined();
});

it('finds at load what is wrong with a key', () => {
  const faultOf = (key: string) =>
    ssh.findFault?.({ ...none, user: 'probe', key_file: privateKeyFile(key) })?.message;
  expect(faultOf(userKey.private)).toBeUndefined();
  expect(faultOf(userKey.public)).toMatch('it holds a public key');
  expect(faultOf('nothing')).toMatch('Unsupported key format');
});

describe('a command', () => {
  const serve = (channel: ServerChannel, command: string, connection: Connection): void => {
    if (command === 'vanish') return void connection.end();
    if (command === 'hush') return channel.close();
    channel.write(`ran ${command}\n`);
    channel.stderr.write('and complained\n');
    if (command === 'crash') channel.exit('SEGV');
    else channel.exit(Number(command.split(' ')[1]));
    channel.end();
  };

  it.each([
    ['exit 0', 0, { up: true, detail: 'exit status 0' }],
    ['exit 3', 3, { up: true, detail: 'exit status 3' }],
    ['exit 1', 0, { up: false, reason: 'content', detail: 'exit status 1, expected 0' }],
    ['crash', 0, { up: false, reason: 'content', detail: 'ended by SIGSEGV, expected 0' }],
    ['hush', 0, { up: false, reason: 'protocol', detail: 'the command ended without an exit status' }],
    ['vanish', 0, { up: false, reason: 'protocol' }],
  ])('that does "%s" where %i is expected', async (command, expect_status, verdict) => {
    const port = await listenSsh(undefined, serve);
    expect(await verdictAt(port, { user: 'probe', command, expect_status })).toMatchObject(verdict);
  });

  it('is shown with its output', async () => {
    const port = await listenSsh(undefined, serve);
    const report = await runTask(ssh, targetAt(port), { ...none, user: 'probe', command: 'exit 0' });
    expect(report.sent.toString()).toBe('exit 0\n');
    expect(report.received.toString()).toContain('ran exit 0\n');
  });

  it('that the server does not run is down', async () => {
    const server = new ssh2.Server({ hostKeys: [hostKey.private] }, (connection) => {
      connection.on('authentication', (attempt) => attempt.accept());
      connection.on('session', (accept) => {
        accept().on('exec', (_accept, reject) => reject());
      });
    });
    const verdict = await verdictAt(await listen(server), { user: 'probe', command: 'true' });
    expect(verdict).toMatchObject({ up: false, reason: 'content', detail: /refused/ });
  });

  it('may say very much', async () => {
    const floods = (channel: ServerChannel): void => {
      channel.write(Buffer.alloc(5_000_000, 'x'), () => {
        channel.exit(0);
        channel.end();
      });
    };
    const port = await listenSsh(undefined, floods);
    expect(await verdictAt(port, { user: 'probe', command: 'flood' })).toMatchObject({ up: true });
  });
});

describe('a server that is none', () => {
  it.each<[string, (socket: Socket) => void, object]>([
    ['closes at once', (socket) => socket.end(), { reason: 'protocol' }],
    ['resets', (socket) => socket.resetAndDestroy(), { reason: 'reset' }],
    ['speaks HTTP', (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), { reason: 'protocol' }],
    ['speaks an old SSH', (socket) => socket.write('SSH-1.5-old\r\n'), { reason: 'protocol' }],
    ['closes after its banner', (socket) => socket.end('SSH-2.0-x\r\n'), { reason: 'protocol' }],
    [
      'sends garbage after its banner',
      (socket) => socket.write(Buffer.concat([Buffer.from('SSH-2.0-x\r\n'), Buffer.alloc(4000, 0xa5)])),
      { reason: 'protocol' },
    ],
    [
      'greets without an end',
      (socket) => {
        const greet = (): void => {
          while (!socket.destroyed && socket.write(`${'x'.repeat(1000)}\r\n`));
        };
        socket.on('drain', greet);
        greet();
      },
      { reason: 'protocol', detail: 'no end of the key exchange' },
    ],
  ])('and %s is down', async (_what, serve, expected) => {
    expect(await verdictAt(await listenTcp(serve))).toMatchObject({ up: false, ...expected });
  });

  it('and refuses is refused', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    expect(await verdictAt(port)).toEqual({ up: false, reason: 'refused', detail: 'ECONNREFUSED' });
  });

  it('and shows control characters has none of them in the log', async () => {
    const port = await listenTcp((socket) => socket.write('SSH-2.0-\u001b[2J\u0007\r\n'));
    const controller = new AbortController();
    const seen: string[] = [];
    await ssh.check(targetAt(port), none, {
      signal: controller.signal,
      timeoutMs: 1000,
      connected: never,
      sent: never,
      received: (data) => {
        seen.push(Buffer.from(data).toString());
        controller.abort();
      },
    });
    expect(seen).toEqual(['SSH-2.0- [2J \n']);
  });
});
