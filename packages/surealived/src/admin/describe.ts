/**
 * Virtuals and reals as the lines of listings (spec section 7).
 *
 * @module
 */

import { escapeText } from '@surealived/shared/escape';
import { token } from '@surealived/shared/snapshot/write';
import {
  countHeld,
  currentWeight,
  isHeld,
  isRamping,
  type Real,
  type Virtual,
  wantedWeight,
} from '../state.js';

export const NO_REALS = 'EMPTY LIST - no reals defined in virtual';

export function describeVirtual(virtual: Virtual): string {
  const { config } = virtual;
  const { name, protocol, address, port, fwmark, forwarding, scheduler } = config;
  const key = `vproto=${protocol} vaddr=${address.text} vport=${port} vfwmark=${fwmark}`;
  const held = countHeld(virtual);
  return `vname=${token(name)} ${key} vrt=${forwarding} vsched=${scheduler}${held > 0 ? ` vheld=${held}` : ''}`;
}

export function describeReal(real: Real): string {
  const { config, health, adminState } = real;
  const weights = `currwgt=${currentWeight(real)} confwgt=${config.weight}`;
  const state = `ronline=${health.online ? 'TRUE' : 'FALSE'} rstate=${adminState}`;
  return `${describeRealId(real)} ${weights} ${state}${describeAdjustment(real)}`;
}

/** Behind what the original prints, and only where there is something. */
function describeAdjustment(real: Real): string {
  if (isHeld(real)) return ' rheld=TRUE';
  return isRamping(real) ? ` rrampto=${wantedWeight(real)}` : '';
}

export function describeRealId({ config }: Real): string {
  return `rname=${token(config.name)} raddr=${config.address.text} rport=${config.port}`;
}

/** The reals of a virtual, a line each. */
export function describeReals({ reals }: Virtual): readonly string[] {
  if (reals.length === 0) return [NO_REALS];
  return reals.map((real, index) => `r:${index} ${describeReal(real)}`);
}

/** What a task put out, a line each. */
export function describeOutput(output: string | undefined): readonly string[] {
  if (output === undefined || output === '') return [];
  const lines = output.replace(/\n$/, '').split('\n');
  return lines.map((line) => `output: ${escapeText(line.replace(/\r$/, ''))}`);
}
