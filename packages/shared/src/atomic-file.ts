import { open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Replaces a file as a whole: a reader, a crash or a full disk sees the old content or the new, never a part.
 *
 * Writes `path.new` beside it, syncs, renames, syncs the directory. One writer at a time per path: the caller holds a
 * lock or is alone. A failed attempt removes its `.new` file; one left by a killed process is overwritten by the next.
 *
 * @throws The error of the file system (ENOSPC, EACCES …), with the old file untouched.
 */
export async function replaceFile(path: string, data: string | Uint8Array): Promise<void> {
  const temporary = `${path}.new`;
  try {
    await writeAndSync(temporary, data);
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined); // it may not exist; the first error is the one to tell
    throw error;
  }
  await syncDirectory(dirname(path));
}

async function writeAndSync(path: string, data: string | Uint8Array): Promise<void> {
  const file = await open(path, 'w', 0o644);
  try {
    await file.writeFile(data);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
