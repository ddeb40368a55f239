import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf } from '@surealived/shared/errors';
import type { HandoverPaths } from './file-handover.js';

const { W_OK, X_OK } = constants;

/**
 * Looks whether this user could write the hand-over files, without writing any of them.
 *
 * @returns What a start would fail by, a line each.
 */
export function checkHandover(paths: HandoverPaths): readonly string[] {
  const { lock_sync_file, full_sync_file, full_reload_file, diff_sync_dir } = paths;
  const folders = [...[lock_sync_file, full_sync_file, full_reload_file].map(dirname), diff_sync_dir];
  const kept = [lock_sync_file, `${full_sync_file}.owner`].filter((file) => existsSync(file));
  const obstacles = [
    ...folders.map((folder) => obstacleTo(nearestExisting(folder), W_OK | X_OK)),
    ...kept.map((file) => obstacleTo(file, W_OK)),
  ];
  return [...new Set(obstacles.filter((obstacle) => obstacle !== undefined))];
}

/** Folders that are not there are made. */
function nearestExisting(folder: string): string {
  return existsSync(folder) || folder === dirname(folder) ? folder : nearestExisting(dirname(folder));
}

function obstacleTo(path: string, access: number): string | undefined {
  try {
    accessSync(path, access);
    return undefined;
  } catch (error) {
    return `the hand-over cannot be written: ${messageOf(error)}`;
  }
}
