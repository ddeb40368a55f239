import type { RealConfig } from '../config/model.js';
import { type Endpoint, endpointOf, sourceSockaddr } from '../engine/endpoint.js';
import type { Place } from '../reconfigure.js';
import type { Real, Virtual } from '../state.js';
import type { SentinelPhase } from './policy.js';
import { Sentinel, type SentinelMeans, type Watched } from './sentinel.js';

/** Hears of each phase that a real's sentinel begins; `undefined` when it has none any more. */
export type OnSentinel = (virtual: Virtual, real: Real, phase: SentinelPhase | undefined) => void;

/** What sentinels have done, and do. */
export interface SentinelFigures {
  /** Connections that stand now. */
  sentinelsOpen: number;
  /** Sentinels that leave their server alone for now. */
  sentinelsBackedOff: number;
  /** Connections that ended, since the start. */
  sentinelBreaks: number;
  /** Tests that were made at once for that. */
  sentinelTests: number;
}

/** The tests that a sentinel watches over. */
export interface Hurried {
  /** Whether one has begun that has not ended. */
  readonly isUnderWay: boolean;
  /** Makes the next one now. */
  hurry(): void;
}

/** A sentinel with the tests that it hurries. */
export class Watch implements Watched {
  readonly sentinel: Sentinel;
  /** Its reals that are to have a sentinel. */
  readonly places = new Map<Real, Place>();
  tests: Hurried;
  readonly #figures: SentinelFigures;
  readonly #onSentinel: OnSentinel | undefined;
  readonly #target: RealConfig;
  readonly #endpoint: Endpoint;
  #phase: SentinelPhase = 'closed';

  constructor(
    means: SentinelMeans,
    figures: SentinelFigures,
    tests: Hurried,
    target: RealConfig,
    onSentinel: OnSentinel | undefined,
  ) {
    this.tests = tests;
    this.#figures = figures;
    this.#onSentinel = onSentinel;
    this.#target = target;
    this.#endpoint = endpointOf(target.address, target.testPort);
    this.sentinel = new Sentinel(means, this);
  }

  get domain(): number {
    return this.#endpoint.domain;
  }

  get sockaddr(): Buffer {
    return this.#endpoint.encode();
  }

  get bindSockaddr(): Buffer | undefined {
    const { bindAddress } = this.#target;
    return bindAddress && sourceSockaddr(bindAddress);
  }

  /** The same for all of its places, which come and go: the first that it had may be gone, or tested in another way. */
  get timeoutMs(): number {
    const [place] = this.places.values();
    return place?.virtual.config.testing.timeoutMs ?? 0;
  }

  /** Whether its connection is as one to this real would be. */
  isAt({ address, testPort, bindAddress }: RealConfig): boolean {
    const target = this.#target;
    return (
      target.address.text === address.text &&
      target.testPort === testPort &&
      target.bindAddress?.text === bindAddress?.text
    );
  }

  isUnderWay(): boolean {
    return this.tests.isUnderWay;
  }

  hurry(): void {
    this.#figures.sentinelTests++;
    this.tests.hurry();
  }

  onPhase(phase: SentinelPhase): void {
    this.#count(phase);
    for (const { virtual, real } of this.places.values()) this.#onSentinel?.(virtual, real, phase);
  }

  close(): void {
    this.#count('closed');
    this.sentinel.close();
  }

  #count(phase: SentinelPhase): void {
    const figures = this.#figures;
    if (this.#phase === 'open') figures.sentinelsOpen--;
    if (this.#phase === 'backoff') figures.sentinelsBackedOff--;
    if (phase === 'open') figures.sentinelsOpen++;
    if (phase === 'backoff') figures.sentinelsBackedOff++;
    if (phase === 'broken') figures.sentinelBreaks++;
    this.#phase = phase;
  }
}
