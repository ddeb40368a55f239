import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A directory that goes away with the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'surealived-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/**
 * No file of this process may grow beyond `bytes`, as on a full disk: the write that would is cut short, the next fails
 * with EFBIG. @returns What lifts the limit; the end of the test does too.
 */
export function limitFileSize(bytes: number): () => void {
  const ignore = (): void => undefined;
  process.on('SIGXFSZ', ignore); // whose default is to kill
  setLimit(String(bytes));
  const lift = (): void => {
    setLimit('unlimited');
    process.off('SIGXFSZ', ignore);
  };
  onTestFinished(lift);
  return lift;
}

function setLimit(soft: string): void {
  const { status, stderr } = spawnSync('prlimit', ['--pid', String(process.pid), `--fsize=${soft}:`]);
  if (status !== 0) throw new Error(`prlimit: ${stderr}`);
}
