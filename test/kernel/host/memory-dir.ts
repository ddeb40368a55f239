import { readFileSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';

const MEGABYTE = 1024 * 1024;

/**
 * Picks the folder for the file that is the guest's memory.
 *
 * A folder in memory is faster, but it must have room, since the guest dies of SIGBUS in mid-flight where the file
 * cannot grow, and it must allow execution, since the guest maps its programs from there. Docker's `/dev/shm`
 * usually fails on both counts.
 *
 * @throws When no candidate fits; the message lists why each was refused.
 */
export function chooseMemoryDir(memoryMb: number): string {
  const refusals: string[] = [];
  for (const directory of new Set(['/dev/shm', tmpdir(), '/var/tmp'])) {
    const refusal = refuse(directory, memoryMb);
    if (refusal === undefined) return directory;
    refusals.push(`${directory}: ${refusal}`);
  }
  throw new Error(`no folder can hold ${memoryMb} MB of guest memory (${refusals.join('; ')})`);
}

function refuse(directory: string, memoryMb: number): string | undefined {
  try {
    const { bavail, bsize } = statfsSync(directory);
    const freeMb = Math.floor((bavail * bsize) / MEGABYTE);
    if (freeMb < memoryMb) return `only ${freeMb} MB free`;
    return isNoExec(directory, readFileSync('/proc/self/mounts', 'utf8')) ? 'mounted noexec' : undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * Whether the file system that holds `directory` forbids execution.
 *
 * @param mounts Text of `/proc/self/mounts`; of two mounts on one point the later one is in force.
 */
export function isNoExec(directory: string, mounts: string): boolean {
  let holder = { point: '', options: '' };
  for (const line of mounts.split('\n')) {
    const [, point = '', , options = ''] = line.split(' ');
    const isAbove = point === '/' || directory === point || directory.startsWith(`${point}/`);
    if (point !== '' && isAbove && point.length >= holder.point.length) holder = { point, options };
  }
  return holder.options.split(',').includes('noexec');
}
