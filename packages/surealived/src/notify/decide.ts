/**
 * Whether a virtual counts as up or down for its notifications (spec section 4). No I/O.
 *
 * @module
 */
import type { CountOrPercent, NotifyConfig } from '../config/model.js';
import type { NotifiedState } from '../dumps/notify-dump.js';
import { type Real, type Virtual, wantedWeight } from '../state.js';

/**
 * The state of a virtual as its thresholds see it.
 *
 * A real counts as online when its tests and the operator want it, with the weight that it then carries, an override
 * included: one that a floor holds does not count, one whose weight still climbs counts with all of it. Percentages are of
 * all reals, and of the weight that all would carry if every one were online and nobody had set one OFFLINE or DOWN. A
 * threshold that is not given always holds.
 */
export function judgeVirtual(virtual: Virtual): NotifiedState {
  const { minReals, minWeight } = virtual.config.testing.notify;
  const { reals } = virtual;
  const online = reals.filter(isServing).length;
  const weight = sum(reals.filter(isServing), wantedWeight);
  const fullWeight = sum(reals, wantedWeight);
  const holds = isReached(minReals, online, reals.length) && isReached(minWeight, weight, fullWeight);
  return holds ? 'UP' : 'DOWN';
}

/** Whether anybody wants to know when a virtual goes up or down. */
export function isNotified({ up, down }: NotifyConfig): boolean {
  return up !== undefined || down !== undefined;
}

/** The arguments of a program that is told of a virtual. */
export function virtualArguments(state: NotifiedState, { config }: Virtual): readonly string[] {
  const { name, address, port, protocol, fwmark } = config;
  return [
    `notify=${state}`,
    `vname=${name}`,
    `vaddr=${address.text}`,
    `vport=${port}`,
    `vproto=${protocol}`,
    `vfwmark=${fwmark}`,
  ];
}

/** The arguments of a program that is told of a real. */
export function realArguments(state: NotifiedState, virtual: Virtual, { config }: Real): readonly string[] {
  const { name, address, port } = config;
  return [...virtualArguments(state, virtual), `rname=${name}`, `raddr=${address.text}`, `rport=${port}`];
}

function isServing({ health, adminState }: Real): boolean {
  return health.online && adminState === 'ONLINE';
}

function isReached(threshold: CountOrPercent | undefined, have: number, all: number): boolean {
  if (!threshold) return true;
  return threshold.isPercent ? have * 100 >= threshold.value * all : have >= threshold.value;
}

function sum(reals: readonly Real[], of: (real: Real) => number): number {
  return reals.reduce((total, real) => total + of(real), 0);
}
