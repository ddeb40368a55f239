/**
 * IP_VS_SVC_F_SCHED1..3 by name, as `ipvsadm -b` has them: a scheduler's own names, and `flag-1` to `flag-3` for any.
 *
 * @module
 */
import { SCHEDULER_FLAGS } from '@surealived/shared/model';

const BITS = [0, 1, 2] as const;

/** The names of the bits that are set; empty for 0. */
export function schedulerFlagNames(scheduler: string, bits: number): readonly string[] {
  return BITS.filter((bit) => bits & (1 << bit)).map((bit) => nameOf(scheduler, bit));
}

/** The bits of names, in any order; `undefined` where one is not of this scheduler. */
export function schedulerFlagBits(scheduler: string, names: readonly string[]): number | undefined {
  const bits = names.map((name) =>
    BITS.findIndex((bit) => name === nameOf(scheduler, bit) || name === `flag-${bit + 1}`),
  );
  return bits.includes(-1) ? undefined : bits.reduce((sum, bit) => sum | (1 << bit), 0);
}

function nameOf(scheduler: string, bit: number): string {
  return SCHEDULER_FLAGS.get(scheduler)?.[bit] ?? `flag-${bit + 1}`;
}
