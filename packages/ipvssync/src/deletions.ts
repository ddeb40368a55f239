import { listed } from './listed.js';
import { describeDestination, describeService, type Operation, serviceKey } from './table.js';
import type { TableImage } from './table-image.js';

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

/** Remembers deletions that were held back until the next round over the whole table, which decides anew. */
export class HeldDeletions {
  #names: ReadonlySet<string> = new Set();
  #maxDeletes = 0;

  /** @param isWhole Whether the round was over the whole table. */
  note(heldBack: HeldBack | undefined, isWhole: boolean): void {
    const names = heldBack?.deletions.map(describeDeleted) ?? [];
    this.#maxDeletes = heldBack?.maxDeletes ?? this.#maxDeletes;
    if (isWhole || names.length > 0) this.#names = new Set([...(isWhole ? [] : this.#names), ...names]);
  }

  /** What they are, and how many may be made at a time; `undefined` where there are none. */
  get waiting(): { readonly deletions: readonly string[]; readonly maxDeletes: number } | undefined {
    const deletions = [...this.#names];
    return deletions.length === 0 ? undefined : { deletions, maxDeletes: this.#maxDeletes };
  }

  has(deletion: Operation): boolean {
    return this.#names.has(describeDeleted(deletion));
  }

  /** Allows those that are held back now, and no others. */
  permit(): Permit {
    const names = this.#names;
    return (deletion) => names.has(describeDeleted(deletion));
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
export function describeDeleted(deletion: Operation): string {
  const name = describeService(deletion.service);
  return 'destination' in deletion ? `${name} real ${describeDestination(deletion.destination)}` : name;
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
