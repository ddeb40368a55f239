import type { IpvsTable } from '../ipvs/table.js';

/** Which table is written: the kernel's, or one in memory that may be kept in a file. */
export type Backend =
  | {
      readonly kind: 'kernel';
      /** Name in /run/netns, or path, of the network namespace; absent for that of the process. */
      readonly netns?: string;
    }
  | { readonly kind: 'memory'; readonly file: string | undefined };

/** Loading a scheduler's module takes the kernel a while. */
const NETLINK_TIMEOUT_MS = 10_000;

/** Reads `kernel`, `memory` or `memory:PATH`; `undefined` for anything else. */
export function parseBackend(text: string): Backend | undefined {
  if (text === 'kernel') return { kind: 'kernel' };
  if (text === 'memory') return { kind: 'memory', file: undefined };
  const file = /^memory:(.+)$/s.exec(text)?.[1];
  return file === undefined ? undefined : { kind: 'memory', file };
}

/**
 * Opens a table. Only what the backend needs is loaded.
 *
 * @throws KernelUnavailableError, or for a file SnapshotError and the errors of the file system.
 */
export async function openTable(backend: Backend): Promise<IpvsTable> {
  if (backend.kind === 'memory') {
    const { openMemoryTable } = await import('../memory/file.js');
    return openMemoryTable(backend.file);
  }
  const { netns } = backend;
  const [{ KernelTable }, { ModuleLoader }, { openNetlinkSocket }] = await Promise.all([
    import('../kernel/kernel-table.js'),
    import('../kernel/modules.js'),
    import('../kernel/netlink-socket.js'),
  ]);
  const open = () => openNetlinkSocket(NETLINK_TIMEOUT_MS);
  const modules = new ModuleLoader();
  if (netns === undefined) return KernelTable.open(open(), modules);
  const { withinNamespace } = await import('../kernel/network-namespace.js');
  return KernelTable.open(withinNamespace(netns, open), modules);
}
