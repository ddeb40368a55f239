import { createHash } from 'node:crypto';
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createConnection, type Socket } from 'node:net';
import { messageOf } from '@surealived/shared/errors';
import type ssh2 from 'ssh2';
import type { Algorithms, AnyAuthMethod, Client, ParsedKey } from 'ssh2';
import type { Static } from 'typebox';
import { reasonOfErrno } from '../errno-reasons.js';
import { defineTaskTester, down, ObstacleError, type TaskContext, up, type Verdict } from '../tester.js';
import Type from '../type.js';

const require = createRequire(import.meta.url);
/** A banner and a key exchange need some kilobytes; whoever sends more than this never gets to the point. */
const MAX_HANDSHAKE_BYTES = 1 << 17;
/** Where the banner is looked for: lines of greeting may come before it (RFC 4253, section 4.2). */
const MAX_GREETING_CHARACTERS = 1 << 13;
const MAX_REPORTED_CHARACTERS = 200;
/** Checking a group that a server proposes (RFC 4419) takes seconds, in which nothing else would be tested. */
const ALGORITHMS: Algorithms = {
  kex: { append: [], prepend: [], remove: 'diffie-hellman-group-exchange-sha256' },
};

const Attributes = Type.Object({
  user: Line(255, 'User to log in as; without one the test ends with the exchange of keys.'),
  password: Line(1024, 'Password of the user.'),
  key_file: Line(4096, 'File with the private key of the user, without a passphrase.'),
  command: Line(4096, 'Command to run after the login.'),
  expect_status: Type.Integer({
    minimum: 0,
    maximum: 255,
    default: 0,
    description: 'Exit status of the command that means success.',
  }),
  host_key: Type.String({
    default: '',
    pattern: '^(SHA256:[A-Za-z0-9+/]{43})?$',
    expected: 'a fingerprint such as ssh-keygen -l prints: SHA256: and 43 characters',
    description:
      'Fingerprint of the key that the server must show (Ed25519 where it has one); empty for any.',
  }),
});
type Attributes = Static<typeof Attributes>;

export default defineTaskTester({
  name: 'ssh',
  description: 'Exchanges keys by SSH; logs in where a user is given, and runs a command where one is given.',
  shareable: true,
  attributes: Attributes,
  isOverTcp: true,
  findFault({ user, password, key_file, command }) {
    const idle = Object.entries({ password, key_file, command }).find(([, value]) => value !== '');
    if (user === '' && idle) return { attribute: idle[0], message: 'has no effect without a user' };
    try {
      if (key_file === '') return undefined;
      accessSync(key_file, constants.R_OK);
      if (!statSync(key_file).isFile())
        return { attribute: 'key_file', message: `${key_file} is not a file` };
      const key = parseKey(readFileSync(key_file));
      return key instanceof Error
        ? { attribute: 'key_file', message: `${key_file}: ${key.message}` }
        : undefined;
    } catch (error) {
      return { attribute: 'key_file', message: messageOf(error), isWarning: true };
    }
  },
  async check({ address, port, bindAddress }, attributes, context) {
    const login = await loginMethods(attributes);
    const { signal } = context;
    signal.throwIfAborted();
    const socket = createConnection({
      host: address.text,
      port,
      noDelay: true,
      ...(bindAddress && { localAddress: bindAddress.text }),
    });
    const client = new (loadSsh2().Client)();
    const destroy = (): void => void socket.destroy();
    signal.addEventListener('abort', destroy, { once: true });
    try {
      return await converse(client, socket, login, attributes, context);
    } finally {
      signal.removeEventListener('abort', destroy);
      client.removeAllListeners().on('error', () => undefined); // it may still notice that the connection is gone
      client.end();
      socket.destroy();
    }
  },
});

/** Everything is text of one line; empty is "none". */
function Line(maxLength: number, description: string) {
  return Type.String({
    default: '',
    maxLength,
    pattern: '^[^\\u0000-\\u001f\\u007f]*$',
    expected: `text of at most ${maxLength} characters without control characters`,
    description,
  });
}

/** How the user may log in, in the order of the attempts. @throws ObstacleError where the key cannot be had. */
async function loginMethods(attributes: Attributes): Promise<readonly AnyAuthMethod[]> {
  const { user: username, password, key_file } = attributes;
  const methods: AnyAuthMethod[] = [];
  if (key_file !== '') methods.push({ type: 'publickey', username, key: await readKey(key_file) });
  if (password !== '') {
    methods.push({ type: 'password', username, password });
    // many servers ask for the password so
    const answer: KeyboardAnswer = (_name, _text, _lang, prompts, finish) =>
      finish(prompts.map(() => password));
    methods.push({ type: 'keyboard-interactive', username, prompt: answer });
  }
  return methods.length > 0 ? methods : [{ type: 'none', username }];
}
type KeyboardAnswer = Extract<AnyAuthMethod, { type: 'keyboard-interactive' }>['prompt'];

async function readKey(file: string): Promise<ParsedKey> {
  const text = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new ObstacleError(`key file ${file} cannot be read: ${error.code}`);
  });
  const key = parseKey(text);
  if (key instanceof Error) throw new ObstacleError(`key file ${file} cannot be used: ${key.message}`);
  return key;
}

/** A private key that needs no passphrase, or why it is none. */
function parseKey(text: Buffer): ParsedKey | Error {
  const key = loadSsh2().utils.parseKey(text);
  if (key instanceof Error) return key;
  return key.isPrivateKey() ? key : new Error('it holds a public key');
}

/** Loaded where it is needed only: that takes some time. */
function loadSsh2(): typeof ssh2 {
  return require('ssh2') as typeof ssh2;
}

/** From the connection to the first thing that decides. */
function converse(
  client: Client,
  socket: Socket,
  login: readonly AnyAuthMethod[],
  { user, command, expect_status, host_key }: Attributes,
  context: TaskContext,
): Promise<Verdict> {
  return new Promise((resolve, reject) => {
    let banner = '';
    socket.on('connect', context.connected);
    socket.on('close', () => resolve(down('protocol', 'the server closed the connection')));
    client.on('error', (error) => {
      const verdict = judgeError(error);
      if (verdict) resolve(verdict);
      else reject(new ObstacleError(`ssh: ${error.message}`, { cause: error }));
    });
    client.once('handshake', () => {
      socket.off('data', watchBanner);
      if (user === '') resolve(up(banner));
    });
    client.on('change password', () => resolve(down('content', 'the password has expired')));
    client.on('ready', () => {
      if (command === '') resolve(up(`logged in, ${banner}`));
      else run(client, command, expect_status, context).then(resolve, reject);
    });
    const authHandler = [...login];
    const hostVerifier = (key: Buffer): boolean => {
      const shown = fingerprintOf(key);
      if (host_key === '' || shown === host_key) return true;
      resolve(down('content', `host key ${shown}, expected ${host_key}`));
      return false;
    };
    client.connect({
      sock: socket,
      username: user,
      readyTimeout: 0,
      algorithms: ALGORITHMS,
      authHandler,
      hostVerifier,
    });

    let head = '';
    const watchBanner = (data: Buffer): void => {
      if (socket.bytesRead > MAX_HANDSHAKE_BYTES) resolve(down('protocol', 'no end of the key exchange'));
      if (banner !== '' || head.length > MAX_GREETING_CHARACTERS) return;
      head += data.toString('latin1');
      banner = oneLine(/^SSH-.*(?=\r?\n)/m.exec(head)?.[0] ?? '');
      if (banner !== '') context.received(Buffer.from(`${banner}\n`));
    };
    socket.on('data', watchBanner);
  });
}

/** The exit status decides: a server keeps the channel open for whatever the command left running. */
function run(client: Client, command: string, expected: number, context: TaskContext): Promise<Verdict> {
  context.sent(Buffer.from(`${command}\n`));
  return new Promise((resolve) => {
    client.exec(command, (error, channel) => {
      if (error) return resolve(down('content', `the command was refused: ${oneLine(error.message)}`));
      channel.on('data', context.received);
      channel.stderr.on('data', context.received);
      channel.on('exit', (status: number | null, signal?: string) => {
        const how = status === null ? `ended by ${oneLine(String(signal))}` : `exit status ${status}`;
        resolve(status === expected ? up(how) : down('content', `${how}, expected ${expected}`));
      });
      channel.on('close', () => resolve(down('protocol', 'the command ended without an exit status')));
    });
  });
}

/** @returns `undefined` when it says nothing about the real. */
function judgeError(error: Error & { level?: string; code?: unknown }): Verdict | undefined {
  if (error.level === 'client-authentication') return down('content', 'the login was refused');
  if (error.level !== 'client-socket') return down('protocol', oneLine(error.message));
  const reason = reasonOfErrno(String(error.code));
  return reason && down(reason, String(error.code));
}

/** As `ssh-keygen -l` prints it. */
function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** What a server says goes into logs: one line, and a short one. */
function oneLine(text: string): string {
  return text.slice(0, MAX_REPORTED_CHARACTERS).replace(/\p{C}+/gu, ' ');
}
