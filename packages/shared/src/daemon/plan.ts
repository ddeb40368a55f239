import type { LogSettings } from '../log-outputs.js';

/** What a watchdog has to do; plain data, sent to its process. */
export interface WatchdogPlan {
  readonly program: string;
  /** The file that `node` runs, and what follows it. Paths are absolute: a daemon lives in /. */
  readonly script: string;
  readonly argv: readonly string[];
  /** Empty for none. */
  readonly pidFile: string;
  /** The memory that the child may have, in KB; 0 for any. */
  readonly memlimit: number;
  /** What SIGTERM is for: the original tester is started again by it, the original synchroniser ends. */
  readonly onTerminate: 'restart' | 'stop';
  readonly log: LogSettings;
}

/** What a watchdog tells the process that it was started from. */
export type Report =
  | { readonly kind: 'output'; readonly text: string }
  | { readonly kind: 'started' }
  | { readonly kind: 'failed'; readonly status: number };
