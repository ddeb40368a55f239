import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { LockTimeoutError } from './errors.js';
import { tryWithFileLock, withFileLock } from './file-lock.js';
import { temporaryDirectory } from './files.test-kit.js';

const LONG_MS = 15_000;

/** Another process that holds the lock until it is told to let go, or killed. */
async function lockElsewhere(path: string): Promise<ChildProcess & { letGo(): Promise<unknown> }> {
  const program = `
    const { withFileLock } = await import('@surealived/shared/file-lock');
    await withFileLock(process.argv[1], { timeoutMs: 1000, create: true }, async () => {
      process.stdout.write('locked');
      await new Promise((resolve) => process.stdin.once('data', resolve));
    });
    process.exit();
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, path], {
    cwd: import.meta.dirname,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return Object.assign(child, {
    letGo: (): Promise<unknown> => {
      const exited = once(child, 'exit');
      child.stdin.write('go');
      return exited;
    },
  });
}

it('waits for another process, and runs once that has let go', async () => {
  const path = join(temporaryDirectory(), 'lock');
  const other = await lockElsewhere(path);
  expect(tryWithFileLock(path, () => 'ours')).toBeUndefined();
  const order: string[] = [];
  const ours = withFileLock(path, { timeoutMs: LONG_MS }, () => void order.push('ours'));
  await Promise.all([other.letGo().then(() => order.push('theirs gone')), ours]);
  expect(order).toContain('ours');
  expect(tryWithFileLock(path, () => 'free')).toEqual({ value: 'free' });
});

it('does not wait for the other end of a FIFO that stands in the place of the file', async () => {
  const path = join(temporaryDirectory(), 'lock');
  spawnSync('mkfifo', [path]);
  await lockElsewhere(path);
  expect(tryWithFileLock(path, () => 'ours')).toBeUndefined();
});

it('is free as soon as the holder was killed', async () => {
  const path = join(temporaryDirectory(), 'lock');
  const other = await lockElsewhere(path);
  const exited = once(other, 'exit');
  other.kill('SIGKILL');
  await exited;
  expect(tryWithFileLock(path, () => 'free')).toEqual({ value: 'free' });
});

it('names the file and the time when it gives up', async () => {
  const path = join(temporaryDirectory(), 'lock');
  await lockElsewhere(path);
  const before = readdirSync('/proc/self/fd').length;
  const attempt = withFileLock(path, { timeoutMs: 30 }, () => 'ours');
  await expect(attempt).rejects.toThrow(new LockTimeoutError(`${path}: locked by another process for 30 ms`));
  await expect(attempt).rejects.toMatchObject({ code: 'SA_LOCK_TIMEOUT' });
  expect(readdirSync('/proc/self/fd')).toHaveLength(before);
});

it('excludes two processes that count in one file', async () => {
  const directory = temporaryDirectory();
  const [path, counter] = [join(directory, 'lock'), join(directory, 'counter')];
  writeFileSync(counter, '0');
  const program = `
    const { readFileSync, writeFileSync } = await import('node:fs');
    const { withFileLock } = await import('@surealived/shared/file-lock');
    const [, path, counter] = process.argv;
    for (let i = 0; i < 50; i++)
      await withFileLock(path, { timeoutMs: ${LONG_MS}, create: true }, async () => {
        const value = Number(readFileSync(counter, 'utf8'));
        await new Promise(setImmediate);
        writeFileSync(counter, String(value + 1));
      });
  `;
  const runs = [1, 2].map(() => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program, path, counter], {
      cwd: import.meta.dirname,
      stdio: 'inherit',
    });
    return once(child, 'exit');
  });
  expect(await Promise.all(runs)).toEqual([
    [0, null],
    [0, null],
  ]);
  expect(readFileSync(counter, 'utf8')).toBe('100');
});

it('locks the file that is there now, when the one it waited for was deleted and made again', async () => {
  const directory = temporaryDirectory();
  const path = join(directory, 'lock');
  const former = await lockElsewhere(path);
  const order: string[] = [];
  const ours = withFileLock(path, { timeoutMs: LONG_MS, create: true }, () => void order.push('ours'));
  const present = await lockElsewhere(join(directory, 'another'));
  renameSync(join(directory, 'another'), path);
  await former.letGo();
  // the former file is free, but a lock on it would exclude nobody; another attempt in vain gives ours its time
  await expect(withFileLock(path, { timeoutMs: 60 }, () => 'theirs')).rejects.toThrow(LockTimeoutError);
  expect(order).toEqual([]);
  await Promise.all([present.letGo(), ours]);
  expect(order).toEqual(['ours']);
});

it('makes the file only where asked to', async () => {
  const path = join(temporaryDirectory(), 'lock');
  await expect(withFileLock(path, { timeoutMs: 10 }, () => 1)).rejects.toMatchObject({ code: 'ENOENT' });
  expect(await withFileLock(path, { timeoutMs: 10, create: true }, () => 1)).toBe(1);
  expect(existsSync(path)).toBe(true);
});

it('lets go when the work throws', async () => {
  const path = join(temporaryDirectory(), 'lock');
  const failing = (): never => {
    throw new Error('work failed');
  };
  await expect(withFileLock(path, { timeoutMs: 10, create: true }, failing)).rejects.toThrow('work failed');
  expect(() => tryWithFileLock(path, failing)).toThrow('work failed');
  expect(tryWithFileLock(path, () => 'free')).toEqual({ value: 'free' });
});
