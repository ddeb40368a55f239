import { mkdirSync, mkdtempSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { DirectoryWatch } from './directory-watch.js';

it('takes up a directory that was made anew, also with the inode of the one before', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'watch-'));
  onTestFinished(() => rmSync(parent, { recursive: true }));
  const directory = join(parent, 'diffs');
  mkdirSync(directory);
  let heard: () => void = () => undefined;
  const watch = new DirectoryWatch([directory], () => heard());
  onTestFinished(() => watch.close());
  const { birthtimeNs } = statSync(directory, { bigint: true });
  do {
    rmdirSync(directory);
    mkdirSync(directory);
  } while (statSync(directory, { bigint: true }).birthtimeNs === birthtimeNs);
  await new Promise(setImmediate);
  await new Promise(setImmediate); // what the old one had to say is over
  watch.refresh();
  const event = new Promise<string>((resolve) => {
    heard = () => resolve('heard');
  });
  writeFileSync(join(directory, 'diff_sync.1'), '');
  expect(await event).toBe('heard');
});
