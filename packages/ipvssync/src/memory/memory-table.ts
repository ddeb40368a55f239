import type { RealId } from '@surealived/shared/model';
import type { OperationResult } from '../ipvs/operation-result.js';
import type { Settings } from '../ipvs/settings.js';
import {
  type DestinationConnections,
  type IpvsTable,
  type Operation,
  type Service,
  type ServiceId,
  type ServiceTraffic,
  serviceKey,
} from '../ipvs/table.js';
import { TableImage } from '../ipvs/table-image.js';
import { findRefusal } from './kernel-rules.js';
import { INITIAL_SETTINGS, MemorySettings } from './memory-settings.js';

const NO_TRAFFIC = { connections: 0, packetsIn: 0, packetsOut: 0, bytesIn: 0, bytesOut: 0 };

/**
 * An IPVS table in this process, for machines without IPVS or root. It refuses what the kernel refuses.
 *
 * With a file it outlives the process: see `openMemoryTable`.
 */
export class MemoryTable implements IpvsTable {
  readonly settings: MemorySettings;
  readonly #image: TableImage;
  readonly #save: () => Promise<void>;

  /** @param save Called after each `apply` that changed something. */
  constructor(
    services: readonly Service[] = [],
    save: (services: readonly Service[], settings: Settings) => Promise<void> = async () => {},
    settings: Settings = INITIAL_SETTINGS,
  ) {
    this.#image = new TableImage(services);
    this.#save = () => save(this.#image.services(), this.settings.current);
    const hasMixedFamilies = (): boolean => this.#image.services().some(hasForeignDestination);
    this.settings = new MemorySettings({ hasMixedFamilies, onChange: this.#save }, settings);
  }

  async read(): Promise<readonly Service[]> {
    return this.#image.services();
  }

  async *readParts(): AsyncIterable<readonly Service[]> {
    yield await this.read();
  }

  /** There is no traffic in memory. */
  async readConnections(service: ServiceId): Promise<readonly DestinationConnections[]> {
    const { destinations = [] } = this.#image.service(serviceKey(service)) ?? {};
    return destinations.map(withoutConnections);
  }

  async readTraffic(): Promise<readonly ServiceTraffic[]> {
    return this.#image.services().map(({ destinations, protocol, address, port, fwmark }) => ({
      service: { protocol, address, port, fwmark },
      totals: NO_TRAFFIC,
      perSecond: NO_TRAFFIC,
      destinations: destinations.map(withoutConnections),
    }));
  }

  async apply(operations: readonly Operation[]): Promise<readonly OperationResult[]> {
    const results = operations.map((operation) => this.#carryOut(operation));
    if (results.some(({ ok }) => ok)) await this.#save();
    return results;
  }

  close(): void {
    // Nothing is held between calls.
  }

  #carryOut(operation: Operation): OperationResult {
    const isSynchronised = this.settings.current.daemons.length > 0;
    const errno = findRefusal(this.#image, operation, isSynchronised);
    if (errno !== undefined) return { ok: false, errno };
    this.#image.apply(operation);
    return { ok: true };
  }
}

function withoutConnections({ address, port }: RealId): DestinationConnections {
  return { address, port, active: 0, inactive: 0, persistent: 0 };
}

function hasForeignDestination({ address, destinations }: Service): boolean {
  return destinations.some((destination) => destination.address.family !== address.family);
}
