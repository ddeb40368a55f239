import { EventEmitter, once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from '../../../shared/src/files.test-kit.js';
import type { CommandContext } from '../admin/context.js';
import { commandContext, GOOD_RELOAD, someVirtuals, UP, W1 } from '../admin/context.test-kit.js';
import { AdminServer } from '../admin/server.js';
import { listen, refusingPort } from '../engine/hostile-servers.test-kit.js';
import { at, realConfig, virtualConfig } from '../services.test-kit.js';
import { createVirtual, type Virtual } from '../state.js';
import { main } from './main.js';
import type { Terminal } from './terminal.js';

/** Stands for the process: keeps what is written, and quits when it is told to. */
class FakeTerminal extends EventEmitter implements Terminal {
  out = '';
  err = '';
  readonly env = {};
  readonly quit = new AbortController();
  readonly stdout: Terminal['stdout'];
  readonly stderr = {
    write: (text: string): void => {
      this.err += text;
    },
  };

  constructor(isTTY = false) {
    super();
    const write = (text: string): void => {
      this.out += text;
      this.emit('out');
    };
    this.stdout = { write, isTTY, columns: 100, rows: 24 };
  }

  untilQuit() {
    return { signal: this.quit.signal, [Symbol.dispose]: () => undefined };
  }

  async waitFor(text: string): Promise<void> {
    while (!this.out.includes(text)) await once(this, 'out');
  }
}

/** A surealived without tests, which listens. */
async function serve(own: Partial<CommandContext> = {}, virtuals: readonly Virtual[] = someVirtuals()) {
  const kit = commandContext(virtuals, own);
  const path = join(temporaryDirectory(), 'admin');
  const open = async (port = 0): Promise<{ server: AdminServer; port: number }> => {
    const unixSocket = { path, mode: 0o600 };
    const { context } = kit;
    const server = new AdminServer({ address: '127.0.0.1', port, unixSocket, context, log: context.log });
    onTestFinished(() => server.close());
    return { server, port: await server.listen() };
  };
  const { server, port } = await open();
  const sdctl = (...argv: string[]) => run('--address', `127.0.0.1:${port}`, ...argv);
  return { ...kit, virtuals, server, port, path, open, sdctl };
}

async function run(...argv: string[]) {
  const terminal = new FakeTerminal();
  const status = await main(argv, terminal);
  return { status, out: terminal.out, err: terminal.err };
}

describe('sdctl', () => {
  it.each([
    [['vlist'], 'NAME    SERVICE'],
    [['rlist'], 'six udp:[2001:db8::1]:53'],
    [['rlist', 'web'], 'w_2   10.0.0.12:80      20  20'],
    [['rlist', 'tcp:192.168.0.1:80'], 'w1    10.0.0.11:80      10  10'],
    [['rlist', 'vproto=fwmark vfwmark=7 vaddr=::'], 'mark6 fwmark:7:::'],
    [['check', 'web', 'w1'], 'up: status 200'],
    [['history', 'web'], 'no transitions'],
    [['history', 'web', 'w1'], 'no transitions'],
    [['stats'], 't_waiting      : 4\n'],
    [['connstats'], 'no connection statistics'],
    [['reload'], 'reloaded in 12 ms: 1 reals added, 2 removed, 3 changed\n'],
    [['raw', 'vlist'], 'v:0 vname=web vproto=tcp'],
    [['completion', 'bash'], 'complete -F _sdctl sdctl'],
    [['completion', 'zsh'], '#compdef sdctl'],
  ])('does %j', async (argv, text) => {
    const { status, out, err } = await (await serve()).sdctl(...argv);
    expect({ status, err }).toEqual({ status: 0, err: '' });
    expect(out).toContain(text);
  });

  it.each([
    [['rset', 'web', 'w1', 'offline'], 'OFFLINE', undefined],
    [['rset', 'web', 'w1', 'DOWN', '50%'], 'DOWN', { kind: 'percent', percent: 50 }],
    [['weight', 'web', '10.0.0.11:80', '7'], 'ONLINE', { kind: 'absolute', weight: 7 }],
    [['weight', 'web', 'w1', '100%'], 'ONLINE', undefined],
  ])('sets a real by %j', async (argv, adminState, override) => {
    const { sdctl, virtuals } = await serve();
    const { status, out } = await sdctl(...argv);
    expect(status).toBe(0);
    expect(out).toMatch(/^web tcp:192\.168\.0\.1:80 .*\nREAL .*\nw1 .*\n$/);
    expect(virtuals[0]?.reals[0]).toMatchObject({ adminState, override });
    expect(virtuals[0]?.reals[1]).toMatchObject({ adminState: 'ONLINE', override: undefined });
  });

  it('drains a virtual and restores it', async () => {
    const { sdctl, virtuals } = await serve();
    const states = () => virtuals[0]?.reals.map(({ adminState }) => adminState);
    expect(await sdctl('drain', 'web')).toMatchObject({ status: 0 });
    expect(states()).toEqual(['OFFLINE', 'OFFLINE']);
    expect(await sdctl('restore', 'web')).toMatchObject({ status: 0 });
    expect(states()).toEqual(['ONLINE', 'ONLINE']);
  });

  it.each([
    [['vlist'], 'vlist --json'],
    [['rlist', 'web'], 'rlist vproto=tcp vaddr=192.168.0.1 vport=80 --json'],
    [['check', 'web', 'w1'], `check ${W1} --json`],
    [['history', 'web', 'w1'], `history ${W1} --json`],
    [['connstats'], 'connstats --json'],
    [['reload'], 'reload --json'],
  ])('prints the document of %j as it came', async (argv, line) => {
    const { sdctl, ask } = await serve();
    expect((await sdctl('--json', ...argv)).out).toBe(`${(await ask(line))[0]}\n`);
  });

  it('prints the document of stats', async () => {
    const { out } = await (await serve()).sdctl('stats', '--json');
    expect(JSON.parse(out)).toMatchObject({ version: 1, sections: { 'global stats': { virtuals: 4 } } });
  });

  it('comes by the Unix socket, given or configured', async () => {
    const { path } = await serve();
    expect(await run('--socket', path, 'raw', 'vlistx')).toMatchObject({ status: 1 });
    const config = join(temporaryDirectory(), 'surealived.cfg');
    writeFileSync(config, `listen_socket ${path}\nlisten_port 0\n`);
    expect(await run('-c', config, 'vlist')).toMatchObject({ status: 0 });
  });

  it('tries the port where the configured socket is not there', async () => {
    const { port } = await serve();
    const config = join(temporaryDirectory(), 'surealived.cfg');
    writeFileSync(config, `listen_socket ${config}.sock\nlisten_port ${port}\n`);
    expect(await run('-c', config, 'vlist')).toMatchObject({ status: 0 });
  });
});

describe('what goes wrong', () => {
  it.each([
    [['rlist', 'nope'], 1, 'sdctl: no virtual "nope"\n'],
    [['check', 'web', 'nope'], 1, 'sdctl: no real "nope"\n'],
    [['rlist', 'fwmark:7'], 1, 'sdctl: virtual "fwmark:7" is not the only one:\n  a_mark fwmark:7\n'],
    [['rset', 'web', 'w1', 'up'], 1, 'sdctl: cmd_rset: rstate unknown [UP]\n'],
    [['weight', 'web', 'w1', 'x'], 1, 'sdctl: cmd_rset: rweight unknown [x]\n'],
    [['weight', 'web', 'w1', '5 rstate=DOWN'], 2, 'sdctl: expected one word, got "5 rstate=DOWN"\n'],
    [['rset', 'web'], 2, 'sdctl: usage: sdctl rset VIRTUAL REAL ONLINE|OFFLINE|DOWN [N|N%]\n'],
    [['vlist', 'web'], 2, 'sdctl: usage: sdctl vlist\n'],
    [['vlst'], 2, 'sdctl: no command "vlst" – did you mean vlist?\n'],
    [['xyzzy'], 2, 'sdctl: no command "xyzzy" (see --help)\n'],
    [[], 2, 'sdctl: a command is missing (see --help)\n'],
    [['-v', 'vlist'], 2, "sdctl: Unknown option '-v' (see --help)\n"],
    [['--jsn', 'vlist'], 2, "sdctl: Unknown option '--jsn' (see --help)\n"],
    [['--timeout', 'x', 'vlist'], 2, 'sdctl: --timeout: expected seconds up to 3600, got "x"\n'],
    [['completion', 'fish'], 2, 'sdctl: no completion for "fish"\n'],
    [['raw', ' '], 2, 'sdctl: raw takes one line\n'],
    [['raw', 'vlist\nvlist'], 2, 'sdctl: raw takes one line\n'],
  ])('%j ends with %d', async (argv, status, err) => {
    const ended = await (await serve()).sdctl(...argv);
    expect(ended).toMatchObject({ status, out: '' });
    expect(ended.err).toMatch(err);
  });

  it('fails where a real does, and says so', async () => {
    const verdict = { up: false, reason: 'timeout', detail: 'no verdict' } as const;
    const { sdctl } = await serve({ check: async () => ({ ...UP, verdict }) });
    const { status, out } = await sdctl('check', 'web', 'w1');
    expect(status).toBe(1);
    expect(out).toContain('down: timeout: no verdict\n');
  });

  it('fails where a reload does, with its problems on stderr', async () => {
    const report = { ...GOOD_RELOAD, ok: false, problems: ['s.xml:3:5: no', 's.xml:4:1: nor'] };
    const { sdctl } = await serve({ reload: async () => report });
    expect(await sdctl('reload')).toEqual({
      status: 1,
      out: '',
      err: 's.xml:3:5: no\ns.xml:4:1: nor\nsdctl: reload failed, the running configuration stays\n',
    });
  });

  it('fails where a reload does that was asked for as a line', async () => {
    const report = { ...GOOD_RELOAD, ok: false, problems: ['s.xml:3:5: no'] };
    const { sdctl } = await serve({ reload: async () => report });
    expect(await sdctl('raw', 'reload')).toMatchObject({
      status: 1,
      out: 'Reload: failed, 1 problems; the running configuration stays\ns.xml:3:5: no\n',
    });
  });

  it.each([['vlist'], ['raw', 'vlist']])('hears of a bug in surealived: %s %s', async (...argv) => {
    const { sdctl, virtuals } = await serve();
    Object.assign(virtuals[1] as Virtual, { config: undefined });
    const { status, out, err } = await sdctl(...argv);
    expect(status).toBe(1);
    expect(out + err).toMatch(/Internal error, see the log!\n$/);
  });

  it.each([['reload'], ['raw', 'reload'], ['check', 'web', 'w1'], ['raw', `check ${W1}`]])(
    'waits longer than the time-out for what takes longer: %s %s',
    async (...argv) => {
      const late = <T>(answer: T): Promise<T> => delay(600, answer);
      const { sdctl } = await serve({ reload: () => late(GOOD_RELOAD), check: () => late(UP) });
      expect(await sdctl('--timeout', '0.5', ...argv)).toMatchObject({ status: 0, err: '' });
    },
  );

  it('names virtuals of one name', async () => {
    const configs = ['192.168.0.1', '192.168.0.2'].map((address) =>
      virtualConfig([realConfig('w1')], {}, { address: at(address) }),
    );
    const { sdctl } = await serve({}, configs.map(createVirtual));
    expect(await sdctl('drain', 'web')).toMatchObject({
      status: 1,
      err: 'sdctl: virtual "web" is not the only one:\n  web tcp:192.168.0.1:80\n  web tcp:192.168.0.2:80\n',
    });
  });

  it('cannot connect', async () => {
    const port = await refusingPort();
    expect(await run('--address', `127.0.0.1:${port}`, 'vlist')).toEqual({
      status: 3,
      out: '',
      err: `sdctl: cannot connect to 127.0.0.1:${port}: ECONNREFUSED\n`,
    });
    expect(await run('--socket', '/none/s', 'vlist')).toMatchObject({
      status: 3,
      err: 'sdctl: cannot connect to /none/s: ENOENT\n',
    });
  });

  it.each([
    ['hangs', () => undefined, 'no answer within 0.05 s'],
    ['hangs up', (end: () => void) => end(), 'closed the connection'],
  ])('hears nothing from one that %s', async (_what, serve, cause) => {
    const port = await listen((socket) => socket.on('data', () => serve(() => socket.destroy())));
    expect(await run('--address', `127.0.0.1:${port}`, '--timeout', '0.05', 'vlist')).toEqual({
      status: 3,
      out: '',
      err: `sdctl: 127.0.0.1:${port}: ${cause}\n`,
    });
  });

  it.each([[['vlist']], [['stats']], [['raw', 'help']]])(
    'hears that there are too many clients: %j',
    async (argv) => {
      const server = createServer((socket) => socket.end('Too many clients, at most 64\n_SD_CMD_END_\n'));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      onTestFinished(() => void server.close());
      const { port } = server.address() as { port: number };
      expect(await run('--address', `127.0.0.1:${port}`, ...argv)).toEqual({
        status: 1,
        out: '',
        err: 'sdctl: Too many clients, at most 64\n',
      });
    },
  );

  it('documents its exit statuses and its commands', async () => {
    const { status, out } = await run('--help');
    expect(status).toBe(0);
    expect(out).toContain(
      'Exit status: 0 done, 1 refused, failed or not found, 2 wrong usage, 3 no connection or no answer.',
    );
    expect(out).toContain(
      '  rset VIRTUAL REAL ONLINE|OFFLINE|DOWN [N|N%]  set the state of a real, and its weight\n',
    );
  });
});

describe('watch', () => {
  it('prints a line for each transition, through a restart, until the user ends it', async () => {
    const { port, server, open, ask } = await serve();
    const terminal = new FakeTerminal();
    const ended = main(['--address', `127.0.0.1:${port}`, 'watch', 'web'], terminal);
    await terminal.waitFor('2 of 2 reals up\n');
    await ask(`rset ${W1} rstate=OFFLINE`);
    await terminal.waitFor('web w1 10.0.0.11:80 set rstate=OFFLINE weight=configured\n');
    await server.close();
    await terminal.waitFor('closed the connection\n');
    await open(port);
    await terminal.waitFor(`127.0.0.1:${port}: is back\n`);
    terminal.quit.abort();
    expect(await ended).toBe(0);
    expect(terminal.out.split('\n')).toHaveLength(5);
  });

  it('draws on a terminal, and gives the screen back', async () => {
    const { port } = await serve();
    const terminal = new FakeTerminal(true);
    const ended = main(['--address', `127.0.0.1:${port}`, 'watch'], terminal);
    await terminal.waitFor('3 of 3 reals up');
    terminal.quit.abort();
    expect(await ended).toBe(0);
    expect(terminal.out.startsWith('\x1b[?1049h\x1b[?25l\x1b[H')).toBe(true);
    expect(terminal.out.endsWith('\x1b[?25h\x1b[?1049l')).toBe(true);
  });

  it('ends at once where there is nothing to see', async () => {
    const port = await refusingPort();
    expect(await run('--address', `127.0.0.1:${port}`, 'watch')).toMatchObject({ status: 3, out: '' });
    expect(await (await serve()).sdctl('watch', 'nope')).toMatchObject({ status: 1, out: '' });
  });
});
