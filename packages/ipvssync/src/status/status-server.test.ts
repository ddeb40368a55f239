import { EventEmitter, once } from 'node:events';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createLogger } from '@surealived/shared/log';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from '../../../shared/src/files.test-kit.js';
import { deadProcessSocket } from '../../../shared/src/unix-socket.test-kit.js';
import { StatusServer, type StatusServerOptions } from './status-server.js';

const MAX_CLIENTS = 16;
/** More than any socket takes that nobody reads. */
const LONG = `${'x'.repeat(8 << 20)}\n`;

interface Opened {
  readonly path: string;
  readonly server: StatusServer;
  readonly lines: readonly string[];
}

async function opened(options: Partial<StatusServerOptions> = {}): Promise<Opened> {
  const lines: string[] = [];
  const sink = { write: (line: string) => lines.push(line.replace(/^\S+ \S+ /, '').trim()) };
  const path = join(temporaryDirectory(), 'status');
  const server = new StatusServer({
    path,
    document: async () => 'a document\n',
    log: createLogger('test', { level: 'debug', format: 'text', sink }),
    ...options,
  });
  onTestFinished(() => server.close());
  await server.open();
  return { path: options.path ?? path, server, lines };
}

const ask = (path: string): Promise<string> => text(connect(path));

/** Connects without reading. */
async function visit(path: string): Promise<Socket> {
  const socket = connect(path).pause();
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

describe('StatusServer', () => {
  it('gives each client the document and closes, until it is closed itself', async () => {
    const { path, server, lines } = await opened();
    expect(statSync(path).mode & 0o777).toBe(0o660);
    expect([await ask(path), await ask(path)]).toEqual(['a document\n', 'a document\n']);
    await server.close();
    expect(existsSync(path)).toBe(false);
    expect(lines).toEqual([`debug status is told path=${path}`]);
  });

  it('heeds nothing, and minds neither what is sent nor that a client is done with it', async () => {
    const events = new EventEmitter();
    const document = async (): Promise<string> => {
      events.emit('asked');
      await once(events, 'told');
      return 'a document\n';
    };
    const { path } = await opened({ document });
    const asked = once(events, 'asked');
    const socket = connect(path);
    const answer = text(socket);
    await new Promise<void>((resolve) => socket.end('GET / HTTP/1.0\r\n\r\n', resolve));
    await asked;
    for (let turn = 0; turn < 20; turn++) await nextTurn(); // the server sees the end
    events.emit('told');
    expect(await answer).toBe('a document\n');
  });

  it('gives all of a long document', async () => {
    const { path } = await opened({ document: async () => LONG });
    expect((await ask(path)).length).toBe(LONG.length);
  });

  it('makes its directory where only that is missing', async () => {
    const path = join(temporaryDirectory(), 'run', 'status');
    await opened({ path });
    expect(await ask(path)).toBe('a document\n');
  });

  it('takes the place of a socket that a dead process left', async () => {
    const path = join(temporaryDirectory(), 'status');
    await deadProcessSocket(path);
    await opened({ path });
    expect(await ask(path)).toBe('a document\n');
  });

  it('leaves one alone that somebody serves, and goes on without', async () => {
    const first = await opened();
    const { server, lines } = await opened({ path: first.path, document: async () => 'other\n' });
    expect(lines).toEqual([`warn  no status socket reason="listen on ${first.path}: EADDRINUSE"`]);
    await server.close();
    expect(await ask(first.path)).toBe('a document\n');
  });

  it('goes on without one that cannot be opened', async () => {
    const missing = join(temporaryDirectory(), 'no', 'such', 'status');
    const { lines } = await opened({ path: missing });
    expect(lines).toEqual([`warn  no status socket reason="listen on ${missing}: ENOENT"`]);
    const file = join(temporaryDirectory(), 'status');
    writeFileSync(file, 'mine');
    expect((await opened({ path: file })).lines).toHaveLength(1);
    expect(existsSync(file)).toBe(true);
  });

  it('opens none without a path', async () => {
    const { server, lines } = await opened({ path: '' });
    await server.close();
    expect(lines).toEqual([]);
  });

  it('takes 16 clients at a time, who share a document, and sends others away', async () => {
    let made = 0;
    let finish: (document: string) => void = () => undefined;
    const { path } = await opened({
      document: () => {
        made++;
        return new Promise((resolve) => {
          finish = resolve;
        });
      },
    });
    const waiting = Array.from({ length: MAX_CLIENTS }, () => ask(path));
    // connections are taken in their order
    expect(await ask(path)).toBe('');
    finish('late\n');
    expect(await Promise.all(waiting)).toEqual(Array(MAX_CLIENTS).fill('late\n'));
    expect(made).toBe(1);
  });

  it('cuts off who does not read', async () => {
    const { path } = await opened({ document: async () => LONG, clientTimeoutMs: 5 });
    for (let i = 0; i < MAX_CLIENTS; i++) await visit(path);
    let answer = '';
    while (answer === '') answer = await ask(path); // sent away until there is room
  });

  it('tells a document that cannot be made, and tries it again for the next client', async () => {
    const answers = [undefined, 'well\n'];
    const { path, lines } = await opened({
      document: async () => answers.shift() ?? Promise.reject(new Error('a bug')),
    });
    expect(await ask(path)).toBe('');
    expect(lines.join()).toContain('a bug');
    expect(await ask(path)).toBe('well\n');
  });

  it('ends with clients that are still there', async () => {
    const { path, server } = await opened({ document: async () => LONG });
    const client = await visit(path);
    const closed = once(client, 'close');
    await server.close();
    client.resume();
    await closed;
  });
});
