import type { Clock } from '@surealived/shared/clock';
import { type IpvsTable, type Operation, type Service, serviceKey } from '../ipvs/table.js';
import { TableImage } from '../ipvs/table-image.js';
import { isSameService } from '../plan/plan.js';

/**
 * A reading of the whole table in parts, between which we write: what was written then is in it.
 *
 * What is as remembered stays the object that it was: a large table read again and again would make work for the collector.
 */
export class GradualReading {
  readonly #parts: AsyncIterator<readonly Service[]>;
  readonly #clock: Clock;
  readonly #remembered: TableImage | undefined;
  readonly #found = new TableImage();
  /** Of services that were not read yet, the last of each, by `serviceKey`. */
  readonly #edits = new Map<string, Operation>();
  #isWhole = false;

  constructor(table: IpvsTable, clock: Clock, remembered?: TableImage) {
    this.#parts = table.readParts()[Symbol.asyncIterator]();
    this.#clock = clock;
    this.#remembered = remembered;
  }

  /** Reads on, for about `limitMs`. @throws SureAliveError where the table cannot be read: then this is of no use any more. */
  async readOn(limitMs: number): Promise<void> {
    const untilMs = this.#clock.nowMs() + limitMs;
    while (!this.#isWhole) {
      const { done = false, value } = await this.#parts.next();
      if (done) this.#isWhole = true;
      else for (const service of value) this.#take(service);
      if (this.#clock.nowMs() >= untilMs) return;
    }
  }

  /** Takes over what was written. Of a service that has not been read yet, the destinations will be read as they are then. */
  note(operation: Operation): void {
    const key = serviceKey(operation.service);
    if (this.#found.hasService(key) || operation.kind === 'addService') this.#found.apply(operation);
    else if (operation.kind === 'editService') this.#edits.set(key, operation);
  }

  #take(service: Service): void {
    this.#found.put(this.#recognise(service));
    const edit = this.#edits.get(serviceKey(service));
    if (edit) this.#found.apply(edit);
  }

  #recognise(service: Service): Service {
    const known = this.#remembered?.service(serviceKey(service));
    return known && isSameService(service, known) ? known : service;
  }

  /** The table; `undefined` while parts of it are missing. */
  get services(): readonly Service[] | undefined {
    return this.#isWhole ? this.#found.services() : undefined;
  }

  get isWhole(): boolean {
    return this.#isWhole;
  }
}
