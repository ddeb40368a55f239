/**
 * When a sentinel keeps a connection open, and for how long it leaves a server alone. Pure.
 *
 * @module
 */

/** Where a sentinel stands. */
export const SENTINEL_PHASES = [
  /** No connection is wanted: the last test did not succeed. */
  'closed',
  /** It will connect soon. */
  'resting',
  /** The server closes idle connections soon, or cannot be connected to: it is left alone for longer. */
  'backoff',
  /** There is no descriptor for it; it tries again later. */
  'crowded',
  'connecting',
  'open',
  /** The connection ended during a test that may have begun before that: its verdict is awaited. */
  'broken',
  /** The connection ended, and the test that this called for is awaited. */
  'testing',
] as const;
export type SentinelPhase = (typeof SENTINEL_PHASES)[number];

export interface Standing {
  readonly phase: SentinelPhase;
  /** Connections in a row that could not be made, or that ended soon without any harm. */
  readonly strikes: number;
}

export type SentinelEvent =
  /** A test ended: with success, with failure, or without a verdict. */
  | 'up'
  | 'down'
  | 'void'
  /** No test is under way, so the next one will begin after the connection's end. */
  | 'ask'
  /** The time of the present phase is over. */
  | 'due'
  | 'connected'
  | 'unreachable'
  | 'crowded'
  /** The connection ended, by the server or on the way. */
  | 'ended'
  /** The server says so much unasked that the connection is given up. */
  | 'flooded';

export const CLOSED: Standing = { phase: 'closed', strikes: 0 };

/** A connection that lived so long was worth its while: servers that close it after that are asked again soon. */
const LONG_LIFE_MS = 10_000;
const REST_MS = 2000;
const FIRST_BACKOFF_MS = 10_000;
const MAX_BACKOFF_MS = 300_000;
/** Descriptors become free when something else changes, not by waiting. */
const CROWDED_MS = 60_000;

/** @param livedMs How long the connection stood that ended. @returns The very same object where nothing changes. */
export function decide(standing: Standing, event: SentinelEvent, livedMs = 0): Standing {
  const { phase, strikes } = standing;
  switch (event) {
    case 'up':
      if (phase === 'broken') return { phase: 'testing', strikes };
      return phase === 'closed' || phase === 'testing' ? rest(strikes) : standing;
    case 'down':
      return phase === 'closed' ? standing : CLOSED;
    case 'void':
    case 'ask':
      return phase === 'broken' ? { phase: 'testing', strikes } : standing;
    case 'due':
      return phase === 'connecting' ? rest(strikes + 1) : { phase: 'connecting', strikes };
    case 'connected':
      return { phase: 'open', strikes };
    case 'unreachable':
      return rest(strikes + 1);
    case 'crowded':
      return { phase: 'crowded', strikes };
    case 'ended':
      return { phase: 'broken', strikes: strikesAfter(strikes, livedMs) };
    case 'flooded':
      return rest(strikesAfter(strikes, livedMs));
  }
}

/**
 * How long a phase lasts that ends by itself: between the half and the whole of its time, so that what fell silent
 * together does not come back together.
 *
 * @param random 0 ≤ x < 1.
 */
export function restMs({ phase, strikes }: Standing, random: number): number {
  return baseMs(phase, strikes) * (0.5 + random / 2);
}

/** Whether a phase ends by itself. */
export function isRest(phase: SentinelPhase): boolean {
  return phase === 'resting' || phase === 'backoff' || phase === 'crowded';
}

function baseMs(phase: SentinelPhase, strikes: number): number {
  if (phase === 'crowded') return CROWDED_MS;
  if (phase === 'resting') return REST_MS;
  return Math.min(FIRST_BACKOFF_MS * 2 ** (strikes - 1), MAX_BACKOFF_MS);
}

function rest(strikes: number): Standing {
  return { phase: strikes === 0 ? 'resting' : 'backoff', strikes };
}

function strikesAfter(strikes: number, livedMs: number): number {
  return livedMs >= LONG_LIFE_MS ? 0 : strikes + 1;
}
