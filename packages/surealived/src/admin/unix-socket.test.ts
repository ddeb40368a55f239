import { once } from 'node:events';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from '../../../shared/src/files.test-kit.js';
import { deadProcessSocket } from '../../../shared/src/unix-socket.test-kit.js';
import { recordingLog } from '../services.test-kit.js';
import { commandContext } from './context.test-kit.js';
import { AdminServer } from './server.js';

const ANSWER = 'Invalid request! [x]\n_SD_CMD_END_\n';

function serverAt(path: string, mode = 0o660): AdminServer {
  const { context } = commandContext([]);
  const unixSocket = { path, mode };
  const server = new AdminServer({
    address: '127.0.0.1',
    port: 0,
    unixSocket,
    context,
    log: recordingLog().log,
  });
  onTestFinished(() => server.close());
  return server;
}

/** What a connection hears that says one line. */
async function ask(where: string | number): Promise<string> {
  const socket = typeof where === 'string' ? connect(where) : connect(where, '127.0.0.1');
  socket.end('x\n');
  return text(socket);
}

describe('the Unix socket', () => {
  it.each([0o660, 0o600, 0o666])(
    'answers beside TCP with permissions %o, and is gone in the end',
    async (mode) => {
      const path = join(temporaryDirectory(), 'admin');
      const umask = process.umask();
      const server = serverAt(path, mode);
      const port = await server.listen();
      expect(process.umask()).toBe(umask);
      expect(statSync(path).mode & 0o777).toBe(mode);
      expect([await ask(path), await ask(port)]).toEqual([ANSWER, ANSWER]);
      await server.close();
      expect(existsSync(path)).toBe(false);
    },
  );

  it('takes the place of one that a dead process left', async () => {
    const path = join(temporaryDirectory(), 'admin');
    await deadProcessSocket(path);
    expect(statSync(path).isSocket()).toBe(true);
    await serverAt(path).listen();
    expect(await ask(path)).toBe(ANSWER);
  });

  it('leaves one alone that somebody serves', async () => {
    const path = join(temporaryDirectory(), 'admin');
    await serverAt(path).listen();
    const second = serverAt(path);
    await expect(second.listen()).rejects.toMatchObject({
      code: 'SA_SYSTEM_CALL',
      message: `listen on ${path}: EADDRINUSE`,
    });
    await second.close();
    expect(await ask(path)).toBe(ANSWER);
  });

  it('leaves alone what is no socket', async () => {
    const path = join(temporaryDirectory(), 'admin');
    writeFileSync(path, 'mine');
    await expect(serverAt(path).listen()).rejects.toThrow(`listen on ${path}: EADDRINUSE`);
    expect(existsSync(path)).toBe(true);
  });

  it('says that its directory is not there', async () => {
    const path = join(temporaryDirectory(), 'none', 'admin');
    await expect(serverAt(path).listen()).rejects.toThrow(`listen on ${path}: ENOENT`);
  });

  it('has a limit of clients of its own', async () => {
    const path = join(temporaryDirectory(), 'admin');
    const port = await serverAt(path).listen();
    const crowd = async (open: () => Socket): Promise<void> => {
      for (const client of Array.from({ length: 64 }, open)) {
        onTestFinished(() => void client.destroy());
        client.on('error', () => undefined).write('x\n');
        await once(client, 'data');
      }
    };
    const refusal = 'Too many clients, at most 64\n_SD_CMD_END_\n';
    await crowd(() => connect(port, '127.0.0.1'));
    expect([await ask(port), await ask(path)]).toEqual([refusal, ANSWER]);
    await crowd(() => connect(path));
    expect(await ask(path)).toBe(refusal);
  });
});
