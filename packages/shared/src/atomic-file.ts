import { lstatSync, renameSync, rmSync } from 'node:fs';
import { open, readlink, realpath, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute } from 'node:path';

/**
 * Replaces a file as a whole: a reader, a crash or a full disk sees the old content or the new, never a part.
 *
 * Writes `path.new` beside it, syncs, renames, syncs the directory. One writer at a time per path: the caller holds a
 * lock or is alone. A failed attempt removes its `.new` file; one left by a killed process, also another user's, is removed by the
 * next, and never written into: somebody may have put a link there.
 * What a symbolic link leads to is replaced, also where there is nothing yet, and the link stays.
 * A device is written into as it is: /dev/null, given for a file that is not wanted, must stay for everybody else.
 *
 * @throws The error of the file system (ENOSPC, EACCES …). The old file is then untouched, unless it was only the
 * directory that could not be synced.
 */
export async function replaceFile(path: string, data: string | Uint8Array): Promise<void> {
  if (await isDevice(path)) return await writeFile(path, data);
  const target = await prepareFile(path, data);
  commitFile(target);
  await syncDirectory(dirname(target));
}

/**
 * The slow half of `replaceFile`, which changes nothing yet: the new content is on the disk, as `target.new`.
 *
 * @returns The target: `path`, or what it leads to.
 */
export async function prepareFile(path: string, data: string | Uint8Array): Promise<string> {
  const target = await followLinks(path);
  try {
    await writeAndSync(temporaryOf(target), data);
    return target;
  } catch (error) {
    await unlink(temporaryOf(target)).catch(() => undefined); // it may not exist; the first error is the one to tell
    throw error;
  }
}

/** What a path leads to, there or not. @throws The error of the file system, such as ELOOP. */
export async function followLinks(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const link = await readlink(path).catch(() => undefined); // no link, or nothing at all
  // not joined, which would take `x/..` for nothing where x is a link
  return link === undefined ? path : followLinks(isAbsolute(link) ? link : `${dirname(path)}/${link}`);
}

/**
 * The quick half of `replaceFile`: the new content takes its place. `syncDirectory` makes it stay after a power failure.
 *
 * @param path The target that `prepareFile` gave.
 */
export function commitFile(path: string): void {
  try {
    refuseSpecial(path);
    renameSync(temporaryOf(path), path);
  } catch (error) {
    rmSync(temporaryOf(path), { force: true });
    throw error;
  }
}

async function isDevice(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined); // what is wrong with it is told by what follows
  return found?.isCharacterDevice() === true;
}

/** A device, a pipe or a socket would be lost by a rename; a directory refuses it itself. */
function refuseSpecial(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found || found.isFile() || found.isDirectory()) return;
  throw new Error(`${path}: not a regular file`);
}

function temporaryOf(path: string): string {
  return `${path}.new`;
}

async function writeAndSync(path: string, data: string | Uint8Array): Promise<void> {
  await rm(path, { force: true });
  const file = await open(path, 'wx', 0o644);
  try {
    await file.writeFile(data);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Brings renamed and new names of a directory to the disk. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
