import { mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { DatagramServer } from './datagrams.test-kit.js';
import { temporaryDirectory } from './files.test-kit.js';
import { writeLogLine } from './log-line.js';
import { LogOutputs, logSettings } from './log-outputs.js';
import { parseConfig } from './surealived-cfg.js';

const UNTIL = { timeout: 30_000 };

const STAMP = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}`;

/** What a file and a syslog daemon get of one line. */
async function written(cfg: string): Promise<{ file: string; syslog: string }> {
  const directory = temporaryDirectory();
  const [file, socket] = [join(directory, 'file'), join(directory, 'socket')];
  const server = new DatagramServer(socket);
  const content = `use_log true\nuse_syslog true\nsyslog_socket ${socket}\nlog ${file}\n${cfg}`;
  const { config } = parseConfig(content, 'f');
  const outputs = await LogOutputs.open(logSettings('surealived', { file, level: 'info' }, config));
  expect(outputs.problems).toEqual([]);
  outputs.write(writeLogLine('surealived', 'warn', { real: 'w1' }, 'real offline'));
  server.receive();
  const text = await vi.waitFor(() => readFileSync(file, 'utf8') || expect.unreachable(), UNTIL);
  return { file: text, syslog: server.received.join('\n') };
}

it('writes text, which has the time in a file and none in syslog', async () => {
  expect(await written('')).toEqual({
    file: expect.stringMatching(RegExp(`^${STAMP} warn  real offline real=w1\n$`)),
    syslog: expect.stringMatching(/^<28>.{15} surealived\[\d+\]: real offline real=w1$/),
  });
});

it('adds the time in syslog where that is asked for', async () => {
  const { syslog } = await written('use_tm_in_syslog true');
  expect(syslog).toMatch(RegExp(`]: ${STAMP} real offline real=w1$`));
});

it('writes JSON everywhere where that is asked for', async () => {
  const { file, syslog } = await written('log_format json\nuse_tm_in_syslog true');
  expect(JSON.parse(file)).toMatchObject({ level: 'warn', msg: 'real offline', real: 'w1' });
  expect(syslog.slice(syslog.indexOf('{'))).toBe(file.trimEnd());
});

it('tells the old file and syslog when the file cannot be opened anew', async () => {
  const directory = temporaryDirectory();
  const [file, socket] = [join(directory, 'file'), join(directory, 'socket')];
  const server = new DatagramServer(socket);
  const { config } = parseConfig(`use_log true\nuse_syslog true\nsyslog_socket ${socket}`, 'f');
  const outputs = await LogOutputs.open(logSettings('surealived', { file, level: 'info' }, config));
  renameSync(file, `${file}.1`);
  mkdirSync(file);
  outputs.reopen();
  const text = await vi.waitFor(() => readFileSync(`${file}.1`, 'utf8') || expect.unreachable(), UNTIL);
  expect(text).toMatch(
    RegExp(`^${STAMP} error log file cannot be opened anew file=${file} cause="EISDIR: .*"\n$`),
  );
  server.receive();
  expect(server.received.join('\n')).toMatch(/]: log file cannot be opened anew file=/);
});

it('names what cannot be had', async () => {
  const content = 'use_log true\nuse_syslog true\nsyslog_socket /nonexistent/log';
  const { config } = parseConfig(content, 'f');
  const settings = logSettings('surealived', { file: '/nonexistent/file', level: 'info' }, config);
  const outputs = await LogOutputs.open(settings);
  expect(outputs.problems).toEqual([
    expect.stringMatching(/^surealived: log file: ENOENT.*'\/nonexistent\/file'$/),
    'surealived: no syslog at /nonexistent/log',
  ]);
  expect(() => outputs.write(writeLogLine('surealived', 'info', {}, 'm'))).not.toThrow();
});

it.each([
  ['use_log false', '/var/log/x'],
  ['use_log true', 'stderr'],
])('has no file with %s and %s', (cfg, file) => {
  const { config } = parseConfig(cfg, 'f');
  expect(logSettings('p', { file, level: 'info' }, config)).toMatchObject({
    file: undefined,
    syslog: undefined,
  });
});
