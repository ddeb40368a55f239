import type { Lab } from '../../lab.js';
import type { Namespace } from '../namespace.js';

/** A virtual with the servers behind it, all of which are tested on port 80 by `GET /`. */
export interface Pool {
  readonly address: string;
  readonly port: number;
  /** Addresses. */
  readonly reals: readonly string[];
}

/** How a failure is to be found; the same for all that are compared. */
export const INTERVAL_SEC = 1;
export const TIMEOUT_SEC = 2;
export const WEIGHT = 10;

/** A program, or several, that tests servers and writes the kernel's table. */
export interface Balancer {
  /** Begins the names of its figures: letters and digits. */
  readonly name: string;
  /** Starts it in a director's namespace, to keep these pools; it may not have tested anything yet. */
  readonly start: (lab: Lab, director: Namespace, pools: readonly Pool[]) => Promise<RunningBalancer>;
}

export interface RunningBalancer {
  readonly stop: () => Promise<void>;
}
