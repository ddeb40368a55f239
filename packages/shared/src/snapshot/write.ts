import { fullPrefix, type Tunnel } from '../model.js';
import type { DiffEntry, SnapshotReal, SnapshotVirtual } from './format.js';
import { SEAL_FORMAT, SNAPSHOT_VERSION } from './format.js';
import { seal } from './seal.js';

/**
 * The text of a full snapshot.
 *
 * @param writtenAt Wall time for the `meta` line, printed in local time as the original does.
 * @param diffFile Path of the diff file that will continue it.
 * @param generation Higher than that of the one before; with it `meta` tells what a torn or an older file is known by.
 */
export function formatSnapshot(
  virtuals: readonly SnapshotVirtual[],
  diffFile: string,
  writtenAt: Date,
  generation?: number,
): string {
  const meta = `meta version=${SNAPSHOT_VERSION} ${formatMetaTime(writtenAt)}`;
  const parts = [`\n\nDIFF file=${diffFile}\n`];
  for (const virtual of virtuals) {
    parts.push(`\nvirtual ${virtualKeys(virtual)}${virtualOptions(virtual)}\n`);
    for (const real of virtual.reals) parts.push(`real ${realKeys(real, virtual)}\n`);
  }
  const rest = parts.join('');
  if (generation === undefined) return `${meta}${rest}`;
  const reals = virtuals.reduce((sum, virtual) => sum + virtual.reals.length, 0);
  const counts = `vcount=${virtuals.length} rcount=${reals}`;
  return seal(`${meta} format=${SEAL_FORMAT} generation=${generation} ${counts}`, rest);
}

/** One line of a diff file, with its newline; one with a time has a checksum, too. */
export function formatDiffLine({ command, virtual, real, atMs }: DiffEntry): string {
  const { name, protocol, address, port, fwmark, forwarding, scheduler } = virtual;
  const head = `cmd=${command} vname=${token(name)} vproto=${protocol} vaddr=${address.text} vport=${port}`;
  const line = `${head} vfwmark=${fwmark} vrt=${forwarding} vsched=${scheduler} ${realKeys(real, virtual)}`;
  return atMs === undefined ? `${line}\n` : `${seal(`${line} at=${atMs}`)}\n`;
}

/** The last line of a diff file: sends the reader on to the next one. */
export function formatDiffEnd(nextFile: string): string {
  return `DIFF file=${nextFile}\n`;
}

/** A name as one token of a line format: white space would split it. */
export function token(name: string): string {
  return name.replace(/\s/gu, '_');
}

function virtualKeys({ name, protocol, address, port, forwarding, scheduler }: SnapshotVirtual): string {
  return `vname=${token(name)} vproto=${protocol} vaddr=${address.text} vport=${port} vrt=${forwarding} vsched=${scheduler}`;
}

/** The keys of the original, in its order, and then those that it does not know. */
function virtualOptions(virtual: SnapshotVirtual): string {
  const { address, persistenceSec, fwmark, onePacket } = virtual;
  const { schedulerFlags, persistencePrefix, persistenceEngine, drainTimeoutSec } = virtual;
  const persistence = persistenceSec > 0 ? ` vpers=${persistenceSec}` : '';
  const mark = fwmark > 0 ? ` vfwmark=${fwmark}` : '';
  const onePacketKey = onePacket ? ' vops=1' : '';
  const flags = schedulerFlags.length > 0 ? ` vsflags=${schedulerFlags.join(',')}` : '';
  const prefix = persistencePrefix === fullPrefix(address) ? '' : ` vprefix=${persistencePrefix}`;
  const engine = persistenceEngine === '' ? '' : ` vpe=${persistenceEngine}`;
  const drain = drainTimeoutSec > 0 ? ` vdrain=${drainTimeoutSec}` : '';
  return `${persistence}${mark}${onePacketKey}${flags}${prefix}${engine}${drain}`;
}

function realKeys(real: SnapshotReal, virtual: Pick<SnapshotVirtual, 'forwarding'>): string {
  const { name, address, port, weight, lowerThreshold, upperThreshold, forwarding, tunnel } = real;
  const lower = lowerThreshold > 0 ? ` rl_thresh=${lowerThreshold}` : '';
  const upper = upperThreshold > 0 ? ` ru_thresh=${upperThreshold}` : '';
  const method = forwarding === virtual.forwarding ? '' : ` rrt=${forwarding}`;
  const keys = `rname=${token(name)} raddr=${address.text} rport=${port} rweight=${weight}`;
  return `${keys}${lower}${upper}${method}${tunnelKeys(tunnel)}`;
}

function tunnelKeys({ type, port, flags }: Tunnel): string {
  if (type === 'ipip') return '';
  const portKey = port > 0 ? ` rtunport=${port}` : '';
  return ` rtuntype=${type}${portKey}${flags === 'nocsum' ? '' : ` rtunflags=${flags}`}`;
}

function formatMetaTime(time: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const date = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `mdate=${date} mtime=${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}
