/**
 * How a virtual chooses a real: what its attributes about scheduling and persistence mean together.
 *
 * @module
 */
import { type Address, ipv4Prefix, parseAddress } from '@surealived/shared/address';
import { fullPrefix, SCHEDULER_FLAGS } from '@surealived/shared/model';
import type { Static } from 'typebox';
import type { VirtualConfig } from './model.js';
import { type ProblemList, placeOf } from './problem-list.js';
import type { VirtualAttributes } from './schema.js';
import type { Element } from './xml.js';

type VirtualValues = Static<typeof VirtualAttributes>;

/** Checks what does not depend on the family of the virtual. */
export function checkScheduling(
  element: Element,
  path: string,
  values: VirtualValues,
  problems: ProblemList,
): void {
  const report = (name: string, message: string): void =>
    problems.error(placeOf(element, name), path, `attribute "${name}": ${message}`);
  if (values.ops && (values.proto === 'tcp' || values.proto === 'sctp'))
    report('ops', 'one-packet scheduling is for UDP only');
  checkFlags(values, report);
  if (values.pe !== undefined) {
    if (values.proto === 'tcp' || values.proto === 'sctp') report('pe', `${values.pe} is for UDP only`);
    if (!(values.pers > 0)) report('pe', 'only with persistence: set "pers"');
  }
  if (values.drain_timeout > 0 && values.proto === 'udp')
    problems.warn(
      placeOf(element, 'drain_timeout'),
      path,
      'attribute "drain_timeout": a real of UDP leaves at once, it has no connections that could end',
    );
  if (values.pers_prefix !== undefined && values.pers === 0)
    report('pers_prefix', 'only with persistence: set "pers"');
}

function checkFlags(
  { sched, sched_flags = '' }: VirtualValues,
  report: (name: string, message: string) => void,
): void {
  if (typeof sched !== 'string' || sched_flags === '') return;
  const known = SCHEDULER_FLAGS.get(sched);
  if (!known) report('sched_flags', `scheduler "${sched.slice(0, 40)}" has no flags`);
  const unknown = known && sched_flags.split(',').find((flag) => !known.includes(flag));
  if (unknown !== undefined)
    report('sched_flags', `scheduler "${sched}" has ${known?.join(' and ')}, got "${unknown.slice(0, 40)}"`);
}

/** The flags of a virtual that was checked, each once and in the order of the kernel's bits. */
export function schedulerFlagsOf({ sched, sched_flags = '' }: VirtualValues): readonly string[] {
  const given = sched_flags.split(',');
  return (SCHEDULER_FLAGS.get(sched) ?? []).filter((flag) => given.includes(flag));
}

/** What a prefix may be depends on the family, which only the whole virtual tells. */
export function checkPrefix(
  element: Element,
  path: string,
  { address }: VirtualConfig,
  problems: ProblemList,
): void {
  const attribute = element.attributes.get('pers_prefix');
  if (!attribute || parsePersistencePrefix(attribute.value, address) !== undefined) return;
  const mask = address.family === 4 ? ' or a netmask of ones, then zeros' : '';
  const message = `expected 1..${fullPrefix(address)}${mask}, got "${attribute.value}"`;
  problems.error(attribute, path, `attribute "pers_prefix": ${message}`);
}

/** The prefix that `pers_prefix` means for an address, or `undefined` where it means none. */
export function parsePersistencePrefix(text: string | undefined, address: Address): number | undefined {
  const full = fullPrefix(address);
  if (text === undefined) return full;
  const mask = address.family === 4 ? parseAddress(text) : undefined;
  const prefix = mask ? ipv4Prefix(mask) : /^\d+$/.test(text) ? Number(text) : undefined;
  return prefix !== undefined && prefix >= 1 && prefix <= full ? prefix : undefined;
}
