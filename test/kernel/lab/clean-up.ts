import { existsSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { runIpBatches } from './ip-batch.js';

const NETNS_DIR = '/run/netns';

/**
 * Removes all namespaces of the guest, which has no others than a scenario's, together with every process in them.
 *
 * Processes are found by the namespace they are in, as daemons that detached themselves are nobody's children. A
 * namespace, and its IPVS table, goes when its last process has gone.
 */
export async function removeAllNamespaces(): Promise<void> {
  const names = existsSync(NETNS_DIR) ? readdirSync(NETNS_DIR) : [];
  if (names.length === 0) return;
  const inodes = new Set(names.map((name) => statSync(join(NETNS_DIR, name)).ino));
  for (const pid of processesIn(inodes)) killQuietly(pid);
  await runIpBatches([{ lines: names.map((name) => `netns del ${name}`) }]);
}

function processesIn(inodes: ReadonlySet<number>): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && inodes.has(netInode(pid)));
}

function netInode(pid: number): number {
  try {
    return Number(/\d+/.exec(readlinkSync(`/proc/${pid}/ns/net`))?.[0]);
  } catch {
    return Number.NaN; // it ended between the listing and this look
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ended by itself meanwhile
  }
}
