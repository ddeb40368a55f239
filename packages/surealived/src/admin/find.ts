/**
 * The virtual and the real that a command names (spec section 7).
 *
 * @module
 */
import { type Address, parseAddress } from '@surealived/shared/address';
import { MAX_FWMARK, MAX_PORT } from '@surealived/shared/model';
import { type Fields, parseInteger } from '@surealived/shared/snapshot/fields';
import type { Director } from '../director.js';
import type { Real, Virtual } from '../state.js';
import { CommandError } from './command.js';

/** How `help` shows what the functions here read. */
export const VIRTUAL_OPERANDS = 'vproto=PROTO vaddr=ADDR vport=PORT | vproto=fwmark vfwmark=N';
export const REAL_OPERANDS = 'raddr=ADDR rport=PORT';

/** @throws CommandError when there is none, or more than one. */
export function findVirtual(director: Director, fields: Fields): Virtual {
  if (!fields.has('vproto')) throw new CommandError('cmd_find_virt: No vproto specified');
  const protocol = fields.text('vproto');
  const address = readAddress(fields, 'vaddr');
  const port = readInteger(fields, 'vport', MAX_PORT);
  const fwmark = readInteger(fields, 'vfwmark', MAX_FWMARK);
  const found = director.virtuals.filter(({ config }) => {
    if (config.protocol !== protocol) return false;
    const isFamily = !fields.has('vaddr') || address?.family === config.address.family;
    if (protocol === 'fwmark') return config.fwmark === fwmark && isFamily;
    return config.address.text === address?.text && config.port === port;
  });
  if (found.length > 1) {
    throw new CommandError('cmd_find_virt: the mark has two families, add vaddr=0.0.0.0 or vaddr=::');
  }
  if (!found[0]) throw new CommandError('cmd_find_virt: Virt not found');
  return found[0];
}

/** @throws CommandError when there is none. */
export function findReal(virtual: Virtual, fields: Fields): Real {
  if (!fields.has('raddr')) throw new CommandError('cmd_find_real: raddr not found');
  const address = readAddress(fields, 'raddr');
  const port = readInteger(fields, 'rport', MAX_PORT);
  const found = virtual.reals.find(
    ({ config }) => config.address.text === address?.text && config.port === port,
  );
  if (!found) throw new CommandError('cmd_find_real: Real not found');
  return found;
}

/** The one real that is named, or all where none is. @throws CommandError when the one is not there. */
export function findReals(virtual: Virtual, fields: Fields): readonly Real[] {
  const isNamed = fields.has('raddr') || fields.has('rport');
  return isNamed ? [findReal(virtual, fields)] : virtual.reals;
}

function readAddress(fields: Fields, key: string): Address | undefined {
  const text = fields.has(key) ? (fields.text(key) ?? '') : '';
  return parseAddress(text.replace(/^\[(.*)\]$/, '$1'));
}

function readInteger(fields: Fields, key: string, max: number): number | undefined {
  return fields.has(key) ? parseInteger(fields.text(key) ?? '', 0, max) : undefined;
}
