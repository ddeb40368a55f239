import type { Clock } from '@surealived/shared/clock';
import { countEntries, type HeldBack, limitDeletions, type Permit } from './deletions.js';
import { describeAttempt, describeRefusal } from './describe.js';
import { findDrift } from './drift.js';
import { bringsCapacity, isRemoval, planChanges, sliceByService } from './plan.js';
import { findLeftAlone, type LeftAlone, type PlanPolicy } from './protection.js';
import { describeService, type IpvsTable, type Operation, type Service, serviceKey } from './table.js';
import { TableImage } from './table-image.js';

export interface SynchroniserPolicy extends PlanPolicy {
  /** How many services and reals may be deleted in a round; any number where left away. */
  readonly maxDeletes?: number;
}

/** What a round did. */
export interface Round {
  /** What the table acknowledged, in order. */
  readonly done: readonly Operation[];
  /** Operations that were refused, or withheld for the sake of a service. */
  readonly refusedCount: number;
  /** The services that are not as desired, by `describeService`, with the reasons of each. */
  readonly failures: ReadonlyMap<string, string>;
  /** What somebody else did to the services that are ours, seen where the table was read again. */
  readonly drift: readonly Operation[];
  /** Deletions that were not made because they are too many. */
  readonly heldBack: HeldBack | undefined;
  /** What a round over the whole table does not touch; `undefined` of a smaller one. */
  readonly leftAlone: readonly LeftAlone[] | undefined;
  /** From the start of planning to the last acknowledgement, with reading where there was any. */
  readonly durationMs: number;
}

interface Refusal {
  readonly operation: Operation;
  readonly reason: string;
  readonly errno?: string;
  /** Not tried, for the sake of the service. */
  readonly isWithheld?: true;
}

/** What a round is to do, and how it fares. */
interface Work {
  readonly plan: (image: TableImage) => Operation[];
  readonly isAllowed: Permit;
  readonly done: Operation[];
  readonly drift: Operation[];
  /** How many services and reals may still be deleted. */
  deletesLeft: number;
  heldBack: HeldBack | undefined;
}

/** What a refusal may owe to somebody else's writing, and a lost answer: then the table is read again. */
const READ_AGAIN = new Set(['EEXIST', 'ESRCH', 'ENOENT', 'ENOBUFS', 'no answer']);
/** Operations carried out together; a few milliseconds of the kernel's time. */
const SLICE_OPERATIONS = 1000;
/** With these nobody knows what the table holds. */
const OUTCOME_UNKNOWN = new Set(['ENOBUFS', 'no answer']);

/**
 * Makes a table follow the desired services and remembers it, so that a small change costs no reading.
 *
 * One round at a time. What the table refuses because it is not as remembered is planned once more from a fresh reading;
 * what is refused again, or for any other reason, is reported and never stops the other services.
 */
export class Synchroniser {
  readonly #table: IpvsTable;
  readonly #policy: SynchroniserPolicy;
  readonly #clock: Clock;
  #image: TableImage | undefined;
  /** Keys of the services that were desired in the last whole round. */
  #managed: ReadonlySet<string> = new Set();

  constructor(table: IpvsTable, policy: SynchroniserPolicy, clock: Clock) {
    this.#table = table;
    this.#policy = policy;
    this.#clock = clock;
  }

  /**
   * Reads the whole table and makes it as desired.
   *
   * @param isAllowed What this round may delete besides `maxDeletes` others.
   * @throws SureAliveError where the table cannot be read or its answers fail; the next round reads it again.
   */
  async synchronise(desired: readonly Service[], isAllowed: Permit = () => false): Promise<Round> {
    let leftAlone: readonly LeftAlone[] = [];
    const plan = (image: TableImage): Operation[] => {
      const actual = image.services();
      leftAlone = findLeftAlone(desired, actual, this.#policy);
      return planChanges(desired, actual, this.#policy);
    };
    const round = await this.#round(plan, isAllowed, true);
    this.#managed = new Set(desired.map(serviceKey));
    return { ...round, leftAlone };
  }

  /** As `synchronise`, but compares some services with the remembered table and leaves all others alone. */
  async synchroniseSome(desired: readonly Service[]): Promise<Round> {
    const keys = desired.map(serviceKey);
    const plan = (image: TableImage): Operation[] => {
      const actual = keys.flatMap((key) => image.service(key) ?? []);
      return planChanges(desired, actual, { ...this.#policy, deleteUnmanaged: false });
    };
    return this.#round(plan, () => false, false);
  }

  async #round(plan: Work['plan'], isAllowed: Permit, isWhole: boolean): Promise<Round> {
    const startedMs = this.#clock.nowMs();
    const { maxDeletes = Number.POSITIVE_INFINITY } = this.#policy;
    const work: Work = {
      plan,
      isAllowed,
      done: [],
      drift: [],
      deletesLeft: maxDeletes,
      heldBack: undefined,
    };
    try {
      const known = isWhole ? undefined : this.#image;
      let refusals = await this.#attempt(work, known ?? (await this.#read(work.drift)));
      if (refusals.some(({ errno = '' }) => READ_AGAIN.has(errno)))
        refusals = await this.#attempt(work, await this.#read(work.drift));
      return {
        done: work.done,
        refusedCount: refusals.length,
        failures: reasonsByService(refusals),
        drift: work.drift,
        heldBack: work.heldBack && { ...work.heldBack, maxDeletes },
        leftAlone: undefined,
        durationMs: this.#clock.nowMs() - startedMs,
      };
    } catch (error) {
      this.#image = undefined;
      throw error;
    }
  }

  /** Reads the table, and adds to `drift` what is not as remembered. */
  async #read(drift: Operation[]): Promise<TableImage> {
    const remembered = this.#image;
    const found = await this.#table.read();
    if (remembered) drift.push(...findDrift(remembered.services(), found, this.#managed, this.#policy));
    this.#image = new TableImage(found);
    return this.#image;
  }

  /** Plans and carries out, some services after the others. */
  async #attempt(work: Work, image: TableImage): Promise<Refusal[]> {
    const planned = work.plan(image);
    const { operations, heldBack } = limitDeletions(planned, work.deletesLeft, image, work.isAllowed);
    work.heldBack = heldBack;
    const refusals: Refusal[] = [];
    for (const slice of sliceByService(operations, SLICE_OPERATIONS))
      refusals.push(...(await this.#carryOut(slice, image, work)));
    return refusals;
  }

  /**
   * What takes capacity away comes after all that brings some; it is withheld from a service that would be left with
   * nothing to serve it, because what should replace it was refused.
   */
  async #carryOut(operations: readonly Operation[], image: TableImage, work: Work): Promise<Refusal[]> {
    const refusals = await this.#apply(
      operations.filter((operation) => !isRemoval(operation)),
      image,
      work,
    );
    const removals = operations.filter(isRemoval);
    const withheld = strandingRemovals(removals, refusals, image);
    refusals.push(
      ...(await this.#apply(
        removals.filter((removal) => !withheld.has(removal)),
        image,
        work,
      )),
    );
    for (const operation of withheld)
      refusals.push({
        operation,
        reason: `${describeAttempt(operation)}: withheld, nothing else would serve`,
        isWithheld: true,
      });
    return refusals;
  }

  async #apply(operations: readonly Operation[], image: TableImage, work: Work): Promise<Refusal[]> {
    if (operations.length === 0) return [];
    const refusals: Refusal[] = [];
    const results = await this.#table.apply(operations);
    for (const [i, operation] of operations.entries()) {
      const result = results[i];
      if (result?.ok) {
        const counts = Number.isFinite(work.deletesLeft) && !work.isAllowed(operation);
        if (counts) work.deletesLeft -= countEntries([operation], image);
        image.apply(operation);
        work.done.push(operation);
      } else {
        const errno = result?.errno ?? 'no answer';
        refusals.push({ operation, reason: describeRefusal(operation, errno, result?.detail), errno });
      }
    }
    if (refusals.some(({ errno = '' }) => OUTCOME_UNKNOWN.has(errno))) this.#image = undefined;
    return refusals;
  }
}

/**
 * The removals of services which serve now but would not afterwards, because what should have brought capacity was
 * refused. A refusal of anything else (an edit of the scheduler, a deletion) protects nothing: then the removals are
 * what was wanted, down to the last real.
 */
function strandingRemovals(
  removals: readonly Operation[],
  refusals: readonly Refusal[],
  image: TableImage,
): ReadonlySet<Operation> {
  const bringers = refusals.map(({ operation }) => operation).filter(bringsCapacity);
  const refused = new Set(bringers.map(({ service }) => serviceKey(service)));
  const concerned = removals.filter(({ service }) => refused.has(serviceKey(service)));
  const before = [...refused].flatMap((key) => (image.canServe(key) ? (image.service(key) ?? []) : []));
  const after = new TableImage(before);
  for (const removal of concerned) after.apply(removal);
  const stranded = new Set(before.map(serviceKey).filter((key) => !after.canServe(key)));
  return new Set(concerned.filter(({ service }) => stranded.has(serviceKey(service))));
}

/** The first reason of each service, by name, which the others mostly follow from, and all that was withheld for it. */
function reasonsByService(refusals: readonly Refusal[]): ReadonlyMap<string, string> {
  const reasons = new Map<string, string>();
  for (const { operation, reason, isWithheld } of refusals) {
    const name = describeService(operation.service);
    const known = reasons.get(name);
    if (known === undefined) reasons.set(name, reason);
    else if (isWithheld) reasons.set(name, `${known}; ${reason}`);
  }
  return reasons;
}
