import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname } from 'node:path';
import { followLinks } from '@surealived/shared/atomic-file';
import { messageOf } from '@surealived/shared/errors';
import { type HandoverPaths, ownerFileOf } from './file-handover.js';

const { F_OK, R_OK, W_OK, X_OK } = constants;

/**
 * Looks whether this user could begin a hand-over, without writing any file of it.
 *
 * @returns What a start would fail by, a line each.
 */
export async function checkHandover(paths: HandoverPaths): Promise<readonly string[]> {
  const { lock_sync_file, full_sync_file, full_reload_file, diff_sync_dir } = paths;
  const obstacles = await Promise.all([
    obstacleToFolder(dirname(full_reload_file)),
    followLinks(full_sync_file).then((target) => obstacleToFolder(dirname(target)), describe),
    (await isThere(diff_sync_dir))
      ? obstacleToFolder(diff_sync_dir)
      : obstacleToFolder(dirname(diff_sync_dir)),
    ...[lock_sync_file, ownerFileOf(full_sync_file)].map(async (file) =>
      (await isThere(file)) ? obstacle(file, R_OK) : obstacleToFolder(dirname(file)),
    ),
  ]);
  return [...new Set(obstacles.filter((found) => found !== undefined))];
}

async function isThere(path: string): Promise<boolean> {
  return (await obstacle(path, F_OK)) === undefined;
}

/** Whoever makes files there may write and search; `.` is in no file. */
function obstacleToFolder(folder: string): Promise<string | undefined> {
  return obstacle(`${folder}/.`, W_OK | X_OK);
}

function obstacle(path: string, mode: number): Promise<string | undefined> {
  return access(path, mode).then(() => undefined, describe);
}

function describe(error: unknown): string {
  return `the hand-over cannot be written: ${messageOf(error)}`;
}
