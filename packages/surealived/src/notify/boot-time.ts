import { readFileSync } from 'node:fs';

/** When this machine was booted, in milliseconds of wall time; 0 where the kernel does not say. */
export function readBootTimeMs(): number {
  try {
    return Number(/^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? 0) * 1000;
  } catch {
    return 0; // no /proc: nothing is dropped
  }
}
