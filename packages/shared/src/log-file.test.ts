import { mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { limitFileSize, temporaryDirectory } from './files.test-kit.js';
import { LogFile } from './log-file.js';

const UNTIL = { timeout: 30_000, interval: 5 };

function open(path = join(temporaryDirectory(), 'log')) {
  const file = new LogFile(path, (lines) => `lost ${lines}\n`);
  const read = (): string => readFileSync(path, 'utf8');
  const untilContent = (content: string): Promise<void> =>
    vi.waitFor(() => expect(read()).toBe(content), UNTIL);
  return { file, path, read, untilContent };
}

it('appends lines in their order to what is there, in a file that not everybody may read', async () => {
  const path = join(temporaryDirectory(), 'log');
  writeFileSync(path, 'old\n');
  const { file, untilContent } = open(path);
  const lines = Array.from({ length: 2_000 }, (_, i) => `line ${i}\n`);
  for (const line of lines) file.write(line);
  await untilContent(`old\n${lines.join('')}`);
  rmSync(path);
  file.reopen(expect.unreachable);
  await vi.waitFor(() => expect(statSync(path).mode & 0o777).toBe(0o640), UNTIL);
});

it('goes on in a new file after a rotation, and loses no line to it', async () => {
  const { file, path, read } = open();
  file.write('a\n');
  renameSync(path, `${path}.1`);
  file.write('b\n');
  file.reopen(expect.unreachable);
  file.write('c\n');
  await vi.waitFor(() => expect(read()).toMatch(/c\n$/), UNTIL);
  expect(readFileSync(`${path}.1`, 'utf8') + read()).toBe('a\nb\nc\n');
  expect(file.problem).toBeUndefined();
});

it('stays with the old file while the new one cannot be opened', async () => {
  const { file, path } = open();
  renameSync(path, `${path}.1`);
  mkdirSync(path);
  const failed = vi.fn();
  file.reopen(failed);
  await vi.waitFor(() => expect(failed).toHaveBeenCalledWith(expect.stringMatching(/EISDIR/)), UNTIL);
  expect(file.problem).toMatch(/EISDIR/);
  file.write('a\n');
  await vi.waitFor(() => expect(readFileSync(`${path}.1`, 'utf8')).toBe('a\n'), UNTIL);
});

it('says how many lines a full disk has cost when there is room again', async () => {
  const path = join(temporaryDirectory(), 'log');
  symlinkSync('/dev/full', path);
  const { file, untilContent } = open(path);
  for (const line of ['1\n', '2\n', '3\n']) file.write(line);
  await vi.waitFor(() => expect(file.problem).toMatch(/ENOSPC/), UNTIL);
  rmSync(path);
  file.reopen(expect.unreachable);
  await vi.waitFor(() => expect(file.problem).toBeUndefined(), UNTIL);
  file.write('4\n');
  await untilContent('lost 3\n4\n');
});

it('begins a new line after one that the disk has cut off', async () => {
  const lift = limitFileSize(1_000);
  const { file, untilContent, read } = open();
  file.write(`${'x'.repeat(900)}\n`);
  file.write(`${'y'.repeat(900)}\n`);
  await vi.waitFor(() => expect(read()).toHaveLength(1_000), UNTIL);
  file.write('lost\n');
  await vi.waitFor(() => expect(file.problem).toMatch(/EFBIG/), UNTIL);
  lift();
  file.write('z\n');
  await untilContent(`${'x'.repeat(900)}\n${'y'.repeat(99)}\nlost 2\nz\n`);
});

it('finds its directory when that appears', async () => {
  const directory = join(temporaryDirectory(), 'late');
  const { file, read } = open(join(directory, 'log'));
  expect(file.problem).toMatch(/ENOENT/);
  file.write('1\n'); // lost or not: the file is opened in another thread, which may come before or after the directory
  mkdirSync(directory);
  await vi.waitFor(() => {
    file.write('2\n');
    expect(file.problem).toBeUndefined();
  }, UNTIL);
  await vi.waitFor(() => expect(read()).toMatch(/^(1\n)?(lost \d+\n)?(2\n)+$/), UNTIL);
});

it('keeps a bounded amount for a disk that does not take it', async () => {
  const { file, read } = open();
  const line = `${'x'.repeat(99_999)}\n`;
  for (let i = 0; i < 20; i++) file.write(line);
  await vi.waitFor(() => expect(read().split('\n').length).toBeGreaterThanOrEqual(11), UNTIL);
  file.write('end\n');
  await vi.waitFor(() => expect(read()).toMatch(/end\n$/), UNTIL);
  const [, lost] = /lost (\d+)\n/.exec(read()) ?? [];
  expect(read().split(line).length - 1 + Number(lost)).toBe(20);
});

it('does not wait for the reader of a pipe', async () => {
  const { spawnSync } = await import('node:child_process');
  const path = join(temporaryDirectory(), 'pipe');
  spawnSync('mkfifo', [path]);
  const file = new LogFile(path, () => '');
  expect(file.problem).toMatch(/ENXIO/);
});

it('writes what waits when the process ends', () => {
  const { file, read } = open();
  file.write('a\n');
  file.write('b\n');
  file.flushSync();
  expect(read()).toContain('b\n');
});
