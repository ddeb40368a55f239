import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { seal } from '@surealived/shared/snapshot/seal';
import { onTestFinished } from 'vitest';
import type { HandoverPaths } from './handover.js';

export const META = 'meta version=1.0 mdate=2026-11-20 mtime=10:06:36\n';
export const WEB = 'virtual vname=web vproto=tcp vaddr=10.0.0.1 vport=80 vrt=dr vsched=wrr vpers=300\n';
export const DNS = 'virtual vname=dns vproto=udp vaddr=10.0.0.2 vport=53 vrt=masq vsched=rr vops=1\n';

/** `real('10.0.0.11:80', 5)` as a line of a snapshot. */
export function real(endpoint: string, weight: number): string {
  return `real ${realKeys(endpoint, weight)}\n`;
}

/** A line of a diff about the virtual `WEB` or `DNS`. */
export function diff(command: string, endpoint: string, weight: number, virtual = WEB): string {
  const head = virtual.trim().replace('virtual ', '').replace(' vpers=300', '').replace(' vops=1', '');
  return `cmd=${command} ${head} vfwmark=0 ${realKeys(endpoint, weight)}\n`;
}

function realKeys(endpoint: string, weight: number): string {
  const [address, port] = endpoint.split(':');
  return `rname=r raddr=${address} rport=${port} rweight=${weight}`;
}

/** A line of a diff as ours writes it, decided at that moment. */
export function sealed(line: string, atMs: number): string {
  return `${seal(`${line.trimEnd()} at=${atMs}`)}\n`;
}

const NOBODY = 65_534;

/** Hand-over files in a directory that goes away with the test. */
export class HandoverFiles {
  readonly paths: HandoverPaths;

  constructor() {
    const directory = mkdtempSync(join(tmpdir(), 'ipvssync-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    this.paths = {
      lock_sync_file: join(directory, 'lock'),
      full_sync_file: join(directory, 'full'),
      full_reload_file: join(directory, 'reload'),
      diff_sync_dir: join(directory, 'diffs'),
    };
    mkdirSync(this.paths.diff_sync_dir);
    writeFileSync(this.paths.lock_sync_file, '');
  }

  /** Path of a diff file. */
  diffPath(name: string): string {
    return join(this.paths.diff_sync_dir, name);
  }

  /** Writes a full snapshot that is continued by the diff file `name`. */
  writeFull(name: string, ...lines: readonly string[]): void {
    writeFileSync(this.paths.full_sync_file, `${META}DIFF file=${this.diffPath(name)}\n${lines.join('')}`);
  }

  /** As `writeFull`, as ours writes it. */
  writeSealed(generation: number, name: string, ...lines: readonly string[]): void {
    const count = (kind: string): number => lines.filter((line) => line.startsWith(kind)).length;
    const counts = `vcount=${count('virtual')} rcount=${count('real')}`;
    const meta = `${META.trimEnd()} format=1 generation=${generation} ${counts}`;
    const rest = `\nDIFF file=${this.diffPath(name)}\n${lines.join('')}`;
    writeFileSync(this.paths.full_sync_file, seal(meta, rest));
  }

  appendDiff(name: string, ...lines: readonly string[]): void {
    appendFileSync(this.diffPath(name), lines.join(''));
  }

  /** The line that sends a reader on. */
  next(name: string): string {
    return `DIFF file=${this.diffPath(name)}\n`;
  }

  setReloadFlag(content = ''): void {
    writeFileSync(this.paths.full_reload_file, content);
  }

  /** From now on this process may read all and remove nothing; what the writer does goes through `asWriter`. */
  protect(): void {
    onTestFinished(() => this.#permit());
    this.#forbid();
  }

  asWriter(work: () => void): void {
    this.#permit();
    work();
    this.#forbid();
  }

  get #directories(): readonly string[] {
    return [dirname(this.paths.full_sync_file), this.paths.diff_sync_dir];
  }

  #forbid(): void {
    for (const directory of this.#directories) chmodSync(directory, 0o555);
    if (process.getuid?.() === 0) process.seteuid?.(NOBODY); // root may do all
  }

  #permit(): void {
    if (process.getuid?.() === 0) process.seteuid?.(0);
    for (const directory of this.#directories) chmodSync(directory, 0o755);
  }
}
