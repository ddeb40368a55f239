import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DatagramServer } from './datagrams.test-kit.js';
import { temporaryDirectory } from './files.test-kit.js';
import { formatSyslog, Syslog } from './syslog.js';

const TIME = new Date(2026, 10, 3, 9, 6, 37, 32);

describe('a message', () => {
  it.each([
    ['error', 27],
    ['warn', 28],
    ['info', 30],
    ['debug', 31],
    ['dbdet', 31],
  ] as const)('of level %s has priority %i, facility daemon', (level, priority) => {
    const message = formatSyslog('surealived[7]', level, TIME, 'real offline');
    expect(message.toString()).toBe(`<${priority}>Nov  3 09:06:37 surealived[7]: real offline`);
  });

  it('is one line', () => {
    expect(formatSyslog('t', 'info', TIME, 'a\nb\u001b\u0000c').toString()).toMatch(/: a#012b#033#000c$/);
  });

  it('is cut at 8 KiB, between characters', () => {
    const text = formatSyslog('t', 'info', TIME, 'ż'.repeat(5_000)).toString();
    expect(text).toMatch(/: ż{4096}$/);
    expect(formatSyslog('t', 'info', TIME, `x${'ż'.repeat(5_000)}`).toString()).toMatch(/: xż{4095}$/);
  });
});

describe('the connection', () => {
  const socketPath = (): string => join(temporaryDirectory(), 'log');

  it('loses what nobody hears, and says how much when somebody does', () => {
    const path = socketPath();
    const syslog = new Syslog(path, 't');
    syslog.send('info', TIME, '1');
    const first = new DatagramServer(path);
    syslog.send('info', TIME, '2');
    first.receive();
    first.close();
    for (const text of ['3', '4']) syslog.send('info', TIME, text);
    const second = new DatagramServer(path);
    syslog.send('info', TIME, '5');
    second.receive();
    expect(texts(first)).toEqual(['messages lost count=1', '2']);
    expect(texts(second)).toEqual(['messages lost count=2', '5']);
    syslog.close();
  });

  it('finds a daemon that took the place of another between two messages', () => {
    const path = socketPath();
    const syslog = new Syslog(path, 't');
    const first = new DatagramServer(path);
    expect(syslog.isThere).toBe(true);
    syslog.send('info', TIME, '1');
    first.close();
    const second = new DatagramServer(path);
    syslog.send('info', TIME, '2');
    second.receive();
    expect(texts(second)).toEqual(['2']);
    syslog.close();
  });

  it('does not wait for a daemon that does not read', () => {
    const path = socketPath();
    const server = new DatagramServer(path);
    const syslog = new Syslog(path, 't');
    for (let i = 0; i < 10_000; i++) syslog.send('info', TIME, String(i));
    server.receive();
    const heard = server.received.length;
    expect(heard).toBeLessThan(10_000);
    syslog.send('info', TIME, 'end');
    server.receive();
    expect(texts(server).slice(heard)).toEqual([`messages lost count=${10_000 - heard}`, 'end']);
    syslog.close();
  });
});

/** What arrived, without the heads. */
function texts({ received }: DatagramServer): readonly string[] {
  return received.map((message) => message.replace(/^.*? t: /, ''));
}
