/**
 * What a services file says, checked and frozen: times in milliseconds, addresses parsed, defaults filled in.
 *
 * @module
 */
import type { Address } from '@surealived/shared/address';
import type { ForwardingMethod, RealId, Tunnel, VirtualId } from '@surealived/shared/model';
import type { Tester } from '@surealived/testers/tester';

export interface VirtualConfig extends VirtualId {
  readonly name: string;
  readonly scheduler: string;
  /** By name and in the order of `SCHEDULER_FLAGS`. */
  readonly schedulerFlags: readonly string[];
  readonly forwarding: ForwardingMethod;
  /** 0 for none. */
  readonly persistenceSec: number;
  /** Bits of a client's address that count for persistence, up to all of them. */
  readonly persistencePrefix: number;
  /** Empty for none. */
  readonly persistenceEngine: string;
  readonly onePacket: boolean;
  /** How long a real that leaves IPVS may stay at weight 0 for its connections; 0 for not at all. */
  readonly drainTimeoutSec: number;
  /** How long the weight of a real takes to climb after a recovery; 0 for not at all. */
  readonly slowStartMs: number;
  /** How many reals tests may not take it below; 0 for none. */
  readonly minOnline: CountOrPercent;
  readonly testing: TestingConfig;
  readonly reals: readonly RealConfig[];
}

/** How the reals of a virtual are tested. */
export interface TestingConfig {
  readonly tester: Tester;
  /** From a real's verdict to its next test, while it is online and no change is pending. */
  readonly loopDelayMs: number;
  /** The same while the thresholds are counting towards a change; `loopDelayMs` where there is no other. */
  readonly fastDelayMs: number;
  /** The same while it is offline and no change is pending; `loopDelayMs` where there is no other. */
  readonly downDelayMs: number;
  /** How far each of these delays is spread, either way, 0..50. */
  readonly jitterPercent: number;
  /** A test that has not ended by then has failed. */
  readonly timeoutMs: number;
  readonly thresholds: Thresholds;
  /** Whether an offline real leaves IPVS instead of staying with weight 0. */
  readonly removeOnFail: boolean;
  /** Whether the conversations with the reals are dumped, where `debug_comm` allows it. */
  readonly debugComm: boolean;
  /** Whether statistics files are in microseconds instead of milliseconds. */
  readonly logMicro: boolean;
  /** How many of the last tests an average covers, 1..20. */
  readonly statsSamples: number;
  readonly notify: NotifyConfig;
}

/** Programs to run on transitions, as paths (spec section 4). */
export interface NotifyConfig {
  readonly up: string | undefined;
  readonly down: string | undefined;
  /** Online reals below which the virtual is down. */
  readonly minReals: CountOrPercent | undefined;
  /** Online weight below which the virtual is down. */
  readonly minWeight: CountOrPercent | undefined;
  readonly realUp: string | undefined;
  readonly realDown: string | undefined;
}

export interface CountOrPercent {
  readonly value: number;
  /** Whether `value` is a percentage of all reals, or of the weight that all would have. */
  readonly isPercent: boolean;
}

/** How a test speaks TLS. */
export interface TlsOptions {
  /** Name for SNI, and the one that the certificate must be made out to where it is verified. */
  readonly serverName: string | undefined;
  /** What all reals of a tester share, as one object: one secure context serves them. */
  readonly policy: TlsPolicy;
}

export interface TlsPolicy {
  /** Whether the certificate must be trusted and made out to the server's name. */
  readonly verify: boolean;
  /** File with the trusted certificates (PEM), the system's where none is named; `undefined` for those of Node. */
  readonly caFile: string | undefined;
  /** Differs when the certificates in that file are others; empty without one. */
  readonly caStamp: string;
  /** Days that the certificate must still be valid for; 0 for any. */
  readonly minDays: number;
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
  /** `IPIP` unless `forwarding` is `tun`. */
  readonly tunnel: Tunnel;
  readonly testPort: number;
  /** Source address of the tests. */
  readonly bindAddress: Address | undefined;
  /** Whether an idle connection to the test port is kept, whose end calls for a test. */
  readonly sentinel: boolean;
  /** Absent where the test does not speak TLS. */
  readonly tls: TlsOptions | undefined;
  /** The tester's attributes, with this real's own values where it gives some. */
  readonly attributes: Readonly<Record<string, unknown>>;
}
