import { readFileSync } from 'node:fs';

/** Makes a Node program print the most memory that it ever had, as it ends; comes before its script. */
export const REPORT_PEAK: readonly string[] = [
  '--import',
  "data:text/javascript,process.on('exit',()=>process.stdout.write('peak '+process.resourceUsage().maxRSS+' KB'))",
];

/** What `REPORT_PEAK` made a program print, in MB. */
export function reportedPeakMb(output: string): number {
  return (Number(/peak (\d+) KB$/.exec(output)?.[1]) * 1.024) / 1000;
}

/** The most memory that a process ever had, in MB. */
export function peakMb(pid: number): number {
  return (
    (Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1.024) / 1000
  );
}
