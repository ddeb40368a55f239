import type { Thresholds } from '../config/model.js';

/** What the tests say of a real (spec section 4). */
export interface Health {
  readonly online: boolean;
  /** Successes in a row, up to `rise`. */
  readonly successes: number;
  /** Failures in a row, up to `fall`. */
  readonly failures: number;
}

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
  return isSame ? health : { online, successes, failures };
}
