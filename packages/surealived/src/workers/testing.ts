import type { Clock } from '@surealived/shared/clock';
import type { SurealivedConfig } from '@surealived/shared/surealived-cfg';
import type { TesterRegistry } from '@surealived/testers/registry';
import type { EngineLoad } from '../admin/context.js';
import type { Capacity } from '../engine/capacity.js';
import type { Outcome, Trace } from '../engine/outcome.js';
import type { Reconfiguration } from '../reconfigure.js';
import type { OnSentinel } from '../sentinel/watch.js';
import type { Real, Virtual } from '../state.js';

/** Who makes the tests: this thread, or others for it. */
export interface Testing {
  readonly load: EngineLoad;
  /** The testers that a configuration asks for, loaded wherever tests are made. @throws ModuleError. */
  loadTesters(config: SurealivedConfig): Promise<TesterRegistry>;
  /** @throws when the tests cannot begin; nothing is left running. */
  start(virtuals: readonly Virtual[]): Promise<void>;
  /** Ends the tests of what is gone, begins those of what is new; all others go on undisturbed. */
  reconfigure(reconfiguration: Reconfiguration): void;
  /**
   * Tests a real once, now, beside its own rhythm; the outcome does not count for its state.
   *
   * @param trace Sees what is sent and received.
   */
  check(virtual: Virtual, real: Real, trace: Trace): Promise<Outcome>;
  /** Ends all tests without a verdict. */
  stop(): Promise<void>;
}

export interface TestingOptions {
  readonly config: SurealivedConfig;
  readonly capacity: Capacity;
  readonly clock: Clock;
  readonly onOutcome: (virtual: Virtual, real: Real, outcome: Outcome) => void;
  /** Asked before each test: whoever wants to see what it sends and receives. */
  readonly traceOf: (virtual: Virtual, real: Real) => Trace | undefined;
  readonly onSentinel: OnSentinel;
}
