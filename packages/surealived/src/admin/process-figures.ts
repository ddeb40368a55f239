import { readdirSync, readFileSync } from 'node:fs';

/** What the process itself has used, for `stats`. */
export interface ProcessFigures {
  readonly pid: number;
  /** Of the watchdog; without one the tester stands for itself. */
  readonly watchdogPid: number;
  readonly usage: NodeJS.ResourceUsage;
  /** `undefined` where there is no descriptor left to count them with. */
  readonly openFiles: number | undefined;
  /** The Vm* lines of /proc/self/status, as name and value; empty where it cannot be read. */
  readonly memory: readonly (readonly [name: string, value: string])[];
}

/** @param proc What /proc tells of this process. */
export function readProcessFigures(watchdogPid = process.pid, proc = '/proc/self'): ProcessFigures {
  const status = attempt(() => readFileSync(`${proc}/status`, 'utf8')) ?? '';
  const memory = [...status.matchAll(/^(Vm\w+):\s*(.*)$/gm)].map(
    ([, name = '', value = '']) => [name, value] as const,
  );
  const openFiles = attempt(() => readdirSync(`${proc}/fd`).length);
  return { pid: process.pid, watchdogPid, usage: process.resourceUsage(), openFiles, memory };
}

/** Reading takes a descriptor, and `stats` is asked for just when there are none. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
