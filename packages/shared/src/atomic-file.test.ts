import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { replaceFile } from './atomic-file.js';
import { limitFileSize, temporaryDirectory } from './files.test-kit.js';

it('replaces a file and leaves nothing beside it', async () => {
  const directory = temporaryDirectory();
  const file = join(directory, 'a');
  await replaceFile(file, 'one');
  await replaceFile(file, Buffer.from('two'));
  expect(readFileSync(file, 'utf8')).toBe('two');
  expect(readdirSync(directory)).toEqual(['a']);
});

it('keeps the old content when the disk is full half-way', async () => {
  const directory = temporaryDirectory();
  const file = join(directory, 'a');
  await replaceFile(file, 'old');
  const lift = limitFileSize(4096);
  await expect(replaceFile(file, 'n'.repeat(100_000))).rejects.toMatchObject({ code: 'EFBIG' });
  lift();
  expect(readFileSync(file, 'utf8')).toBe('old');
  expect(readdirSync(directory)).toEqual(['a']);
});

it('keeps the old content when there is no room at all', async () => {
  const file = join(temporaryDirectory(), 'a');
  writeFileSync(file, 'old');
  const lift = limitFileSize(0);
  await expect(replaceFile(file, 'new')).rejects.toMatchObject({ code: 'EFBIG' });
  lift();
  expect(readFileSync(file, 'utf8')).toBe('old');
});

it('takes the place of what a killed process left beside the file', async () => {
  const file = join(temporaryDirectory(), 'a');
  writeFileSync(`${file}.new`, 'half of somethi');
  await replaceFile(file, 'new');
  expect(readFileSync(file, 'utf8')).toBe('new');
});

it.each([
  ['a symbolic link', symlinkSync],
  ['a hard link', linkSync],
])('writes into nothing that %s beside the file leads to', async (_what, link) => {
  const directory = temporaryDirectory();
  const [file, other] = [join(directory, 'a'), join(directory, 'other')];
  writeFileSync(other, 'precious');
  link(other, `${file}.new`);
  await replaceFile(file, 'new');
  expect([file, other].map((path) => readFileSync(path, 'utf8'))).toEqual(['new', 'precious']);
  expect(lstatSync(file)).toMatchObject({ nlink: 1 });
});

it('takes the place of what a killed process of another user left, which is not ours to open', async () => {
  const file = join(temporaryDirectory(), 'a');
  writeFileSync(`${file}.new`, 'half of somethi', { mode: 0 });
  await replaceFile(file, 'new');
  expect(readFileSync(file, 'utf8')).toBe('new');
});

it.each([
  ['another directory', (state: string) => join(state, 'a')],
  ['where it stands, by its name', () => '../state/a'],
  ['a link that leads on', (state: string) => join(state, 'link')],
])('replaces what a symbolic link to %s leads to, also where there is nothing yet', async (_what, to) => {
  const directory = temporaryDirectory();
  const [etc, state] = ['etc', 'state'].map((name) => join(directory, name)) as [string, string];
  mkdirSync(etc);
  mkdirSync(state);
  symlinkSync('a', join(state, 'link'));
  symlinkSync(to(state), join(etc, 'a'));
  for (const content of ['one', 'two']) {
    await replaceFile(join(etc, 'a'), content);
    expect(readFileSync(join(state, 'a'), 'utf8')).toBe(content);
  }
  expect(readlinkSync(join(etc, 'a'))).toBe(to(state));
  expect([readdirSync(etc), readdirSync(state)]).toEqual([['a'], ['a', 'link']]);
});

it.each([
  ['the directory is missing', (directory: string) => join(directory, 'missing', 'a'), 'ENOENT'],
  ['the target is a directory', (directory: string) => join(directory, 'taken'), 'EISDIR'],
  ['links lead in a circle', (directory: string) => join(directory, 'circle'), 'ELOOP'],
])('says why when %s', async (_what, place, code) => {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, 'taken'));
  symlinkSync('circle', join(directory, 'circle'));
  await expect(replaceFile(place(directory), 'x')).rejects.toMatchObject({ code });
  expect(readdirSync(directory)).toEqual(['circle', 'taken']);
});

it('writes into a device, such as /dev/null for a file that is not wanted, and leaves it there', async () => {
  const directory = temporaryDirectory();
  const link = join(directory, 'null');
  symlinkSync('/dev/null', link);
  await replaceFile(link, 'x');
  expect([readlinkSync(link), readdirSync(directory)]).toEqual(['/dev/null', ['null']]);
});

it('takes the place of nothing else that is no regular file', async () => {
  const directory = temporaryDirectory();
  const pipe = join(directory, 'pipe');
  spawnSync('mkfifo', [pipe]);
  await expect(replaceFile(pipe, 'x')).rejects.toThrow(`${pipe}: not a regular file`);
  expect([lstatSync(pipe).isFIFO(), readdirSync(directory)]).toEqual([true, ['pipe']]);
});

/** Replaces the file by 200 kB of one letter after the other, until it kills itself at a random moment. */
const REPLACER = `
  const { replaceFile } = await import('@surealived/shared/atomic-file');
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), Math.random() * 40);
  for (let i = 0; ; i = (i + 1) % 26) await replaceFile(process.argv[1], String.fromCharCode(97 + i).repeat(200_000));
`;

it('never shows a part, whenever the writer is killed', async () => {
  const file = join(temporaryDirectory(), 'a');
  await replaceFile(file, 'a'.repeat(200_000));
  for (let round = 0; round < 8; round++) {
    const writer = spawn(process.execPath, ['--input-type=module', '-e', REPLACER, file], {
      cwd: import.meta.dirname,
      stdio: 'inherit',
    });
    const exited = once(writer, 'exit');
    let isRunning = true;
    void exited.then(() => {
      isRunning = false;
    });
    do {
      expectWhole(readFileSync(file, 'utf8'));
      await new Promise(setImmediate);
    } while (isRunning);
    expect((await exited)[1]).toBe('SIGKILL');
    expectWhole(readFileSync(file, 'utf8'));
  }
});

function expectWhole(text: string): void {
  expect(text.length).toBe(200_000);
  expect(text === text.slice(0, 1).repeat(200_000)).toBe(true);
}
