import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { outcomeOf } from './outcome-of.js';

const script = fileURLToPath(new URL('../../examples/check-smtp.sh', import.meta.url));

/** A mail server that insists on its turn, as Exim and Postfix do: who talks before an answer is sent away. */
async function mailServer(host: string, answers: Readonly<Record<string, string>> = {}): Promise<number> {
  const server = createServer((socket) => {
    const hungUp = (): void => void socket.destroy();
    serve(socket, { greeting: '220-mx.example.org\r\n220 ESMTP', ...answers }).catch(hungUp);
  });
  server.listen(0, host);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

async function serve(socket: Socket, { greeting, EHLO = '250-mx\r\n250 HELP' }: Record<string, string>) {
  // whoever cannot wait has spoken by then
  const say = async (answer = ''): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    if (socket.readableLength > 0) socket.end('554 SMTP synchronization error\r\n');
    else socket.write(`${answer}\r\n`);
  };
  await say(greeting);
  for await (const command of socket) {
    if (command.toString() === 'EHLO lb.example.org\r\n') await say(EHLO);
    else socket.end(command.toString() === 'QUIT\r\n' ? '221 Bye\r\n' : '500 What?\r\n');
  }
}

describe('examples/check-smtp.sh', () => {
  const check = async (port: number, address = '127.0.0.1') =>
    await outcomeOf({ proto: 'exec', exec: script, params: 'lb.example.org' }, { port, address });

  it.each(['127.0.0.1', '::1'])('finds a mail server at %s up, and shows what it said', async (address) => {
    const { verdict, output } = await check(await mailServer(address), address);
    expect(verdict).toEqual({ up: true, detail: 'exit status 0' });
    expect(output).toContain('220 ESMTP');
    expect(output).toContain('250 HELP');
  });

  it('finds one down that is busy, or does not take the greeting', async () => {
    const down = { up: false, reason: 'content', detail: 'exit status 1' };
    const busy = await check(await mailServer('127.0.0.1', { greeting: '421 Too busy' }));
    expect([busy.verdict, busy.output]).toEqual([down, expect.stringContaining('421 Too busy')]);
    const refuses = await check(await mailServer('127.0.0.1', { EHLO: '550 Go away' }));
    expect(refuses.verdict).toEqual(down);
  });
});
