import type { Thresholds } from '../config/model.js';

/** What the tests say of a real (spec section 4). */
export interface Health {
  readonly online: boolean;
  /** Successes in a row, up to `rise`. */
  readonly successes: number;
  /** Failures in a row, up to `fall`. */
  readonly failures: number;
}

/** More than any threshold. */
const SPAN = 2 ** 20;

/** A real is online until its tests say otherwise. */
export const INITIAL_HEALTH: Health = { online: true, successes: 0, failures: 0 };

/** Whether the last verdict speaks against the state, which further ones of its kind would change. */
export function isChangePending({ online, successes, failures }: Health): boolean {
  return online ? failures > 0 : successes > 0;
}

/** Folds one verdict in. Pure: the caller compares `online` before and after to see a transition. */
export function observe(health: Health, isUp: boolean, { rise, fall }: Thresholds): Health {
  const successes = isUp ? Math.min(health.successes + 1, rise) : 0;
  const failures = isUp ? 0 : Math.min(health.failures + 1, fall);
  const online = isUp ? health.online || successes >= rise : health.online && failures < fall;
  const isSame = online === health.online && successes === health.successes && failures === health.failures;
  return isSame ? health : healthOf(online, successes, failures);
}

/** By what they say: there are few, and 100,000 reals can share them. */
const known = new Map<number, Health>();

function healthOf(online: boolean, successes: number, failures: number): Health {
  const key = (successes * SPAN + failures) * 2 + (online ? 1 : 0);
  let health = known.get(key);
  if (!health) {
    health = { online, successes, failures };
    known.set(key, health);
  }
  return health;
}
