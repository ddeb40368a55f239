import { listed } from '../ipvs/listed.js';
import { describeReal, describeService, type Operation, type ServiceId, serviceKey } from '../ipvs/table.js';
import type { TableImage } from '../ipvs/table-image.js';

/** Deletions that were not made because they were too many. */
export interface HeldBack {
  readonly deletions: readonly Operation[];
  /** Services and reals that would go, a service together with its reals. */
  readonly count: number;
  /** How many may go in a round. */
  readonly maxDeletes: number;
}

/** Which deletions somebody has allowed; they do not count. */
export type Permit = (deletion: Operation) => boolean;

/** What limits the deletions of a round. */
export interface DeletionLimit {
  /** How many services and reals may go. */
  readonly maxDeletes: number;
  /** What may go besides, whatever happens to the others. */
  readonly isAllowed?: Permit;
  /** What waits for somebody to allow it. */
  readonly isHeldBack?: Permit;
}

/**
 * A plan without its deletions where these are too many, and without those that wait already. Pure.
 *
 * @param image The table that the plan was made for.
 * @returns `heldBack` where there are too many: those that did not wait before.
 */
export function limitDeletions(
  plan: readonly Operation[],
  image: TableImage,
  { maxDeletes, isAllowed = () => false, isHeldBack = () => false }: DeletionLimit,
): { readonly operations: readonly Operation[]; readonly heldBack?: HeldBack } {
  if (maxDeletes === Number.POSITIVE_INFINITY) return { operations: plan };
  const counted = plan.filter((operation) => isDeletion(operation) && !isAllowed(operation));
  const deletions = counted.filter((deletion) => !isHeldBack(deletion));
  const count = countEntries(deletions, image);
  const isOver = count > maxDeletes;
  const left = new Set(isOver ? counted : counted.filter(isHeldBack));
  const operations = plan.filter((operation) => !left.has(operation));
  return isOver ? { operations, heldBack: { deletions, count, maxDeletes } } : { operations };
}

/**
 * Remembers deletions that were held back until the next round over the whole table, which decides anew, or until what
 * they are about is wanted again.
 */
export class HeldDeletions {
  /** By `serviceKey`, each by `describeDeleted`. */
  readonly #services = new Map<string, Set<string>>();
  #maxDeletes = 0;

  /** @param isWhole Whether the round was over the whole table. */
  note(heldBack: HeldBack | undefined, isWhole: boolean): void {
    this.#maxDeletes = heldBack?.maxDeletes ?? this.#maxDeletes;
    if (isWhole) this.#services.clear();
    for (const deletion of heldBack?.deletions ?? []) {
      const key = serviceKey(deletion.service);
      const names = this.#services.get(key) ?? new Set();
      this.#services.set(key, names.add(describeDeleted(deletion)));
    }
  }

  /** Forgets of these services what a plan for them does not delete. */
  forgetWanted(services: readonly ServiceId[], plan: readonly Operation[]): void {
    if (this.#services.size === 0) return;
    const planned = new Set(plan.filter(isDeletion).map(describeDeleted));
    for (const service of services) {
      const names = this.#services.get(serviceKey(service));
      for (const name of names ?? []) if (!planned.has(name)) names?.delete(name);
    }
  }

  /** What they are, and how many may be made at a time; `undefined` where there are none. */
  get waiting(): { readonly deletions: readonly string[]; readonly maxDeletes: number } | undefined {
    const deletions = this.#names();
    return deletions.length === 0 ? undefined : { deletions, maxDeletes: this.#maxDeletes };
  }

  has(deletion: Operation): boolean {
    return this.#services.get(serviceKey(deletion.service))?.has(describeDeleted(deletion)) === true;
  }

  /** Allows those that are held back now, and no others. */
  permit(): Permit {
    const held = new Set(this.#names());
    return (deletion) => held.has(describeDeleted(deletion));
  }

  #names(): readonly string[] {
    return [...this.#services.values()].flatMap((names) => [...names]);
  }
}

/** `35 deletions held back, max_deletes allows 20` */
export function describeHeldBack({ count, maxDeletes }: HeldBack): string {
  return `${count} deletions held back, max_deletes allows ${maxDeletes}`;
}

/** `tcp 10.0.0.9:80, tcp 10.0.0.1:80 real 10.0.0.11:80 and 33 more` */
export function listDeletions({ deletions }: HeldBack): string {
  return listed(deletions.map(describeDeleted));
}

/** Services and reals that operations take out of the table, now or when they have drained. */
export function countEntries(operations: readonly Operation[], image: TableImage): number {
  let count = 0;
  for (const operation of operations)
    if (operation.kind === 'deleteService')
      count += 1 + (image.service(serviceKey(operation.service))?.destinations.length ?? 0);
    else if (isDeletion(operation)) count++;
  return count;
}

/** What a deletion takes out: `tcp 10.0.0.9:80`, `tcp 10.0.0.1:80 real 10.0.0.11:80`. */
function describeDeleted(deletion: Operation): string {
  const { service } = deletion;
  return 'destination' in deletion ? describeReal(service, deletion.destination) : describeService(service);
}

/** What begins to drain is deleted by that, though later. */
function isDeletion(operation: Operation): boolean {
  switch (operation.kind) {
    case 'deleteService':
    case 'deleteDestination':
      return true;
    case 'editDestination':
      return operation.isDrain === true;
    default:
      return false;
  }
}
