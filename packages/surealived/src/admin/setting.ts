/**
 * `rset` and `vset`: what the operator wants of a real, or of all reals of a virtual.
 *
 * @module
 */
import { ADMIN_STATES, type AdminState, isOneOf, MAX_WEIGHT } from '@surealived/shared/model';
import { type Fields, parseInteger } from '@surealived/shared/snapshot/fields';
import type { OperatorChange } from '../director.js';
import type { WeightOverride } from '../health/weight.js';
import type { Real } from '../state.js';
import { type Command, CommandError } from './command.js';
import type { CommandContext } from './context.js';
import { describeReals, describeVirtual } from './describe.js';
import { realList } from './documents.js';
import { findReal, findVirtual, REAL_OPERANDS, VIRTUAL_OPERANDS } from './find.js';
import { within } from './within.js';

const MAX_PERCENT = 65_535;
/** How long an answer waits for the disk. */
const SETTLE_MS = 2000;
const SETTING_OPERANDS = '[rstate=ONLINE|OFFLINE|DOWN] [rweight=N|N%]';
/** What listings print may be pasted back; a misspelt key must not be left out of account where something is set. */
const VIRTUAL_KEYS: readonly string[] = 'vname vproto vaddr vport vfwmark vrt vsched vheld'.split(' ');
const REAL_KEYS: readonly string[] = 'rname raddr rport currwgt confwgt ronline rheld rrampto'.split(' ');
const SETTING_KEYS: readonly string[] = ['rstate', 'rweight'];

export const rset: Command = {
  name: 'rset',
  operands: `${VIRTUAL_OPERANDS} ${REAL_OPERANDS} ${SETTING_OPERANDS}`,
  summary: 'sets state and weight of a real',
  async run(context, { fields }) {
    refuseUnknownKeys('cmd_rset', fields, [...VIRTUAL_KEYS, ...REAL_KEYS, ...SETTING_KEYS]);
    const virtual = findVirtual(context.director, fields);
    const real = findReal(virtual, fields);
    const setting = readSetting('cmd_rset', fields);
    const made = settingOf(real, setting);
    context.director.operate(virtual, real, changeOf(real, made));
    const line = describeSetting(real, made);
    const document = realList([virtual], () => [real]);
    await settle(context);
    return { lines: () => [line], document: () => document };
  },
};

export const vset: Command = {
  name: 'vset',
  operands: `${VIRTUAL_OPERANDS} ${SETTING_OPERANDS}`,
  summary: 'sets state and weight of all reals of a virtual',
  async run(context, { fields }) {
    // an address of a real means that rset was wanted
    refuseUnknownKeys('cmd_vset', fields, [...VIRTUAL_KEYS, ...SETTING_KEYS]);
    const virtual = findVirtual(context.director, fields);
    const setting = readSetting('cmd_vset', fields);
    const changes = virtual.reals.map((real) => [real, changeOf(real, settingOf(real, setting))] as const);
    context.director.operateAll(virtual, changes);
    const lines = [`Set: reals=${virtual.reals.length}`, describeVirtual(virtual), ...describeReals(virtual)];
    const document = realList([virtual]);
    await settle(context);
    return { lines: () => lines, document: () => document };
  },
};

/** What is absent stays. */
interface Setting {
  readonly adminState: AdminState | undefined;
  readonly override: WeightOverride | undefined;
}

function readSetting(command: string, fields: Fields): Setting {
  if (!fields.has('rstate') && !fields.has('rweight')) {
    throw new CommandError(`${command}: you need to set at least 'rstate' or 'rweight'`);
  }
  return {
    adminState: fields.has('rstate') ? readAdminState(command, fields) : undefined,
    override: fields.has('rweight') ? readWeight(command, fields) : undefined,
  };
}

/** What the real has once that is set. */
function settingOf(real: Real, { adminState, override }: Setting) {
  return { adminState: adminState ?? real.adminState, override: override ?? real.override };
}

/** What the director shall remember of it: what anyway holds need not be. */
function changeOf(real: Real, { adminState, override }: ReturnType<typeof settingOf>): OperatorChange {
  const isDefault = adminState === 'ONLINE' && isConfiguredWeight(override, real);
  return { adminState, override: isDefault ? undefined : override };
}

function describeSetting({ config }: Real, { adminState, override }: ReturnType<typeof settingOf>): string {
  const shown = override ?? { kind: 'absolute', weight: config.weight };
  const weight = shown.kind === 'percent' ? shown.percent : shown.weight;
  return `Set: rstate=${adminState}, weight=${weight}, inpercent=${shown.kind === 'percent' ? 'TRUE' : 'FALSE'}`;
}

/** Who asks for a change may rely on it once it is answered; a disk that hangs or is full must not cost the answer. */
async function settle({ settled, log }: CommandContext): Promise<void> {
  if (await within(SETTLE_MS, settled())) return;
  log.warn('setting answered before it was on the disk');
}

function refuseUnknownKeys(command: string, fields: Fields, known: readonly string[]): void {
  const unknown = fields.keys.find((key) => !known.includes(key));
  if (unknown !== undefined) throw new CommandError(`${command}: unknown argument [${unknown}]`);
}

function isConfiguredWeight(override: WeightOverride | undefined, { config }: Real): boolean {
  if (!override) return true;
  return override.kind === 'percent' ? override.percent === 100 : override.weight === config.weight;
}

function readAdminState(command: string, fields: Fields): AdminState {
  const text = fields.text('rstate') ?? '';
  if (isOneOf(ADMIN_STATES, text)) return text;
  throw new CommandError(`${command}: rstate unknown [${text}]`);
}

function readWeight(command: string, fields: Fields): WeightOverride {
  const text = fields.text('rweight') ?? '';
  const isPercent = text.endsWith('%');
  const value = parseInteger(isPercent ? text.slice(0, -1) : text, 0, isPercent ? MAX_PERCENT : MAX_WEIGHT);
  if (value === undefined) throw new CommandError(`${command}: rweight unknown [${text}]`);
  return isPercent ? { kind: 'percent', percent: value } : { kind: 'absolute', weight: value };
}
