/**
 * Reading and filling the IPVS table of a namespace. All readers return it sorted by name.
 *
 * @module
 */
import { type IpvsService, sortTable } from './ipvs-entry.js';
import { parseRules } from './ipvs-rules.js';
import { parseListing, parseProcTable } from './ipvs-table.js';
import type { Namespace } from './namespace.js';

/** The table as `ipvsadm -Ln` shows it: an independent witness, at the price of starting a program. */
export async function listIpvs(namespace: Namespace): Promise<IpvsService[]> {
  return sortTable(parseListing(await namespace.run(['ipvsadm', '-Ln'])));
}

/** The table as `ipvsadm -Sn` would save it; without connection counts. */
export async function saveIpvs(namespace: Namespace, timeoutMs?: number): Promise<IpvsService[]> {
  const options = timeoutMs === undefined ? {} : { timeoutMs };
  return sortTable(parseRules(await namespace.run(['ipvsadm', '-Sn'], options)));
}

/**
 * The table read from `/proc/net/ip_vs`: fast enough to measure how soon a change arrives. While other namespaces have
 * services, too, the kernel leaves some out of what does not fit into a page (4 KiB, about 60 destinations).
 */
export async function readIpvs(namespace: Namespace): Promise<IpvsService[]> {
  return sortTable(parseProcTable(await namespace.readProcNet('ip_vs')));
}

/** Applies rules in the language of `ipvsadm -S`, all in one call. */
export async function restoreIpvs(namespace: Namespace, rules: readonly string[]): Promise<void> {
  await namespace.run(['ipvsadm', '-R'], { input: `${rules.join('\n')}\n` });
}
