import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ConfigError } from './errors.js';
import { temporaryDirectory } from './files.test-kit.js';
import { readTextFile } from './text-file.js';

it.each([
  ['nothing', '', 0],
  ['exactly the limit', 'x'.repeat(10), 10],
  ['more than a chunk', 'ä'.repeat(1 << 20), 1 << 21],
])('reads %s', (_what, content, limit) => {
  const file = join(temporaryDirectory(), 'text');
  writeFileSync(file, content);
  expect(readTextFile(file, limit) === content).toBe(true);
});

it('drops a byte order mark', () => {
  const file = join(temporaryDirectory(), 'text');
  writeFileSync(file, '\ufeffkey value');
  expect(readTextFile(file, 100)).toBe('key value');
});

it('refuses one byte above the limit', () => {
  const file = join(temporaryDirectory(), 'text');
  writeFileSync(file, 'x'.repeat(11));
  expect(() => readTextFile(file, 10)).toThrow(
    new ConfigError([problem(file, 'larger than the limit of 10 bytes')]),
  );
});

it('stops reading a file without end', () => {
  const message = 'larger than the limit of 1000000 bytes';
  expect(() => readTextFile('/dev/zero', 1_000_000)).toThrow(
    new ConfigError([problem('/dev/zero', message)]),
  );
});

it('refuses what is not UTF-8, by name', () => {
  const file = join(temporaryDirectory(), 'text');
  writeFileSync(file, Buffer.from([0x61, 0xff, 0x62]));
  expect(() => readTextFile(file, 100)).toThrow(new ConfigError([problem(file, 'not UTF-8 text')]));
});

it.each([
  ['is missing', 'missing', 'ENOENT'],
  ['is a directory', '.', 'EISDIR'],
])('names a file that %s', (_what, name, code) => {
  const file = join(temporaryDirectory(), name);
  expect(() => readTextFile(file, 100)).toThrow(`${file}: ${code}`);
});

function problem(file: string, message: string) {
  return { file, line: 0, message };
}
