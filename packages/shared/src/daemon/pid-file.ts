import { readFileSync, realpathSync, rmSync } from 'node:fs';
import { replaceFile } from '../atomic-file.js';
import { AlreadyRunningError, messageOf } from '../errors.js';

/** @throws AlreadyRunningError when the pid file names a living process of the program. An empty path is no file. */
export function refuseWhereRunning(file: string, program: string): void {
  const pid = file === '' ? undefined : findRunning(file, program);
  if (pid !== undefined) throw new AlreadyRunningError(`${file}: already running with pid ${pid}`);
}

/**
 * The process that a pid file names, if it lives and is of this program. A file left by a dead process is none, also
 * where another program has its number now.
 */
export function findRunning(file: string, program: string): number | undefined {
  const pid = readPid(file);
  if (pid === undefined || pid === process.pid) return undefined;
  const [, name, state] = /^\d+ \((.*)\) (\S)/s.exec(readText(`/proc/${pid}/stat`) ?? '') ?? [];
  const isDead = state === 'Z' || state === 'X'; // its parent has not noticed yet
  return name === program && !isDead ? pid : undefined;
}

/**
 * Writes the number of this process; an empty path is no file.
 *
 * @returns Why it could not be written: a program does its work without it too.
 */
export async function writePidFile(file: string): Promise<string | undefined> {
  if (file === '') return undefined;
  try {
    await replaceFile(file, `${process.pid}\n`);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** Removes the file, or what a link leads to, unless it names another process by now; it stays where that fails. */
export function removePidFile(file: string): void {
  if (file === '' || readPid(file) !== process.pid) return;
  try {
    rmSync(realpathSync(file), { force: true });
  } catch {
    // the next start finds that nobody has this number
  }
}

function readPid(file: string): number | undefined {
  const [, digits] = /^\s*([1-9]\d{0,9})\s*$/.exec(readText(file) ?? '') ?? [];
  return digits === undefined ? undefined : Number(digits);
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined; // not there, or not ours to read: then it tells nothing
  }
}
