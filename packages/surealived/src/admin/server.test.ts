import { once } from 'node:events';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openDescriptors } from '../engine/hostile-servers.test-kit.js';
import type { Outcome } from '../engine/outcome.js';
import { realConfig, recordingLog, virtualConfig } from '../services.test-kit.js';
import { createVirtual } from '../state.js';
import type { CommandContext } from './context.js';
import { commandContext, UP, W1 } from './context.test-kit.js';
import { AdminServer, type AdminServerOptions } from './server.js';

const END = '_SD_CMD_END_\n';
const LISTING = `v:0 vname=web vproto=tcp vaddr=192.168.0.1 vport=80 vfwmark=0 vrt=dr vsched=wrr\n${END}`;

interface Serving extends Partial<AdminServerOptions> {
  readonly virtuals?: number;
  readonly own?: Partial<CommandContext>;
}

async function serve({ virtuals: count = 1, own = {}, address = '127.0.0.1', ...options }: Serving = {}) {
  const { log, entries } = recordingLog();
  const configs = Array.from({ length: count }, () => virtualConfig([realConfig('w1')]));
  const virtuals = configs.map(createVirtual);
  const { context } = commandContext(virtuals, { log, ...own });
  const server = new AdminServer({ address, port: 0, context, log, ...options });
  const port = await server.listen();
  onTestFinished(() => server.close());
  const client = async (to: NetConnectOpts = { host: address, port }): Promise<Client> => {
    const socket = connect({ allowHalfOpen: true, noDelay: true, ...to });
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return new Client(socket);
  };
  return { server, port, client, virtuals, entries };
}

class Client {
  readonly socket: Socket;
  #text = '';

  constructor(socket: Socket) {
    this.socket = socket;
  }

  say(text: string): this {
    this.socket.write(text);
    return this;
  }

  /** Reads until the text has come so often, as scripts do with the last line of an answer. */
  async hear(text = END, times = 1): Promise<string> {
    const isComplete = (): boolean => this.#text.split(text).length > times;
    const listen = (part: Buffer): void => {
      this.#text += part;
    };
    this.socket.on('data', listen).resume();
    while (!isComplete()) await once(this.socket, 'data');
    this.socket.off('data', listen).pause(); // what comes before the next call is for that one
    const heard = this.#text;
    this.#text = '';
    return heard;
  }

  async hearAll(): Promise<string> {
    const parts: Buffer[] = [];
    this.socket.on('data', (part) => parts.push(part)).resume();
    if (!this.socket.readableEnded) await once(this.socket, 'end');
    return Buffer.concat(parts).toString();
  }
}

describe('AdminServer', () => {
  it.each(['127.0.0.1', '::1'])('answers several commands on one connection at %s', async (address) => {
    const client = await (await serve({ address })).client();
    expect(await client.say('vlist\n').hear()).toBe(LISTING);
    expect(await client.say('vlist\nwhat\nvlist\n').hear(END, 3)).toBe(
      `${LISTING}Invalid request! [what]\n${END}${LISTING}`,
    );
  });

  it.each([
    ['\\r\\n', ['vlist\r\n']],
    ['empty lines between', ['\n\r\n  \nvlist\n\n']],
    ['split packets', [...'vlist\r\n']],
    ['a character cut in two', [Buffer.from('vlist\n# \xc3', 'latin1'), Buffer.from('\xa4\n', 'latin1')]],
  ])('understands %s', async (_what, parts) => {
    const client = await (await serve()).client();
    for (const part of parts) {
      client.socket.write(part);
      await new Promise(setImmediate);
    }
    const heard = await client.hear(END, parts.length === 2 ? 2 : 1);
    expect(heard).toBe(parts.length === 2 ? `${LISTING}Invalid request! [# ä]\n${END}` : LISTING);
  });

  it('answers a client that closes its side after the command, as nc does', async () => {
    const client = await (await serve()).client();
    client.socket.end('vlist\nvlist\n');
    expect(await client.hearAll()).toBe(LISTING + LISTING);
  });

  it('drops a command without a line end when the client goes', async () => {
    const client = await (await serve()).client();
    client.socket.end('vlist');
    expect(await client.hearAll()).toBe('');
  });

  it('takes a line of 8 KB with its end', async () => {
    const client = await (await serve()).client();
    const line = `vlist ${'x'.repeat(8185)}`;
    expect(await client.say(`${line}\n`).hear()).toBe(`Invalid request! [${line}]\n${END}`);
    expect(await client.say('vlist\n').hear()).toBe(LISTING);
  });

  it.each([
    ['with its end', `vlist\n${'x'.repeat(8192)}\nvlist\n`],
    ['without end', `vlist\n${'x'.repeat(500_000)}`],
  ])('sends a client with a longer line away, %s', async (_what, text) => {
    const client = await (await serve()).client();
    expect(await client.say(text).hearAll()).toBe(
      `${LISTING}Invalid request! [longer than 8192 bytes]\n${END}`,
    );
  });

  it.each(['POST / HTTP/1.1', 'CONNECT 127.0.0.1:1337 HTTP/1.0', 'get /a=b HTTP/2'])(
    'closes the connection at %j, and obeys nothing that follows',
    async (request) => {
      const { client, virtuals, entries } = await serve();
      const body = `rset ${W1} rstate=DOWN\n`;
      const heard = await (await client()).say(`vlist\n${request}\r\nHost: x\r\n\r\n${body}`).hearAll();
      expect(heard).toBe(`${LISTING}Invalid request! [HTTP]\n${END}`);
      expect(virtuals[0]?.reals[0]?.adminState).toBe('ONLINE');
      expect(entries).toMatchObject([{ level: 'debug', msg: 'admin client speaks HTTP' }]);
    },
  );

  it('sends the 65th client away with a word, and takes another when one has gone', async () => {
    const { client } = await serve();
    const clients: Client[] = [];
    for (let i = 0; i < 64; i++) clients.push(await client());
    expect(await (clients[63] as Client).say('vlist\n').hear()).toBe(LISTING);
    const refused = await client();
    refused.say('vlist\n');
    expect(await refused.hearAll()).toBe(`Too many clients, at most 64\n${END}`);
    refused.socket.destroy();
    const gone = clients[0] as Client;
    gone.socket.end();
    await gone.hearAll();
    expect(await (await client()).say('vlist\n').hear()).toBe(LISTING);
  });

  it('takes no more than a few to send away at a time: they too have descriptors', async () => {
    const { client } = await serve();
    const clients: Client[] = [];
    for (let i = 0; i < 64 + 40; i++) clients.push(await client());
    const heard = await Promise.all(clients.slice(64).map((refused) => refused.hearAll()));
    expect(heard.filter((text) => text === `Too many clients, at most 64\n${END}`)).toHaveLength(16);
    expect(heard.filter((text) => text === '')).toHaveLength(24);
  });

  it('survives clients that reset at any moment, the refused ones too', async () => {
    const { client } = await serve();
    const before = openDescriptors();
    const clients: Client[] = [];
    for (let i = 0; i < 70; i++) clients.push((await client()).say('stats\nstats\nvli'));
    await (clients[0] as Client).hear(END, 2);
    for (const { socket } of clients) socket.resetAndDestroy();
    // served again once the server has seen them go
    let heard = '';
    while (heard !== LISTING) heard = await (await client()).say('vlist\n').hear();
    expect(openDescriptors()).toBeLessThan(before + 70);
  });

  it('does not gather answers for a client that does not read them, and gives them all once it does', async () => {
    const { client } = await serve({ virtuals: 500 }); // an answer of 40 KB
    const slow = await client();
    slow.socket.pause();
    const commands = 2000; // 80 MB of answers, in one packet of commands
    const before = process.memoryUsage().rss;
    slow.say('vlist\n'.repeat(commands));
    const other = await client();
    for (let i = 0; i < 20; i++) await other.say('vlist\n').hear();
    expect(process.memoryUsage().rss - before).toBeLessThan(40 << 20);
    let answers = 0;
    slow.socket.on('data', (part) => {
      answers += part.toString('latin1').split('_SD_').length - 1;
    });
    slow.socket.resume();
    slow.socket.end();
    await once(slow.socket, 'end');
    expect(answers).toBeGreaterThan(commands - 100); // the mark may lie across two parts
    expect(answers).toBeLessThanOrEqual(commands);
  });

  it('makes a long answer in parts, with turns for everything else in between', async () => {
    const { client } = await serve({ virtuals: 20_000 });
    const asking = await client();
    let turns = 0;
    let isOver = false;
    const count = (): void => {
      turns++;
      if (!isOver) setImmediate(count);
    };
    asking.say('vlist\nrlist vproto=udp vaddr=10.0.0.1 vport=1\n');
    setImmediate(count);
    const heard = await asking.hear(END, 2);
    isOver = true;
    expect(heard.match(/^v:/gm)).toHaveLength(20_000);
    expect(heard.endsWith(`${END}cmd_find_virt: Virt not found\n${END}`)).toBe(true);
    expect(turns).toBeGreaterThan(20);
  });

  it('gives everything else a turn after each of many commands that come at once', async () => {
    let turns = 0;
    let isOver = false;
    const turnsAtCommand: number[] = [];
    const troubles = () => {
      turnsAtCommand.push(turns);
      return [];
    };
    const { client } = await serve({ own: { troubles } });
    const count = (): void => {
      turns++;
      if (!isOver) setImmediate(count);
    };
    const asking = await client();
    setImmediate(count);
    await asking.say('stats\n'.repeat(50)).hear(END, 50);
    isOver = true;
    expect(new Set(turnsAtCommand).size).toBe(50);
  });

  it('goes on after a bug in a command', async () => {
    const processFigures = () => {
      throw new Error('oops');
    };
    const { client } = await serve({ own: { processFigures } });
    const heard = await (await client()).say('stats\nvlist\n').hear(END, 2);
    expect(heard).toBe(`Internal error, see the log!\n${END}${LISTING}`);
  });

  it('names address and port when another has it', async () => {
    const { port } = await serve();
    const { context } = commandContext([]);
    const second = new AdminServer({ address: '127.0.0.1', port, context, log: recordingLog().log });
    await expect(second.listen()).rejects.toMatchObject({
      code: 'SA_SYSTEM_CALL',
      message: `listen on 127.0.0.1 port ${port} (listen_addr, listen_port): EADDRINUSE`,
      errno: 98,
    });
    await second.close();
  });

  it('lets its clients go when it closes', async () => {
    const { server, client } = await serve();
    const one = await client();
    await one.say('vlist\n').hear();
    const closed = once(one.socket, 'close');
    await server.close();
    one.socket.end();
    await closed;
  });
});

/** A `check` that ends when the test says so. */
function heldCheck() {
  const ends: ((outcome: Outcome) => void)[] = [];
  const begun: (() => void)[] = [];
  const check = (): Promise<Outcome> =>
    new Promise((resolve) => {
      ends.push(resolve);
      for (const tell of begun.splice(0)) tell();
    });
  /** Waits until so many checks have begun. */
  const hasBegun = async (count: number): Promise<void> => {
    while (ends.length < count) await new Promise<void>((resolve) => begun.push(resolve));
  };
  return { check, ends, hasBegun };
}

describe('a command that has to wait', () => {
  const CHECK = `check ${W1}\n`;
  const VERDICT = 'verdict=UP detail=status 200';

  it('keeps its place among the commands of its client, and holds up no other', async () => {
    const { check, ends, hasBegun } = heldCheck();
    const { client } = await serve({ own: { check } });
    const slow = (await client()).say(`vlist\n${CHECK}vlist\n${CHECK}reload\nvlist\n`);
    expect(await slow.hear()).toBe(LISTING);
    await hasBegun(1);
    expect(await (await client()).say('vlist\n').hear()).toBe(LISTING);
    ends[0]?.(UP);
    await hasBegun(2);
    ends[1]?.(UP);
    const answers = (await slow.hear(END, 5)).split(END);
    expect(answers.map((answer) => answer.trim().split('\n').at(-2) ?? answer.split(' ')[0])).toEqual([
      VERDICT,
      'v:0',
      VERDICT,
      'Reload:',
      'v:0',
      '',
    ]);
  });

  it('is answered to a client that closed its side', async () => {
    const { check, ends, hasBegun } = heldCheck();
    const client = await (await serve({ own: { check } })).client();
    client.socket.end(`${CHECK}vlist\n`);
    const heard = client.hearAll();
    await hasBegun(1);
    await new Promise(setImmediate);
    ends[0]?.(UP);
    expect(await heard).toMatch(new RegExp(`${VERDICT}\n.*\n${END}${LISTING}$`));
  });

  it('may end when its client has gone', async () => {
    const { check, ends, hasBegun } = heldCheck();
    const { client } = await serve({ own: { check } });
    const gone = (await client()).say(CHECK);
    await hasBegun(1);
    gone.socket.resetAndDestroy();
    await once(gone.socket, 'close');
    expect(await (await client()).say('vlist\n').hear()).toBe(LISTING);
    ends[0]?.(UP);
    expect(await (await client()).say('vlist\n').hear()).toBe(LISTING);
  });
});

describe('the idle time-out', () => {
  it('lets go a client that says nothing', async () => {
    const client = await (await serve({ idleTimeoutMs: 50 })).client();
    expect(await client.hearAll()).toBe('');
  });

  it('lets go a client that reads nothing', async () => {
    const { client } = await serve({ idleTimeoutMs: 50, virtuals: 500 });
    const before = openDescriptors();
    const slow = await client();
    slow.socket.pause();
    slow.say('vlist\n'.repeat(2000)); // 80 MB of answers
    // until only the slow one's own end is there; each turn lasts a time-out
    while (openDescriptors() > before + 1) {
      const other = await client();
      await other.hearAll();
      other.socket.destroy();
    }
    let heard = 0;
    slow.socket.on('data', (part) => {
      heard += part.length;
    });
    slow.socket.once('end', () => slow.socket.end());
    slow.socket.resume();
    await once(slow.socket, 'close');
    expect(heard).toBeLessThan(40 << 20);
  });
});
