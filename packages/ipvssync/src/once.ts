/**
 * `--once` and `--plan`: one look at the hand-over files, and one at the table. The reload flag and the diff files stay
 * for the daemon.
 *
 * @module
 */
import { systemClock } from '@surealived/shared/clock';
import type { Host } from '@surealived/shared/process-host';
import type { SurealivedConfig } from '@surealived/shared/surealived-cfg';
import { openTable } from './backend.js';
import { describeHeldBack, limitDeletions, listDeletions } from './deletions.js';
import { describeOperation } from './describe.js';
import { desiredService } from './desired.js';
import { Handover } from './handover.js';
import type { Options } from './options.js';
import { planChanges } from './plan.js';
import { planDocument, printablePlan } from './plan-document.js';
import { policyOf } from './policy.js';
import { findLeftAlone } from './protection.js';
import { describeSettingsChange } from './settings.js';
import { lookAtSettings, repairSettings } from './settings-round.js';
import { wantedSettings } from './sync-role.js';
import { type Round, Synchroniser } from './synchroniser.js';
import type { IpvsTable, Operation, Service } from './table.js';
import { TableImage } from './table-image.js';

/** Prints what would change and what would not, as lines or as JSON. */
export async function printPlan(options: Options, config: SurealivedConfig, host: Host): Promise<void> {
  await withTable(options, config, host, async (table, desired) => {
    const policy = policyOf(options, config);
    const actual = await table.read();
    const operations = planChanges(desired, actual, policy);
    const { heldBack } = limitDeletions(operations, policy.maxDeletes, new TableImage(actual));
    const settings = await lookAtSettings(table.settings, () => wantedSettings(config));
    const preview = { operations, settings, heldBack, leftAlone: findLeftAlone(desired, actual, policy) };
    host.stdout.write(options.json ? planDocument(preview) : printablePlan(preview));
  });
}

/** Synchronises, and prints what was done and how long it took. @returns Whether all is as desired. */
export async function synchroniseOnce(
  options: Options,
  config: SurealivedConfig,
  host: Host,
): Promise<boolean> {
  return withTable(options, config, host, async (table, desired) => {
    const synchroniser = new Synchroniser(table, policyOf(options, config), systemClock);
    const round = await synchroniser.synchronise(desired, () => options.isForced);
    if (options.verbosity > 0)
      for (const operation of round.done) host.stdout.write(`${describeOperation(operation)}\n`);
    const settings = await repairSettings(table.settings, () => wantedSettings(config));
    for (const change of settings.done) host.stdout.write(`${describeSettingsChange(change)}\n`);
    for (const reason of [...round.failures.values(), ...settings.failures])
      host.stderr.write(`ipvssync: ${reason}\n`);
    if (round.heldBack) {
      const what = `${describeHeldBack(round.heldBack)}: ${listDeletions(round.heldBack)}`;
      host.stderr.write(`ipvssync: ${what} (--force makes them)\n`);
    }
    host.stdout.write(`${summarise(round)}\n`);
    return round.refusedCount === 0 && settings.failures.length === 0 && !round.heldBack;
  });
}

async function withTable<T>(
  options: Options,
  config: SurealivedConfig,
  host: Host,
  work: (table: IpvsTable, desired: readonly Service[]) => Promise<T>,
): Promise<T> {
  const handover = new Handover(config);
  const refuseEmpty = !options.allowEmpty;
  for (const problem of await handover.load({ removeReloadFlag: false, refuseEmpty }))
    host.stderr.write(`ipvssync: ${problem}\n`);
  const desired = [...handover.virtuals.values()].map(desiredService);
  const table = await openTable(options.backend);
  try {
    return await work(table, desired);
  } finally {
    table.close();
  }
}

/** `added 2 services and 5 reals, edited 1 real in 3.2 ms`, or `nothing to change (1.0 ms)`. */
function summarise({ done, refusedCount, durationMs }: Round): string {
  const parts = [
    phrase('added', done, 'addService', 'addDestination'),
    phrase('edited', done, 'editService', 'editDestination'),
    phrase('deleted', done, 'deleteService', 'deleteDestination'),
    refusedCount > 0 ? `failed ${refusedCount} operations` : '',
  ].filter((part) => part !== '');
  return `${parts.join(', ') || 'nothing to change'} in ${durationMs.toFixed(1)} ms`;
}

function phrase(
  verb: string,
  done: readonly Operation[],
  serviceKind: Operation['kind'],
  realKind: Operation['kind'],
): string {
  const count = (kind: Operation['kind']): number =>
    done.filter((operation) => operation.kind === kind).length;
  const nouns = [plural(count(serviceKind), 'service'), plural(count(realKind), 'real')];
  const named = nouns.filter((noun) => noun !== '');
  return named.length === 0 ? '' : `${verb} ${named.join(' and ')}`;
}

function plural(count: number, noun: string): string {
  return count === 0 ? '' : `${count} ${noun}${count === 1 ? '' : 's'}`;
}
