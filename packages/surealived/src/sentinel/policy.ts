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
  /** Connections in a row that could not be made, or that ended soon. */
  readonly strikes: number;
  /**
   * Whether a connection ended just now and the test still succeeded. A process that dies closes its connections one after
   * the other, and the kernel may accept for it until the listener's turn comes: what follows has to be looked at as well.
   */
  readonly mayBeDying: boolean;
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

export const CLOSED: Standing = { phase: 'closed', strikes: 0, mayBeDying: false };

/** A connection that lived so long was worth its while: servers that close it after that are asked again soon. */
const LONG_LIFE_MS = 10_000;
const REST_MS = 2000;
/** Before a server is looked at again that may be dying. */
const SECOND_LOOK_MS = 50;
/** So many connections may end soon before that is taken for a habit of the server's. */
const MAX_ENDS = 1;
const FIRST_BACKOFF_MS = 10_000;
const MAX_BACKOFF_MS = 300_000;
/** Descriptors become free when something else changes, not by waiting. */
const CROWDED_MS = 60_000;

/** @param livedMs How long the connection stood that ended. @returns The very same object where nothing changes. */
export function decide(standing: Standing, event: SentinelEvent, livedMs = 0): Standing {
  const { phase, strikes } = standing;
  switch (event) {
    case 'up':
      return afterSuccess(standing);
    case 'down':
      return phase === 'closed' ? standing : CLOSED;
    case 'void':
    case 'ask':
      return phase === 'broken' ? { ...standing, phase: 'testing' } : standing;
    case 'due':
      return phase === 'connecting' ? afterFailure(standing) : { ...standing, phase: 'connecting' };
    case 'connected':
      return { phase: 'open', strikes, mayBeDying: false };
    case 'unreachable':
      return afterFailure(standing);
    case 'crowded':
      return { phase: 'crowded', strikes, mayBeDying: false };
    case 'ended':
      return { phase: 'broken', strikes: strikesAfter(strikes, livedMs), mayBeDying: false };
    case 'flooded':
      return rest(strikesAfter(strikes, livedMs));
  }
}

function afterSuccess(standing: Standing): Standing {
  const { phase, strikes } = standing;
  if (phase === 'closed') return rest(strikes);
  if (phase === 'broken') return { ...standing, phase: 'testing' };
  if (phase !== 'testing') return standing;
  return strikes > MAX_ENDS ? rest(strikes) : { phase: 'resting', strikes, mayBeDying: true };
}

/** No connection: of a server that may be dying that is news, and calls for a test. Otherwise the tests find out. */
function afterFailure({ strikes, mayBeDying }: Standing): Standing {
  return mayBeDying ? { phase: 'broken', strikes: strikes + 1, mayBeDying: false } : rest(strikes + 1);
}

/**
 * How long a phase lasts that ends by itself: between the half and the whole of its time, so that what fell silent
 * together does not come back together.
 *
 * @param random 0 ≤ x < 1.
 */
export function restMs(standing: Standing, random: number): number {
  return baseMs(standing) * (0.5 + random / 2);
}

/** Whether a phase ends by itself. */
export function isRest(phase: SentinelPhase): boolean {
  return phase === 'resting' || phase === 'backoff' || phase === 'crowded';
}

function baseMs({ phase, strikes, mayBeDying }: Standing): number {
  if (phase === 'crowded') return CROWDED_MS;
  if (phase === 'resting') return mayBeDying ? SECOND_LOOK_MS : REST_MS;
  return Math.min(FIRST_BACKOFF_MS * 2 ** (strikes - 1), MAX_BACKOFF_MS);
}

function rest(strikes: number): Standing {
  return { phase: strikes === 0 ? 'resting' : 'backoff', strikes, mayBeDying: false };
}

function strikesAfter(strikes: number, livedMs: number): number {
  return livedMs >= LONG_LIFE_MS ? 0 : strikes + 1;
}
