import type { Clock } from '@surealived/shared/clock';
import { describeAttempt, describeRefusal } from '../ipvs/describe.js';
import {
  type DesiredService,
  type IpvsTable,
  type Operation,
  type Service,
  serviceKey,
} from '../ipvs/table.js';
import { TableImage } from '../ipvs/table-image.js';
import { countEntries, HeldDeletions, limitDeletions, type Permit } from '../plan/deletions.js';
import { type Drain, Drains } from '../plan/drain.js';
import { findDrift } from '../plan/drift.js';
import { isRemoval, planChanges, sliceByService } from '../plan/plan.js';
import { findLeftAlone, isProtected, type LeftAlone, type PlanPolicy } from '../plan/protection.js';
import {
  isOutcomeUnknown,
  mayComeFromOthers,
  NO_ANSWER,
  type Refusal,
  reasonsByService,
  strandingRemovals,
} from '../plan/refusals.js';
import type { Round, SynchroniserPolicy, Work } from '../plan/round.js';
import { GradualReading } from './gradual-reading.js';

/** Operations carried out together; a few milliseconds of the kernel's time. */
const SLICE_OPERATIONS = 1000;

/**
 * Makes a table follow the desired services and remembers it, so that a small change costs no reading.
 *
 * One round at a time. What the table refuses because it is not as remembered is planned once more from a fresh reading;
 * what is refused again, or for any other reason, is reported and never stops the other services.
 */
export class Synchroniser {
  readonly #table: IpvsTable;
  readonly #getPolicy: () => SynchroniserPolicy;
  readonly #clock: Clock;
  #image: TableImage | undefined;
  #reading: GradualReading | undefined;
  /** Keys of the services that were desired in the last whole round. */
  #managed: ReadonlySet<string> = new Set();
  readonly #drains = new Drains();
  readonly #heldBack = new HeldDeletions();

  /** @param policy Asked whenever it counts; it must not change while a round is carried out. */
  constructor(table: IpvsTable, policy: () => SynchroniserPolicy, clock: Clock) {
    this.#table = table;
    this.#getPolicy = policy;
    this.#clock = clock;
  }

  get #policy(): SynchroniserPolicy {
    return this.#getPolicy();
  }

  /**
   * Reads the whole table and makes it as desired.
   *
   * @param isAllowed What this round may delete besides `maxDeletes` others.
   * @throws SureAliveError where the table cannot be read or its answers fail; the next round reads it again.
   */
  async synchronise(desired: readonly DesiredService[], isAllowed: Permit = () => false): Promise<Round> {
    let leftAlone: readonly LeftAlone[] = [];
    const plan = (image: TableImage): Operation[] => {
      const actual = image.services();
      leftAlone = findLeftAlone(desired, actual, this.#policy);
      return this.#plan(desired, actual, this.#policy);
    };
    const round = await this.#round({ desired, plan, isAllowed, isWhole: true });
    this.#managed = new Set(desired.map(serviceKey));
    return { ...round, leftAlone };
  }

  /** As `synchronise`, but compares some services with the remembered table and leaves all others alone. */
  async synchroniseSome(desired: readonly DesiredService[], isAllowed: Permit = () => false): Promise<Round> {
    const keys = desired.map(serviceKey);
    const plan = (image: TableImage): Operation[] => {
      const actual = keys.flatMap((key) => image.service(key) ?? []);
      return this.#plan(desired, actual, { ...this.#policy, deleteUnmanaged: false });
    };
    return this.#round({ desired, plan, isAllowed, isWhole: false });
  }

  /** The deletions that wait to be allowed. */
  get heldBack(): Pick<HeldDeletions, 'waiting' | 'permit'> {
    return this.#heldBack;
  }

  /** Begins to read the table for the next `synchronise`, which then reads nothing itself. */
  startReading(): void {
    this.#reading = new GradualReading(this.#table, this.#clock, this.#image);
  }

  /** Reads on, for about `limitMs`; rounds over some services may come in between. @returns Whether all is read. @throws SureAliveError */
  async readOn(limitMs: number): Promise<boolean> {
    const reading = this.#reading;
    this.#reading = undefined;
    await reading?.readOn(limitMs);
    this.#reading = reading;
    return reading?.isWhole ?? true;
  }

  /** What drains, and what has drained and could not be deleted yet. */
  get drains(): readonly Drain[] {
    return this.#drains.all();
  }

  /** When `findDrained` is to be called, monotonic; infinite while nothing drains. */
  get drainsDueAtMs(): number {
    return this.#drains.lookAtMs;
  }

  /**
   * Counts the connections of what drains.
   *
   * @param isWhole Whether in all services; otherwise in as many as can be done at once.
   * @returns What may go now; the next round that is about its service deletes it.
   * @throws SureAliveError where the connections cannot be read.
   */
  async findDrained(isWhole = false): Promise<readonly Drain[]> {
    const nowMs = this.#clock.nowMs();
    const drained: Drain[] = [];
    for (const service of this.#drains.startLook(nowMs, isWhole))
      drained.push(...this.#drains.count(service, await this.#table.readConnections(service), nowMs));
    return drained;
  }

  #plan(desired: readonly DesiredService[], actual: Iterable<Service>, policy: PlanPolicy): Operation[] {
    return planChanges(desired, actual, policy, (service, destination) =>
      this.#drains.holds(service, destination),
    );
  }

  async #round(task: Pick<Work, 'desired' | 'plan' | 'isAllowed' | 'isWhole'>): Promise<Round> {
    const startedMs = this.#clock.nowMs();
    const { maxDeletes = Number.POSITIVE_INFINITY } = this.#policy;
    const isAllowed: Permit = (deletion) => task.isAllowed(deletion) || this.#drains.wasCounted(deletion);
    const work: Work = {
      ...task,
      isAllowed,
      done: [],
      drift: [],
      deletesLeft: maxDeletes,
      heldBack: undefined,
    };
    try {
      const known = work.isWhole ? undefined : this.#image;
      let refusals = await this.#attempt(work, known ?? (await this.#read(work.drift)));
      if (refusals.some(mayComeFromOthers))
        refusals = await this.#attempt(work, await this.#read(work.drift));
      this.#noteDrains(work);
      this.#heldBack.note(work.heldBack, work.isWhole);
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
      this.#forget();
      throw error;
    }
  }

  #noteDrains({ desired, isWhole }: Work): void {
    const policy = this.#policy;
    const ours = desired.filter((service) => !isProtected(service, policy));
    if (this.#image) this.#drains.update(ours, this.#image, isWhole, this.#clock.nowMs());
  }

  /** Reads the table, and adds to `drift` what is not as remembered. */
  async #read(drift: Operation[]): Promise<TableImage> {
    const remembered = this.#image;
    const found = this.#reading?.services ?? (await this.#table.read());
    this.#reading = undefined;
    if (remembered)
      for (const change of findDrift(remembered.services(), found, this.#managed, this.#policy))
        drift.push(change); // one by one: there may be more than arguments that a call takes
    this.#image = new TableImage(found);
    return this.#image;
  }

  /** Plans and carries out, some services after the others. */
  async #attempt(work: Work, image: TableImage): Promise<Refusal[]> {
    const planned = work.plan(image);
    if (!work.isWhole) this.#heldBack.forgetWanted(work.desired, planned);
    const { operations, heldBack } = limitDeletions(planned, image, {
      maxDeletes: work.deletesLeft,
      isAllowed: work.isAllowed,
      isHeldBack: (deletion) => !work.isWhole && this.#heldBack.has(deletion),
    });
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
        this.#reading?.note(operation);
        this.#drains.noteDone(operation);
        work.done.push(operation);
      } else {
        const errno = result?.errno ?? NO_ANSWER;
        refusals.push({ operation, reason: describeRefusal(operation, errno, result?.detail), errno });
      }
    }
    if (refusals.some(isOutcomeUnknown)) this.#forget();
    return refusals;
  }

  /** Nobody knows what the table holds. */
  #forget(): void {
    [this.#image, this.#reading] = [undefined, undefined];
  }
}
