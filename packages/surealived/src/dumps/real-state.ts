/**
 * What of a real's state goes into offline.dump and override.dump, and back. No I/O.
 *
 * @module
 */
import { realKey, virtualKey } from '@surealived/shared/model';
import type { WeightOverride } from '../health/weight.js';
import type { Real, Virtual } from '../state.js';
import type { DumpedReal } from './dump-lines.js';
import type { DumpedOverride } from './override-dump.js';

/** Follows the configured weight: what stands in a file where nobody set one. */
const CONFIGURED: WeightOverride = { kind: 'percent', percent: 100 };

/** The reals that the tests found offline. @param offlineOf Those of a virtual, in the order of the dump. */
export function* collectOffline(
  virtuals: readonly Virtual[],
  offlineOf: (virtual: Virtual) => readonly Real[],
): Generator<DumpedReal> {
  for (const virtual of virtuals)
    for (const { config } of offlineOf(virtual))
      yield { virtual: virtualKey(virtual.config), real: realKey(config) };
}

/** Begins anew from offline. A tester that gives its only verdict once could never take the real online again. */
export function restoreOffline({ config }: Virtual, real: Real): void {
  if (config.testing.tester.kind === 'constant') return;
  real.health = { online: false, successes: 0, failures: 0 };
}

/** The reals of which an operator set something. */
export function* collectOverrides(virtuals: readonly Virtual[]): Generator<DumpedOverride> {
  for (const { config, reals } of virtuals)
    for (const { override, adminState, config: real } of reals)
      if (override || adminState !== 'ONLINE')
        yield {
          virtual: virtualKey(config),
          real: realKey(real),
          weight: override ?? CONFIGURED,
          adminState,
        };
}

/**
 * A weight that equals the configured one is none of its own: 100%, or the number that the original writes where only
 * the state was set. So the real follows when the configured weight changes later.
 */
export function restoreOverride(real: Real, { weight, adminState }: DumpedOverride): void {
  const isConfigured =
    weight.kind === 'percent' ? weight.percent === 100 : weight.weight === real.config.weight;
  real.adminState = adminState;
  real.override = isConfigured ? undefined : weight;
}
