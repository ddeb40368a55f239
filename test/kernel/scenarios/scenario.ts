import type { Lab } from '../lab.js';

/** One thing that must hold on a real kernel. */
export interface Scenario {
  /** File name of its result: letters, digits and hyphens. */
  readonly name: string;
  /** The sentence that the test report shows. */
  readonly title: string;
  /** Limit for the run without clean-up. */
  readonly timeoutMs: number;
  /** Resolves if it holds. What it made through the lab is cleaned up for it. */
  readonly run: (lab: Lab) => Promise<void>;
}
