import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { drain, MAX_READ_BYTES, read, write } from '@surealived/testers/requests';
import { down, type StreamProbe, up, type Verdict } from '@surealived/testers/tester';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Identity, isOpensslMissing, TestAuthority } from './certificates.test-kit.js';
import {
  blackHole,
  listen,
  newReactor,
  openDescriptors,
  refusingPort,
  runTest,
} from './hostile-servers.test-kit.js';
import { TestQueue } from './test-queue.js';
import { dripFrom, listenTls, type TlsTestOptions, tlsTestOf } from './tls-servers.test-kit.js';

let authority: TestAuthority;
let site: Identity;
let trusting: { readonly verify: true; readonly caFile: string };

beforeAll(() => {
  if (isOpensslMissing) return;
  authority = new TestAuthority();
  site = authority.issue({ names: 'DNS:www.example.org,DNS:*.example.net,IP:127.0.0.1,IP:::1' });
  trusting = { verify: true, caFile: authority.certFile };
  return () => authority[Symbol.dispose]();
});

const greets = function* (): StreamProbe {
  yield* write('hello');
  const answer = (yield* read(5)).toString();
  return answer === 'world' ? up(answer) : down('content', JSON.stringify(answer));
};
const drains = function* (): StreamProbe {
  yield* drain();
  return up('drained');
};
// biome-ignore lint/correctness/useYield: the handshake alone is the test
const connects = function* (): StreamProbe {
  return up('connected');
};
const never = (): void => undefined;
const answers = (socket: Socket): void => void socket.once('data', () => socket.end('world'));

async function verdictOf(
  probe: () => StreamProbe,
  port: number,
  options?: TlsTestOptions,
): Promise<Verdict | undefined> {
  return (await runTest(tlsTestOf(probe, port, options))).verdict;
}

describe.skipIf(isOpensslMissing)('a conversation over TLS', () => {
  it.each(['127.0.0.1', '::1'])('with a healthy server at %s is up, with its figures', async (host) => {
    const port = await listenTls(site, answers, host);
    const outcome = await runTest(tlsTestOf(greets, port, { host }));
    expect(outcome).toMatchObject({
      verdict: up('world'),
      obstacle: undefined,
      connectionProblem: undefined,
      sentBytes: 5,
      receivedBytes: 5,
    });
    expect(outcome.connectMs).toBeGreaterThan(0);
    expect(outcome.responseMs).toBeGreaterThan(outcome.connectMs);
  });

  it('lets a trace see what is said, not what is sent', async () => {
    const seen: string[] = [];
    const trace = {
      sent: (data: Uint8Array) => void seen.push(`> ${Buffer.from(data)}`),
      received: (data: Uint8Array) => void seen.push(`< ${Buffer.from(data)}`),
    };
    const test = tlsTestOf(greets, await listenTls(site, answers));
    await new Promise((resolve) => new TestQueue(newReactor(), 1).run(test, resolve, trace));
    expect(seen).toEqual(['> hello', '< world']);
  });

  it.each(['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const)('speaks %s', async (version) => {
    const versions = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' };
    const port = await listenTls({ ...site, ...versions }, answers);
    expect(await verdictOf(greets, port)).toEqual(up('world'));
  });

  it('does not speak what is no longer safe where it is to verify', async () => {
    const versions = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    const port = await listenTls({ ...site, ...versions }, answers);
    expect(await verdictOf(greets, port, trusting)).toMatchObject({
      reason: 'tls',
      detail: expect.stringMatching(/^handshake: .*protocol/),
    });
  });

  it('does not mind a weak certificate unless it is to verify', async () => {
    const weak = authority.issue({ names: 'IP:127.0.0.1', key: ['-newkey', 'rsa:512'] });
    const port = await listenTls({ ...weak, ciphers: 'DEFAULT@SECLEVEL=0', maxVersion: 'TLSv1.2' }, answers);
    expect(await verdictOf(greets, port)).toEqual(up('world'));
    expect(await verdictOf(greets, port, trusting)).toMatchObject({ up: false, reason: 'tls' });
  });

  it('asks for the server by its name', async () => {
    const names: unknown[] = [];
    const serve = (socket: Socket & { servername?: unknown }): void => {
      names.push(socket.servername);
      answers(socket);
    };
    const port = await listenTls(site, serve);
    await verdictOf(greets, port, { serverName: 'www.example.org' });
    await verdictOf(greets, port);
    expect(names).toEqual(['www.example.org', false]);
  });

  it('goes on without a certificate of its own when it is asked for one', async () => {
    const port = await listenTls({ ...site, requestCert: true, rejectUnauthorized: false }, answers);
    expect(await verdictOf(greets, port)).toEqual(up('world'));
  });

  it('is down when a certificate of its own is demanded', async () => {
    const port = await listenTls({ ...site, requestCert: true }, never);
    expect(await verdictOf(greets, port)).toMatchObject({ up: false });
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'over %s writes and reads more than any buffer holds',
    async (maxVersion) => {
      const data = Buffer.alloc(4 << 20, 'surealived ');
      const echoes = function* (): StreamProbe {
        yield* write(data);
        for (let i = 0; i < data.length; i += MAX_READ_BYTES) {
          const part = yield* read(MAX_READ_BYTES);
          if (!part.equals(data.subarray(i, i + MAX_READ_BYTES)))
            return down('content', `differs after ${i}`);
        }
        return up('equal');
      };
      const serve = (socket: Socket): void => {
        const parts: Buffer[] = [];
        let bytes = 0;
        socket.on('data', (part) => {
          parts.push(part);
          bytes += part.length;
          if (bytes === data.length) socket.end(Buffer.concat(parts));
        });
      };
      const outcome = await runTest(tlsTestOf(echoes, await listenTls({ ...site, maxVersion }, serve)));
      expect([outcome.verdict, outcome.sentBytes, outcome.receivedBytes]).toEqual([
        up('equal'),
        data.length,
        data.length,
      ]);
    },
  );

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'over %s reads what drips one byte at a time',
    async (maxVersion) => {
      const port = await dripFrom(await listenTls({ ...site, maxVersion }, answers));
      expect(await verdictOf(greets, port)).toEqual(up('world'));
    },
  );

  it('takes what several small reads want from one record', async () => {
    const spells = function* (): StreamProbe {
      let text = '';
      for (let i = 0; i < 5; i++) text += (yield* read(1)).toString();
      return up(text);
    };
    // the server says no more and keeps the connection: nothing wakes the reader for the rest
    const port = await listenTls(site, (socket) => void socket.write('world'));
    expect(await verdictOf(spells, port, { timeoutMs: 2000 })).toEqual(up('world'));
  });

  it('with a stream without end times out, and the others have their turn', async () => {
    const engine = new TestQueue(newReactor(), 100);
    const chunk = Buffer.alloc(1 << 18);
    const pour = (socket: Socket): void => {
      const more = (): void => {
        while (!socket.destroyed && socket.write(chunk));
      };
      socket.on('drain', more);
      more();
    };
    const flood = runTest(tlsTestOf(drains, await listenTls(site, pour), { timeoutMs: 400 }), engine);
    const quick = await runTest(tlsTestOf(greets, await listenTls(site, answers)), engine);
    expect(quick.verdict).toEqual(up('world'));
    const outcome = await flood;
    expect(outcome.verdict).toEqual(down('timeout', 'no verdict within 400 ms'));
    expect(outcome.receivedBytes).toBeGreaterThan(1 << 20);
  });

  it.each<[string, (socket: Socket, raw: Socket) => void]>([
    ['with a goodbye', (socket) => void socket.end('world')],
    ['without a goodbye', (socket, raw) => void socket.write('world', () => raw.end())],
  ])('takes a connection that is closed %s for the end of the stream', async (_how, serve) => {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const options = { ...site, maxVersion };
      const outcome = await runTest(tlsTestOf(drains, await listenTls(options, serve)));
      expect(outcome).toMatchObject({ verdict: up('drained'), receivedBytes: 5 });
    }
  });

  it('with a server that resets in mid-answer is a reset', async () => {
    const serve = (socket: Socket, raw: Socket): void =>
      void socket.write('wor', () => raw.resetAndDestroy());
    expect(await verdictOf(greets, await listenTls(site, serve))).toMatchObject({ reason: 'reset' });
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'over %s that writes on after a goodbye is down at once',
    async (maxVersion) => {
      const writesOn = function* (): StreamProbe {
        yield* drain();
        for (;;) yield* write('anybody there?');
      };
      const serve = (socket: Socket, raw: Socket): void => void socket.end(() => raw.destroy());
      const port = await listenTls({ ...site, maxVersion }, serve);
      const verdict = await verdictOf(writesOn, port, { timeoutMs: 2000 });
      // what became of the write, newer releases of OpenSSL tell more exactly
      expect([down('tls', 'send: closed by the peer'), down('reset', 'send: EPIPE')]).toContainEqual(verdict);
    },
  );

  it.each([
    ['a new key', '-tls1_3', 'K', 'KeyUpdate'],
    ['a new handshake', '-tls1_2', 'r', 'HelloRequest'],
  ])('goes on when the server wants %s', async (_what, version, command, message) => {
    const identity = ['-key', site.keyFile, '-cert', site.certFile];
    const server = spawn('openssl', ['s_server', '-accept', '127.0.0.1:0', '-msg', ...identity, version], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    onTestFinished(() => void server.kill());
    const accepts = new Promise<number>((resolve) =>
      createInterface({ input: server.stdout }).on('line', (line) => {
        const [, port] = /^ACCEPT 127\.0\.0\.1:(\d+)$/.exec(line) ?? [];
        if (port !== undefined) resolve(Number(port));
        if (line === 'hello') server.stdin.write(`${command}\n`);
        if (line.startsWith('>>>') && line.endsWith(message)) server.stdin.write('world\n');
      }),
    );
    const speaks = function* (): StreamProbe {
      yield* write('hello\n');
      return up((yield* read(6)).toString());
    };
    expect(await verdictOf(speaks, await accepts)).toEqual(up('world\n'));
  });
});

describe.skipIf(isOpensslMissing)('a handshake', () => {
  it('that nobody answers is ended by the deadline, and is no connection problem', async () => {
    const outcome = await runTest(tlsTestOf(connects, await listen(never), { timeoutMs: 60 }));
    expect(outcome).toMatchObject({
      verdict: down('timeout', 'no TLS handshake within 60 ms'),
      connectionProblem: undefined,
      obstacle: undefined,
      sentBytes: 0,
      receivedBytes: 0,
    });
    expect(outcome.connectMs).toBeGreaterThan(0);
  });

  it.each<[string, (socket: Socket) => void, unknown]>([
    ['is closed at once', (socket) => socket.end(), down('tls', 'handshake: closed by the peer')],
    [
      'is closed when it was heard',
      (socket) => socket.once('data', () => socket.end()),
      down('tls', 'handshake: closed by the peer'),
    ],
    [
      'is reset when it was heard',
      (socket) => socket.once('data', () => socket.resetAndDestroy()),
      down('reset', 'handshake: ECONNRESET'),
    ],
    [
      'is answered in plain HTTP',
      (socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
      down('tls', 'peer does not speak TLS'),
    ],
    [
      'meets a banner',
      (socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n'),
      down('tls', 'peer does not speak TLS'),
    ],
    [
      'is answered by garbage',
      (socket) => socket.write(Buffer.alloc(4000, 0xa5)),
      down('tls', 'peer does not speak TLS'),
    ],
    [
      'is answered by garbage in a record',
      (socket) => socket.write(Buffer.from([22, 3, 3, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8])),
      { reason: 'tls', detail: expect.stringMatching(/^handshake: /) },
    ],
    [
      'is refused by an alert',
      (socket) => socket.write(Buffer.from([21, 3, 3, 0, 2, 2, 40])),
      { reason: 'tls', detail: expect.stringMatching(/^handshake: .*alert handshake failure$/) },
    ],
  ])('that %s is down with its reason', async (_what, serve, expected) => {
    const outcome = await runTest(tlsTestOf(connects, await listen(serve)));
    expect(outcome).toMatchObject({ verdict: expected, connectionProblem: undefined, obstacle: undefined });
  });

  it.each<[string, () => Promise<number>, unknown]>([
    ['refused', refusingPort, down('refused', 'connect: ECONNREFUSED')],
    ['silent', blackHole, down('timeout', 'no connection within 100 ms')],
  ])('is not begun without a connection (%s)', async (problem, port, verdict) => {
    const outcome = await runTest(tlsTestOf(connects, await port(), { timeoutMs: 100 }));
    expect(outcome).toMatchObject({ verdict, connectionProblem: problem, connectMs: 0 });
  });

  it('frees the descriptor at once when it is cancelled', async () => {
    let heard: (value?: unknown) => void = never;
    const reached = new Promise((resolve) => {
      heard = resolve;
    });
    const port = await listen((socket) => socket.once('data', heard));
    const engine = new TestQueue(newReactor(), 1);
    const running = engine.run(tlsTestOf(connects, port), () => expect.unreachable());
    await reached;
    const during = openDescriptors();
    running.cancel();
    expect([during - openDescriptors(), engine.running]).toEqual([1, 0]);
  });
});

describe.skipIf(isOpensslMissing)('a certificate', () => {
  const tooShort = (detail: RegExp) => ({ up: false, reason: 'tls', detail: expect.stringMatching(detail) });

  it.each<[string, string, TlsTestOptions]>([
    ['the name', '127.0.0.1', { serverName: 'www.example.org' }],
    ['the name, in capitals', '127.0.0.1', { serverName: 'WWW.EXAMPLE.ORG' }],
    ['a wildcard', '127.0.0.1', { serverName: 'a.example.net' }],
    ['the IPv4 address', '127.0.0.1', {}],
    ['the IPv6 address', '::1', {}],
  ])('of a known authority for %s is trusted', async (_what, host, options) => {
    const port = await listenTls(site, answers, host);
    expect(await verdictOf(greets, port, { host, ...trusting, ...options })).toEqual(up('world'));
  });

  it.each<[string, TlsTestOptions, string]>([
    [
      'another name',
      { serverName: 'www.example.com' },
      'certificate is for www.example.org, *.example.net, 127.0.0.1 and 1 more, expected www.example.com',
    ],
    [
      'another address',
      { host: '127.0.0.2' },
      'certificate is for www.example.org, *.example.net, 127.0.0.1 and 1 more, expected 127.0.0.2',
    ],
  ])('for %s is not trusted', async (_what, options, detail) => {
    const port = await listenTls(site, never, options.host);
    expect(await verdictOf(connects, port, { ...trusting, ...options })).toEqual(down('tls', detail));
    expect(await verdictOf(connects, port, { ...options, verify: false })).toEqual(up('connected'));
  });

  it('for more names than anybody can read is not trusted for another one', async () => {
    const names = Array.from({ length: 3000 }, (_, index) => `DNS:www${index}.example.org`).join(',');
    const port = await listenTls({ ...authority.issue({ names }), maxVersion: 'TLSv1.2' }, never);
    const verdict = await verdictOf(connects, port, { ...trusting, serverName: 'www.example.com' });
    const named = 'www0.example.org, www1.example.org, www2.example.org and 2997 more';
    expect(verdict).toEqual(down('tls', `certificate is for ${named}, expected www.example.com`));
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('that is over is not trusted (%s)', async (maxVersion) => {
    const detail = 'certificate: certificate has expired';
    const expired = authority.issue({ names: 'IP:127.0.0.1', days: -1 });
    const port = await listenTls({ ...expired, maxVersion }, never);
    expect(await verdictOf(connects, port, trusting)).toEqual(down('tls', detail));
    expect(await verdictOf(connects, port)).toEqual(up('connected'));
  });

  it('of an unknown authority is not trusted, by another file or by the system', async () => {
    using other = new TestAuthority();
    const port = await listenTls(site, never);
    const detail = 'certificate: unable to get local issuer certificate';
    for (const caFile of [other.certFile, undefined]) {
      expect(await verdictOf(connects, port, { verify: true, caFile })).toEqual(down('tls', detail));
    }
  });

  it('that signed itself is not trusted, unless it is itself in the file', async () => {
    const selfSigned = authority.issueSelfSigned('IP:127.0.0.1');
    const port = await listenTls(selfSigned, never);
    const detail = 'certificate: self-signed certificate';
    expect(await verdictOf(connects, port, trusting)).toEqual(down('tls', detail));
    const bundle = authority.writeFile(
      'bundle.pem',
      `# both\n${readFileSync(authority.certFile, 'utf8')}\n${selfSigned.cert}`,
    );
    const options = { verify: true, caFile: bundle };
    expect(await verdictOf(connects, port, options)).toEqual(up('connected'));
    expect(await verdictOf(connects, await listenTls(site, never), options)).toEqual(up('connected'));
  });

  it('is trusted by itself, whoever signed it', async () => {
    const port = await listenTls(site, never);
    const options = { verify: true, caFile: site.certFile };
    expect(await verdictOf(connects, port, options)).toEqual(up('connected'));
  });

  it.each([
    ['in time', 20, up('connected')],
    ['too late', 7, tooShort(/^certificate ends in [67] days, 14 wanted$/)],
    ['almost over', 1, tooShort(/^certificate ends in (1 day|0 days), 14 wanted$/)],
    ['over', -1, tooShort(/^certificate ended 1 day ago, 14 wanted$/)],
  ])('must last as long as it is told to: %s', async (_what, days, verdict) => {
    const port = await listenTls(authority.issue({ names: 'IP:127.0.0.1', days }), never);
    expect(await verdictOf(connects, port, { minDays: 14 })).toEqual(verdict);
    if (days > 0) expect(await verdictOf(connects, port, { ...trusting, minDays: 14 })).toEqual(verdict);
  });

  it('is judged by another file when that has changed', async () => {
    using other = new TestAuthority();
    const caFile = authority.writeFile('rotated.pem', readFileSync(other.certFile, 'utf8'));
    const port = await listenTls(site, answers);
    const verdict = (caStamp: string) => verdictOf(greets, port, { verify: true, caFile, caStamp });
    expect(await verdict('before')).toMatchObject({ reason: 'tls' });
    authority.writeFile('rotated.pem', readFileSync(authority.certFile, 'utf8'));
    expect(await verdict('before')).toMatchObject({ reason: 'tls' });
    expect(await verdict('after')).toEqual(up('world'));
  });

  it('that cannot be judged, since the trusted ones are gone, is an obstacle', async () => {
    const port = await listenTls(site, never);
    const outcome = await runTest(tlsTestOf(connects, port, { verify: true, caFile: '/nonexistent/ca.pem' }));
    expect(outcome).toMatchObject({
      verdict: undefined,
      obstacle: expect.stringMatching(/^\/nonexistent\/ca\.pem: ENOENT/),
    });
  });
});

describe.skipIf(isOpensslMissing)('thousands of tests over TLS', () => {
  it('leave neither descriptors nor memory behind', { timeout: 180_000 }, async () => {
    const engine = new TestQueue(newReactor(), 20);
    // servers that read see the reset, and so give their own descriptors back
    const listens = (socket: Socket): void => void socket.resume();
    const healthy = await listenTls(site, (socket) => answers(socket.resume()));
    const expired = await listenTls(authority.issue({ names: 'IP:127.0.0.1', days: -1 }), listens);
    const plain = await listen((socket) => socket.resume().end('no TLS at all'));
    const tests = [
      tlsTestOf(greets, healthy, trusting),
      tlsTestOf(connects, expired, trusting),
      tlsTestOf(connects, plain, trusting),
      tlsTestOf(greets, healthy, { ...trusting, serverName: 'www.example.com' }),
    ];
    const run = (count: number) =>
      Promise.all(Array.from({ length: count / 4 }, () => tests.map((test) => runTest(test, engine))).flat());
    await run(800);
    const [descriptors, rss] = [openDescriptors(), process.memoryUsage().rss];
    const outcomes = await run(1200);
    expect(outcomes.filter(({ verdict }) => verdict?.up).length).toBe(300);
    expect(process.memoryUsage().rss - rss).toBeLessThan(40 << 20);
    expect(openDescriptors()).toBeLessThanOrEqual(descriptors + 40);
  });
});

it('a peer that is gone does not end this process: SIGPIPE is ignored', () => {
  const [, mask] = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  expect(BigInt(`0x${mask}`) & (1n << 12n)).not.toBe(0n);
});
