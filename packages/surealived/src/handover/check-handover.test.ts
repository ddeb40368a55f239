import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../../../shared/src/files.test-kit.js';
import { recordingLog } from '../services.test-kit.js';
import { checkHandover } from './check-handover.js';
import { FileHandover } from './file-handover.js';

/** Whether it says what a start says. */
it.each<[string, boolean, (folder: string) => object]>([
  ['where nothing is there yet', true, () => ({})],
  [
    'where all is there',
    true,
    (folder) => {
      mkdirSync(join(folder, 'diffs'));
      for (const name of ['lock', 'full', 'full.owner', 'reload']) writeFileSync(join(folder, name), '');
      return {};
    },
  ],
  [
    'where the snapshot is a link',
    true,
    (folder) => {
      mkdirSync(join(folder, 'elsewhere'));
      symlinkSync('elsewhere/full', join(folder, 'full'));
      return {};
    },
  ],
  [
    'where that leads nowhere',
    false,
    (folder) => {
      symlinkSync('missing/full', join(folder, 'full'));
      return {};
    },
  ],
  [
    'where it leads to itself',
    false,
    (folder) => {
      symlinkSync('full', join(folder, 'full'));
      return {};
    },
  ],
  [
    'without the folder of the snapshot',
    false,
    (folder) => ({ full_sync_file: join(folder, 'missing/full') }),
  ],
  ['without that of the lock', false, (folder) => ({ lock_sync_file: join(folder, 'missing/lock') })],
  ['without that of the flag', false, (folder) => ({ full_reload_file: join(folder, 'missing/reload') })],
  [
    'without that in which the diffs are',
    false,
    (folder) => ({ diff_sync_dir: join(folder, 'missing/diffs') }),
  ],
  [
    'where a file has the name of the diffs',
    false,
    (folder) => {
      writeFileSync(join(folder, 'diffs'), '', { mode: 0o755 });
      return {};
    },
  ],
])('finds what a start does, %s', async (_, starts, prepare) => {
  const folder = temporaryDirectory();
  const paths = {
    lock_sync_file: join(folder, 'lock'),
    full_sync_file: join(folder, 'full'),
    full_reload_file: join(folder, 'reload'),
    diff_sync_dir: join(folder, 'diffs'),
    ...prepare(folder),
  };
  const obstacles = await checkHandover(paths);
  expect(obstacles).toHaveLength(starts ? 0 : 1);
  const { log } = recordingLog();
  const handover = new FileHandover({ paths, source: () => [], log, wallNow: () => new Date() });
  const started = await handover
    .start()
    .then(() => handover.stop())
    .then(
      () => true,
      () => false,
    );
  rmSync(folder, { recursive: true });
  expect(started).toBe(starts);
});
