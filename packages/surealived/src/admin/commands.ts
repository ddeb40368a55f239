/**
 * The commands of the admin socket (spec section 7): one line in, the lines of the answer out. No I/O.
 *
 * @module
 */
import { type Address, parseAddress } from '@surealived/shared/address';
import {
  ADMIN_STATES,
  type AdminState,
  isOneOf,
  MAX_FWMARK,
  MAX_PORT,
  MAX_WEIGHT,
} from '@surealived/shared/model';
import { type Fields, parseFields, parseInteger } from '@surealived/shared/snapshot/fields';
import { token } from '@surealived/shared/snapshot/write';
import type { Director, OperatorChange } from '../director.js';
import type { WeightOverride } from '../health/weight.js';
import { currentWeight, type Real, type Virtual } from '../state.js';
import { type ProcessFigures, reportStatistics } from './statistics-report.js';

export interface CommandContext {
  readonly director: Director;
  readonly processFigures: () => ProcessFigures;
}

type Command = (context: CommandContext, fields: Fields) => readonly string[];

/** The last line of every answer. */
export const END_OF_ANSWER = '_SD_CMD_END_';
const MAX_PERCENT = 65_535;

const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ['vlist', listVirtuals],
  ['rlist', listReals],
  ['rset', setReal],
  ['stats', ({ director, processFigures }) => reportStatistics(director, processFigures())],
]);

/** A request that cannot be met; the message is the answer. */
class CommandError extends Error {}

/** Answers one line; a mistake is answered in one line too. The server ends every answer with END_OF_ANSWER. */
export function answer(context: CommandContext, line: string): readonly string[] {
  const text = line.trim();
  const [name = ''] = text.split(/\s/, 1);
  const command = COMMANDS.get(name);
  let isValid = command !== undefined;
  const fields = parseFields(text.slice(name.length), () => {
    isValid = false;
  });
  if (!command || !isValid) return [`Invalid request! [${text}]`];
  try {
    return command(context, fields);
  } catch (error) {
    if (error instanceof CommandError) return [error.message];
    throw error;
  }
}

function listVirtuals({ director }: CommandContext): readonly string[] {
  return director.virtuals.map((virtual, index) => `v:${index} ${describeVirtual(virtual)}`);
}

function listReals({ director }: CommandContext, fields: Fields): readonly string[] {
  const virtual = findVirtual(director, fields);
  const head = describeVirtual(virtual);
  if (virtual.reals.length === 0) return [head, 'EMPTY LIST - no reals defined in virtual'];
  return [head, ...virtual.reals.map((real, index) => `r:${index} ${describeReal(real)}`)];
}

function setReal({ director }: CommandContext, fields: Fields): readonly string[] {
  refuseUnknownKeys(fields);
  const virtual = findVirtual(director, fields);
  const real = findReal(virtual, fields);
  if (!fields.has('rstate') && !fields.has('rweight')) {
    throw new CommandError("cmd_rset: you need to set at least 'rstate' or 'rweight'");
  }
  const adminState = fields.has('rstate') ? readAdminState(fields) : real.adminState;
  const override = fields.has('rweight') ? readWeight(fields) : real.override;
  const isDefault = adminState === 'ONLINE' && isConfiguredWeight(override, real);
  const change: OperatorChange = { adminState, override: isDefault ? undefined : override };
  director.operate(virtual, real, change);
  const shown = override ?? { kind: 'absolute', weight: real.config.weight };
  const weight = shown.kind === 'percent' ? shown.percent : shown.weight;
  return [
    `Set: rstate=${adminState}, weight=${weight}, inpercent=${shown.kind === 'percent' ? 'TRUE' : 'FALSE'}`,
  ];
}

/** What listings print may be pasted back; a misspelt key must not be left out of account where something is set. */
const KEYS: readonly string[] = [
  ...['vname', 'vproto', 'vaddr', 'vport', 'vfwmark', 'vrt', 'vsched'],
  ...['rname', 'raddr', 'rport', 'currwgt', 'confwgt', 'ronline', 'rstate', 'rweight'],
];

function refuseUnknownKeys(fields: Fields): void {
  const unknown = fields.keys.find((key) => !KEYS.includes(key));
  if (unknown !== undefined) throw new CommandError(`cmd_rset: unknown argument [${unknown}]`);
}

function isConfiguredWeight(override: WeightOverride | undefined, { config }: Real): boolean {
  if (!override) return true;
  return override.kind === 'percent' ? override.percent === 100 : override.weight === config.weight;
}

function readAdminState(fields: Fields): AdminState {
  const text = fields.text('rstate') ?? '';
  if (isOneOf(ADMIN_STATES, text)) return text;
  throw new CommandError(`cmd_rset: rstate unknown [${text}]`);
}

function readWeight(fields: Fields): WeightOverride {
  const text = fields.text('rweight') ?? '';
  const isPercent = text.endsWith('%');
  const value = parseInteger(isPercent ? text.slice(0, -1) : text, 0, isPercent ? MAX_PERCENT : MAX_WEIGHT);
  if (value === undefined) throw new CommandError(`cmd_rset: rweight unknown [${text}]`);
  return isPercent ? { kind: 'percent', percent: value } : { kind: 'absolute', weight: value };
}

function findVirtual(director: Director, fields: Fields): Virtual {
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
  if (found.length > 1)
    throw new CommandError('cmd_find_virt: the mark has two families, add vaddr=0.0.0.0 or vaddr=::');
  if (!found[0]) throw new CommandError('cmd_find_virt: Virt not found');
  return found[0];
}

function findReal(virtual: Virtual, fields: Fields): Real {
  if (!fields.has('raddr')) throw new CommandError('cmd_find_real: raddr not found');
  const address = readAddress(fields, 'raddr');
  const port = readInteger(fields, 'rport', MAX_PORT);
  const found = virtual.reals.find(
    ({ config }) => config.address.text === address?.text && config.port === port,
  );
  if (!found) throw new CommandError('cmd_find_real: Real not found');
  return found;
}

function readAddress(fields: Fields, key: string): Address | undefined {
  const text = fields.has(key) ? (fields.text(key) ?? '') : '';
  return parseAddress(text.replace(/^\[(.*)\]$/, '$1'));
}

function readInteger(fields: Fields, key: string, max: number): number | undefined {
  return fields.has(key) ? parseInteger(fields.text(key) ?? '', 0, max) : undefined;
}

function describeVirtual({ config }: Virtual): string {
  const { name, protocol, address, port, fwmark, forwarding, scheduler } = config;
  const key = `vproto=${protocol} vaddr=${address.text} vport=${port} vfwmark=${fwmark}`;
  return `vname=${token(name)} ${key} vrt=${forwarding} vsched=${scheduler}`;
}

function describeReal(real: Real): string {
  const { config, health, adminState } = real;
  const weights = `currwgt=${currentWeight(real)} confwgt=${config.weight}`;
  const state = `ronline=${health.online ? 'TRUE' : 'FALSE'} rstate=${adminState}`;
  return `rname=${token(config.name)} raddr=${config.address.text} rport=${config.port} ${weights} ${state}`;
}
