import { readdirSync, readFileSync } from 'node:fs';

/** What the process itself has used, for `stats`. */
export interface ProcessFigures {
  readonly pid: number;
  /** Of the watchdog; without one the tester stands for itself. */
  readonly watchdogPid: number;
  readonly usage: NodeJS.ResourceUsage;
  readonly openFiles: number;
  /** The Vm* lines of /proc/self/status, as name and value. */
  readonly memory: readonly (readonly [name: string, value: string])[];
}

export function readProcessFigures(watchdogPid = process.pid): ProcessFigures {
  const status = readFileSync('/proc/self/status', 'utf8');
  const memory = [...status.matchAll(/^(Vm\w+):\s*(.*)$/gm)].map(
    ([, name = '', value = '']) => [name, value] as const,
  );
  const openFiles = readdirSync('/proc/self/fd').length;
  return { pid: process.pid, watchdogPid, usage: process.resourceUsage(), openFiles, memory };
}
