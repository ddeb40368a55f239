/**
 * CPU time of processes.
 *
 * The total is the scheduler's own account in nanoseconds (proc(5), schedstat). How it is shared between user and system
 * comes from stat, where most kernels (CONFIG_TICK_CPU_ACCOUNTING) sample it: whatever runs at a tick of the clock is
 * charged for it. A share is therefore as good as the number of ticks in the window: 1,000 of them give a share of a fifth
 * to within a hundredth of the total.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';

/** Of processes so far, in microseconds. */
export interface CpuTime {
  readonly totalUs: number;
  /** As sampled. */
  readonly userUs: number;
  readonly systemUs: number;
}

const CLOCK_TICKS_PER_S = 100; // USER_HZ, fixed by the kernel's ABI

/** Sum over processes, all of their threads, and their children that have ended. */
export function readCpuTime(pids: readonly number[]): CpuTime {
  const sum = { totalUs: 0, userUs: 0, systemUs: 0 };
  for (const pid of pids) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [user = 0, system = 0, childrenUser = 0, childrenSystem = 0] = fields
      .slice(11, 15)
      .map((ticks) => (Number(ticks) * 1e6) / CLOCK_TICKS_PER_S);
    sum.totalUs += (readRunningUs(pid) ?? user + system) + childrenUser + childrenSystem;
    sum.userUs += user + childrenUser;
    sum.systemUs += system + childrenSystem;
  }
  return sum;
}

/** @returns `undefined` where the kernel keeps no such account. */
function readRunningUs(pid: number): number | undefined {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const nanoseconds = threads.map((thread) =>
      Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
    );
    return nanoseconds.reduce((sum, ns) => sum + ns, 0) / 1000;
  } catch {
    return undefined;
  }
}

/** What was used between two readings, the sampled shares applied to the exact total. */
export function cpuTimeBetween(before: CpuTime, after: CpuTime): CpuTime {
  const totalUs = after.totalUs - before.totalUs;
  const [user, system] = [after.userUs - before.userUs, after.systemUs - before.systemUs];
  const userShare = user + system > 0 ? user / (user + system) : 0;
  return { totalUs, userUs: totalUs * userShare, systemUs: totalUs * (1 - userShare) };
}
