/**
 * `--once` and `--plan`: one look at the hand-over files, and one at the table. The reload flag and the diff files stay
 * for the daemon.
 *
 * @module
 */
import { systemClock } from '@surealived/shared/clock';
import type { Host } from '@surealived/shared/process-host';
import type { SurealivedConfig } from '@surealived/shared/surealived-cfg';
import { openTable } from '../backend/backend.js';
import type { Options } from '../cli/options.js';
import { policyOf } from '../cli/policy.js';
import { Handover } from '../handover/handover.js';
import { describeOperation } from '../ipvs/describe.js';
import { describeSettingsChange } from '../ipvs/settings.js';
import type { DesiredService, IpvsTable } from '../ipvs/table.js';
import { lookAtSettings, repairSettings } from '../keeper/settings-round.js';
import { wantedSettings } from '../keeper/sync-role.js';
import { Synchroniser } from '../keeper/synchroniser.js';
import { describeHeldBack, type HeldBack, listDeletions } from '../plan/deletions.js';
import { desiredService } from '../plan/desired.js';
import { describeDrain, servicesOf } from '../plan/drain.js';
import { describeLeftAlone } from '../plan/protection.js';
import { summarise } from './summary.js';

/** Prints what would change and what would not, as lines or as JSON. */
export async function printPlan(options: Options, config: SurealivedConfig, host: Host): Promise<void> {
  const [{ previewRound }, { planDocument, printablePlan }] = await Promise.all([
    import('./preview.js'), // `--once` has no use for them, and each module takes time to load
    import('./plan-document.js'),
  ]);
  await withTable(options, config, host, async (table, desired) => {
    const actual = await table.read();
    const settings = await lookAtSettings(table.settings, () => wantedSettings(config));
    const preview = previewRound(desired, actual, policyOf(options, config), settings);
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
    const synchroniser = new Synchroniser(table, () => policyOf(options, config), systemClock);
    const isAllowed = () => options.isForced;
    const rounds = [await synchroniser.synchronise(desired, isAllowed)];
    const drained = servicesOf(await synchroniser.findDrained(true), desired);
    if (drained.length > 0) rounds.push(await synchroniser.synchroniseSome(drained, isAllowed));
    const settings = await repairSettings(table.settings, () => wantedSettings(config));
    const changes = [
      ...(options.verbosity > 0 ? rounds.flatMap(({ done }) => done.map(describeOperation)) : []),
      ...settings.done.map(describeSettingsChange),
      ...synchroniser.drains.filter(({ isOver }) => !isOver).map(describeDrain),
      ...(options.verbosity > 0 ? (rounds[0]?.leftAlone ?? []).map(describeLeftAlone) : []),
    ];
    const troubles = [
      ...rounds.flatMap(({ failures }) => [...failures.values()]),
      ...settings.failures,
      ...rounds.flatMap(({ heldBack }) => (heldBack ? explainHeldBack(heldBack) : [])),
    ];
    for (const line of changes) host.stdout.write(`${line}\n`);
    for (const reason of troubles) host.stderr.write(`ipvssync: ${reason}\n`);
    host.stdout.write(`${summarise(rounds)}\n`);
    return troubles.length === 0;
  });
}

function explainHeldBack(heldBack: HeldBack): string {
  return `${describeHeldBack(heldBack)}: ${listDeletions(heldBack)} (--force makes them)`;
}

async function withTable<T>(
  options: Options,
  config: SurealivedConfig,
  host: Host,
  work: (table: IpvsTable, desired: readonly DesiredService[]) => Promise<T>,
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
