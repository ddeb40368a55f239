import type { Outcome } from './engine/outcome.js';

/** Sums over all tests since the start. */
export class TestStatistics {
  successes = 0;
  failures = 0;
  /** Tests that could not be made for a reason of this machine. */
  obstacles = 0;
  onlineTransitions = 0;
  offlineTransitions = 0;
  /** How often a floor began to hold a real. */
  holds = 0;
  silentProblems = 0;
  unreachableProblems = 0;
  refusedProblems = 0;
  receivedBytes = 0;
  sentBytes = 0;

  count({ verdict, connectionProblem, receivedBytes, sentBytes }: Outcome): void {
    if (!verdict) this.obstacles++;
    else if (verdict.up) this.successes++;
    else this.failures++;
    if (connectionProblem === 'silent') this.silentProblems++;
    if (connectionProblem === 'unreachable') this.unreachableProblems++;
    if (connectionProblem === 'refused') this.refusedProblems++;
    this.receivedBytes += receivedBytes;
    this.sentBytes += sentBytes;
  }
}
