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

/**
 * A plan without its deletions where these are too many. Pure.
 *
 * @param maxDeletes How many services and reals may go.
 * @param image The table that the plan was made for.
 * @param isAllowed What may go besides.
 */
export function limitDeletions(
  plan: readonly Operation[],
  maxDeletes: number,
  image: TableImage,
  isAllowed: Permit = () => false,
): { readonly operations: readonly Operation[]; readonly heldBack?: HeldBack } {
  if (maxDeletes === Number.POSITIVE_INFINITY) return { operations: plan };
  const deletions = plan.filter(isDeletion);
  const isOver =
    countEntries(
      deletions.filter((deletion) => !isAllowed(deletion)),
      image,
    ) > maxDeletes;
  if (!isOver) return { operations: plan };
  const count = countEntries(deletions, image);
  const operations = plan.filter((operation) => !isDeletion(operation));
  return { operations, heldBack: { deletions, count, maxDeletes } };
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
