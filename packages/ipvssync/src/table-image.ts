import {
  type Destination,
  destinationKey,
  type Operation,
  type Service,
  type ServiceHead,
  serviceKey,
} from './table.js';

interface Entry {
  head: ServiceHead;
  readonly destinations: Map<string, Destination>;
}

/**
 * A table in memory: what was read, and then every operation that was acknowledged. Knows no rules of its own.
 *
 * Operations are carried out when somebody looks: at the end of a single round, nobody does.
 */
export class TableImage {
  readonly #entries = new Map<string, Entry>();
  #pending: Operation[] = [];

  constructor(services: Iterable<Service> = []) {
    for (const service of services) {
      const destinations = service.destinations.map(
        (destination) => [destinationKey(destination), destination] as const,
      );
      this.#entries.set(serviceKey(service), { head: service, destinations: new Map(destinations) });
    }
  }

  /** The service of a key (see `serviceKey`) as it stands now. */
  service(key: string): Service | undefined {
    const entry = this.#current().get(key);
    return entry && { ...entry.head, destinations: [...entry.destinations.values()] };
  }

  /** All services, in the order they were added. */
  services(): Service[] {
    return [...this.#current().keys()].flatMap((key) => this.service(key) ?? []);
  }

  hasService(key: string): boolean {
    return this.#current().has(key);
  }

  hasDestination(serviceKey: string, destinationKey: string): boolean {
    return this.#current().get(serviceKey)?.destinations.has(destinationKey) ?? false;
  }

  /** Whether any destination of the service takes new connections. */
  canServe(key: string): boolean {
    for (const { weight } of this.#current().get(key)?.destinations.values() ?? [])
      if (weight > 0) return true;
    return false;
  }

  /** Carries out an operation. Of a destination whose service is not there nothing stays. */
  apply(operation: Operation): void {
    this.#pending.push(operation);
  }

  #current(): ReadonlyMap<string, Entry> {
    if (this.#pending.length > 0) {
      const pending = this.#pending;
      this.#pending = [];
      for (const operation of pending) this.#carryOut(operation);
    }
    return this.#entries;
  }

  #carryOut(operation: Operation): void {
    const key = serviceKey(operation.service);
    switch (operation.kind) {
      case 'addService':
      case 'editService':
        this.#setHead(key, operation.service);
        return;
      case 'deleteService':
        this.#entries.delete(key);
        return;
      case 'addDestination':
      case 'editDestination':
        this.#entries
          .get(key)
          ?.destinations.set(destinationKey(operation.destination), operation.destination);
        return;
      case 'deleteDestination':
        this.#entries.get(key)?.destinations.delete(destinationKey(operation.destination));
    }
  }

  #setHead(key: string, head: ServiceHead): void {
    const entry = this.#entries.get(key);
    if (entry) entry.head = head;
    else this.#entries.set(key, { head, destinations: new Map() });
  }
}
