import type { Clock } from '@surealived/shared/clock';
import { describeAttempt, describeRefusal } from './describe.js';
import { bringsCapacity, isRemoval, type PlanPolicy, planChanges } from './plan.js';
import { describeService, type IpvsTable, type Operation, type Service, serviceKey } from './table.js';
import { TableImage } from './table-image.js';

/** What a round did. */
export interface Round {
  /** What the table acknowledged, in order. */
  readonly done: readonly Operation[];
  /** Operations that were refused, or withheld for the sake of a service. */
  readonly refusedCount: number;
  /** The services that are not as desired, by `describeService`, with the reasons of each. */
  readonly failures: ReadonlyMap<string, string>;
  /** Whether the table was not as remembered: what was refused at first went well after reading it again. */
  readonly foundForeignChange: boolean;
  /** From the start of planning to the last acknowledgement, with reading where there was any. */
  readonly durationMs: number;
}

interface Refusal {
  readonly operation: Operation;
  readonly reason: string;
  /** Not tried, for the sake of the service. */
  readonly isWithheld?: true;
}

type Plan = (image: TableImage) => Operation[];

/**
 * Makes a table follow the desired services and remembers it, so that a small change costs no reading.
 *
 * One round at a time. What the table refuses is planned once more from a fresh reading, since it may mean that
 * somebody else wrote; what is refused again is reported and never stops the other services.
 */
export class Synchroniser {
  readonly #table: IpvsTable;
  readonly #policy: PlanPolicy;
  readonly #clock: Clock;
  #image: TableImage | undefined;

  constructor(table: IpvsTable, policy: PlanPolicy, clock: Clock) {
    this.#table = table;
    this.#policy = policy;
    this.#clock = clock;
  }

  /**
   * Reads the whole table and makes it as desired.
   *
   * @throws SureAliveError where the table cannot be read or its answers fail; the next round reads it again.
   */
  async synchronise(desired: readonly Service[]): Promise<Round> {
    this.#image = undefined;
    return this.#round((image) => planChanges(desired, image.services(), this.#policy));
  }

  /** As `synchronise`, but compares some services with the remembered table and leaves all others alone. */
  async synchroniseSome(desired: readonly Service[]): Promise<Round> {
    const keys = desired.map(serviceKey);
    return this.#round((image) => {
      const actual = keys.flatMap((key) => image.service(key) ?? []);
      return planChanges(desired, actual, { deleteUnmanaged: false });
    });
  }

  async #round(plan: Plan): Promise<Round> {
    const startedMs = this.#clock.nowMs();
    const done: Operation[] = [];
    try {
      const first = await this.#attempt(plan, done);
      if (first.length > 0) this.#image = undefined;
      const refusals = first.length > 0 ? await this.#attempt(plan, done) : first;
      return {
        done,
        refusedCount: refusals.length,
        failures: reasonsByService(refusals),
        foundForeignChange: refusals.length < first.length,
        durationMs: this.#clock.nowMs() - startedMs,
      };
    } catch (error) {
      this.#image = undefined;
      throw error;
    }
  }

  /**
   * Plans and carries out. What takes capacity away comes after all that brings some; it is withheld from a service
   * that would be left with nothing to serve it, because what should replace it was refused.
   */
  async #attempt(plan: Plan, done: Operation[]): Promise<Refusal[]> {
    this.#image ??= new TableImage(await this.#table.read());
    const image = this.#image;
    const operations = plan(image);
    const refusals = await this.#apply(
      operations.filter((operation) => !isRemoval(operation)),
      image,
      done,
    );
    const removals = operations.filter(isRemoval);
    const withheld = strandingRemovals(removals, refusals, image);
    refusals.push(
      ...(await this.#apply(
        removals.filter((removal) => !withheld.has(removal)),
        image,
        done,
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

  async #apply(operations: readonly Operation[], image: TableImage, done: Operation[]): Promise<Refusal[]> {
    if (operations.length === 0) return [];
    const refusals: Refusal[] = [];
    const results = await this.#table.apply(operations);
    for (const [i, operation] of operations.entries()) {
      const result = results[i];
      if (result?.ok) {
        image.apply(operation);
        done.push(operation);
      } else refusals.push({ operation, reason: describeRefusal(operation, result?.errno ?? 'no answer') });
    }
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
