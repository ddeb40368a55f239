/**
 * What a services file says, checked and frozen: times in milliseconds, addresses parsed, defaults filled in.
 *
 * @module
 */
import type { Address } from '@surealived/shared/address';
import type { ForwardingMethod, RealId, VirtualId } from '@surealived/shared/model';
import type { Tester } from '@surealived/testers/tester';

export interface VirtualConfig extends VirtualId {
  readonly name: string;
  readonly scheduler: string;
  readonly forwarding: ForwardingMethod;
  /** 0 for none. */
  readonly persistenceSec: number;
  readonly onePacket: boolean;
  readonly testing: TestingConfig;
  readonly reals: readonly RealConfig[];
}

/** How the reals of a virtual are tested. */
export interface TestingConfig {
  readonly tester: Tester;
  /** From a real's verdict to its next test. */
  readonly loopDelayMs: number;
  /** A test that has not ended by then has failed. */
  readonly timeoutMs: number;
  readonly thresholds: Thresholds;
  /** Whether an offline real leaves IPVS instead of staying with weight 0. */
  readonly removeOnFail: boolean;
}

/** Verdicts in a row that change a real's state. */
export interface Thresholds {
  /** Successes that set it online (retries2ok). */
  readonly rise: number;
  /** Failures that set it offline (retries2fail). */
  readonly fall: number;
}

export interface RealConfig extends RealId {
  readonly name: string;
  /** 0..65535. */
  readonly weight: number;
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
  readonly forwarding: ForwardingMethod;
  readonly testPort: number;
  /** Source address of the tests. */
  readonly bindAddress: Address | undefined;
  /** The tester's attributes, with this real's own values where it gives some. */
  readonly attributes: Readonly<Record<string, unknown>>;
}
