import type { SettingsChange } from '../ipvs/settings.js';
import { type DesiredService, type Operation, type Service, serviceKey } from '../ipvs/table.js';
import { TableImage } from '../ipvs/table-image.js';
import { type HeldBack, limitDeletions } from '../plan/deletions.js';
import { type Drain, Drains, findDraining } from '../plan/drain.js';
import { planChanges } from '../plan/plan.js';
import { findLeftAlone, isProtected, type LeftAlone } from '../plan/protection.js';
import type { SynchroniserPolicy } from '../plan/round.js';

/** What a round would do. */
export interface Preview {
  /** All of the plan, with what would be held back. */
  readonly operations: readonly Operation[];
  /** Of timeouts and sync daemons. */
  readonly settings: readonly SettingsChange[];
  readonly heldBack: HeldBack | undefined;
  readonly leftAlone: readonly LeftAlone[];
  /** What is at weight 0 already, and waits for the end of its connections. */
  readonly draining: readonly Pick<Drain, 'service' | 'destination'>[];
}

/** What the first round of a process would do with a table. Pure. */
export function previewRound(
  desired: readonly DesiredService[],
  actual: readonly Service[],
  policy: SynchroniserPolicy,
  settings: readonly SettingsChange[],
): Preview {
  const image = new TableImage(actual);
  const drains = new Drains();
  const operations = planChanges(desired, actual, policy, (...which) => drains.holds(...which));
  const { heldBack } = limitDeletions(operations, image, {
    maxDeletes: policy.maxDeletes ?? Number.POSITIVE_INFINITY,
  });
  const draining = desired
    .filter((service) => !isProtected(service, policy))
    .flatMap((service) =>
      findDraining(service, image.service(serviceKey(service))).map((destination) => ({
        service,
        destination,
      })),
    );
  return { operations, settings, heldBack, leftAlone: findLeftAlone(desired, actual, policy), draining };
}
