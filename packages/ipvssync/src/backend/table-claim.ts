import { existsSync, readFileSync } from 'node:fs';
import { TableTakenError } from '@surealived/shared/errors';
import { findLockHolder, holdFileLock } from '@surealived/shared/file-lock';
import { namespacePath } from '../kernel/namespace-path.js';
import type { Backend } from './backend.js';

/** Each network namespace has its own IPVS table: a lock on the one is a lock on the other. */
const OWN_NETWORK_NAMESPACE = '/proc/self/ns/net';

/**
 * Does work that writes a table, while no other process of ours may.
 *
 * The kernel gives the claim back when the process ends, however it ends. A table in this process's memory alone needs none.
 *
 * @throws TableTakenError naming the other process where it can be seen.
 */
export async function withTableClaim<T>(backend: Backend, work: () => Promise<T>): Promise<T> {
  const file = lockFileOf(backend);
  const claim = file === undefined ? undefined : holdFileLock(file);
  if (file !== undefined && !claim) throw new TableTakenError(describeTaken(backend, findLockHolder(file)));
  try {
    return await work();
  } finally {
    claim?.release();
  }
}

function lockFileOf(backend: Backend): string | undefined {
  if (backend.kind === 'kernel') {
    const path = backend.netns === undefined ? OWN_NETWORK_NAMESPACE : namespacePath(backend.netns);
    return existsSync(path) ? path : undefined; // whoever opens the table says what is missing
  }
  return backend.file === undefined ? undefined : `${backend.file}.lock`;
}

function describeTaken(backend: Backend, pid: number | undefined): string {
  const table = describeTable(backend);
  return `${table} is taken by ${pid === undefined ? 'another ipvssync' : `process ${pid} (${nameOf(pid)})`}`;
}

function describeTable(backend: Backend): string {
  if (backend.kind === 'memory') return `the table ${backend.file}`;
  return `the IPVS table of ${backend.netns === undefined ? 'this network namespace' : backend.netns}`;
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return 'gone meanwhile';
  }
}
