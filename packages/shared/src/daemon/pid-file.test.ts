import { existsSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../files.test-kit.js';
import { findRunning, removePidFile, writePidFile } from './pid-file.js';

const parent = process.ppid;
const parentName = readFileSync(`/proc/${parent}/comm`, 'utf8').trim();

function pidFile(content?: string): string {
  const file = join(temporaryDirectory(), 'pid');
  if (content !== undefined) writeFileSync(file, content);
  return file;
}

it.each([
  ['no file', undefined, 'node'],
  ['no number', 'seven\n', 'node'],
  ['a process that is no more', '4194304\n', 'node'],
  ['a process of another program', `${parent}\n`, 'surealived'],
  ['the process itself', `${process.pid}\n`, readFileSync('/proc/self/comm', 'utf8').trim()],
])('finds nothing running with %s', (_what, content, program) => {
  expect(findRunning(pidFile(content), program)).toBeUndefined();
});

it('finds a living process of the program', () => {
  expect(findRunning(pidFile(`${parent}\n`), parentName)).toBe(parent);
});

it('writes the number of this process as a whole, and takes it away again', async () => {
  const file = pidFile('4194304\n');
  await writePidFile(file);
  expect(readFileSync(file, 'utf8')).toBe(`${process.pid}\n`);
  expect(readdirSync(join(file, '..'))).toEqual(['pid']);
  removePidFile(file);
  expect(existsSync(file)).toBe(false);
  removePidFile(file);
});

it('stays behind a link that somebody made to it', async () => {
  const [link, file] = [pidFile(), pidFile()];
  symlinkSync(file, link);
  await writePidFile(link);
  expect(readFileSync(file, 'utf8')).toBe(`${process.pid}\n`);
  removePidFile(link);
  expect([readlinkSync(link), existsSync(file)]).toEqual([file, false]);
});

it('leaves the file of another process', () => {
  const file = pidFile(`${parent}\n`);
  removePidFile(file);
  expect(readFileSync(file, 'utf8')).toBe(`${parent}\n`);
});
