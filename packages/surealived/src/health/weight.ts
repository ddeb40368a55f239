import type { AdminState } from '@surealived/shared/model';
import { MAX_WEIGHT } from '@surealived/shared/model';

/** A weight that the operator set in place of the configured one. */
export type WeightOverride =
  | { readonly kind: 'absolute'; readonly weight: number }
  /** Of the configured weight; above 100 is allowed. */
  | { readonly kind: 'percent'; readonly percent: number };

/** What slow start or the floor make of the weight that a real would have. */
export interface WeightAdjustment {
  /** `ramp`: on its way up after a recovery; `held`: its tests fail, but the floor of its virtual keeps it. */
  readonly kind: 'ramp' | 'held';
  /** What it carries at most, 1..65535. */
  readonly weight: number;
}

/** Held with the whole of its weight. */
export const HELD: WeightAdjustment = { kind: 'held', weight: MAX_WEIGHT };

/** What the weight of a real follows from. */
export interface WeightInputs {
  readonly online: boolean;
  readonly adminState: AdminState;
  readonly configuredWeight: number;
  readonly override: WeightOverride | undefined;
  /** Absent for almost all reals at almost all times. */
  readonly adjustment?: WeightAdjustment | undefined;
}

/** The weight a real carries in IPVS now, 0..65535: 0 unless tests, or the floor, and operator want it (spec section 4). */
export function effectiveWeight(inputs: WeightInputs): number {
  const { online, adminState, configuredWeight, override, adjustment } = inputs;
  const isServing = online || adjustment?.kind === 'held';
  if (!isServing || adminState !== 'ONLINE') return 0;
  const weight = overriddenWeight(configuredWeight, override);
  return adjustment ? Math.min(weight, adjustment.weight) : weight;
}

/** The configured weight with the operator's override; a percentage never rounds to 0, which would mean "draining". */
export function overriddenWeight(configuredWeight: number, override: WeightOverride | undefined): number {
  if (!override) return configuredWeight;
  if (override.kind === 'absolute') return override.weight;
  const weight = Math.floor((configuredWeight * override.percent) / 100);
  return Math.min(Math.max(weight, 1), MAX_WEIGHT);
}

/** `weight=7`, `weight=50%`, or `weight=configured` where there is none. */
export function describeOverride(override: WeightOverride | undefined): string {
  if (!override) return 'weight=configured';
  return override.kind === 'absolute' ? `weight=${override.weight}` : `weight=${override.percent}%`;
}
