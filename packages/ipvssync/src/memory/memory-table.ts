import type { IpvsTable, Operation, OperationResult, Service } from '../table.js';
import { TableImage } from '../table-image.js';
import { findRefusal } from './kernel-rules.js';

/**
 * An IPVS table in this process, for machines without IPVS or root. It refuses what the kernel refuses.
 *
 * With a file it outlives the process: see `openMemoryTable`.
 */
export class MemoryTable implements IpvsTable {
  readonly #image: TableImage;
  readonly #save: (services: readonly Service[]) => Promise<void>;

  /** @param save Called after each `apply` that changed something. */
  constructor(
    services: readonly Service[] = [],
    save: (services: readonly Service[]) => Promise<void> = async () => {},
  ) {
    this.#image = new TableImage(services);
    this.#save = save;
  }

  async read(): Promise<readonly Service[]> {
    return this.#image.services();
  }

  async apply(operations: readonly Operation[]): Promise<readonly OperationResult[]> {
    const results = operations.map((operation) => this.#carryOut(operation));
    if (results.some(({ ok }) => ok)) await this.#save(this.#image.services());
    return results;
  }

  close(): void {
    // Nothing is held between calls.
  }

  #carryOut(operation: Operation): OperationResult {
    const errno = findRefusal(this.#image, operation);
    if (errno !== undefined) return { ok: false, errno };
    this.#image.apply(operation);
    return { ok: true };
  }
}
