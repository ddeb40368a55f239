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
 * Operations are carried out when somebody looks: at the end of a single round, nobody does. So are services taken apart:
 * most are never changed.
 */
export class TableImage {
  readonly #services = new Map<string, Service | Entry>();
  #pending: Operation[] = [];

  constructor(services: Iterable<Service> = []) {
    for (const service of services) this.put(service);
  }

  /** Adds a service, in place of one that is there under its key. */
  put(service: Service): void {
    this.#current();
    this.#services.set(serviceKey(service), service);
  }

  /** The service of a key (see `serviceKey`) as it stands now. */
  service(key: string): Service | undefined {
    const found = this.#current().get(key);
    if (!found || !isEntry(found)) return found;
    return { ...found.head, destinations: [...found.destinations.values()] };
  }

  /** All services, in the order they were added. */
  services(): Service[] {
    return [...this.#current().keys()].flatMap((key) => this.service(key) ?? []);
  }

  hasService(key: string): boolean {
    return this.#current().has(key);
  }

  hasDestination(serviceKey: string, destinationKey: string): boolean {
    return (
      this.#current().has(serviceKey) && this.#entry(serviceKey)?.destinations.has(destinationKey) === true
    );
  }

  /** Whether any destination of the service takes new connections. */
  canServe(key: string): boolean {
    return this.service(key)?.destinations.some(({ weight }) => weight > 0) === true;
  }

  /** Carries out an operation. Of a destination whose service is not there nothing stays. */
  apply(operation: Operation): void {
    this.#pending.push(operation);
  }

  #current(): ReadonlyMap<string, Service | Entry> {
    if (this.#pending.length > 0) {
      const pending = this.#pending;
      this.#pending = [];
      for (const operation of pending) this.#carryOut(operation);
    }
    return this.#services;
  }

  #carryOut(operation: Operation): void {
    const key = serviceKey(operation.service);
    switch (operation.kind) {
      case 'addService':
      case 'editService':
        this.#setHead(key, operation.service);
        return;
      case 'deleteService':
        this.#services.delete(key);
        return;
      case 'addDestination':
      case 'editDestination':
        this.#entry(key)?.destinations.set(destinationKey(operation.destination), operation.destination);
        return;
      case 'deleteDestination':
        this.#entry(key)?.destinations.delete(destinationKey(operation.destination));
    }
  }

  #setHead(key: string, head: ServiceHead): void {
    const entry = this.#entry(key);
    if (entry) entry.head = head;
    else this.#services.set(key, { head, destinations: new Map() });
  }

  /** A service in the form in which it can be changed. */
  #entry(key: string): Entry | undefined {
    const found = this.#services.get(key);
    if (!found || isEntry(found)) return found;
    const destinations = found.destinations.map(
      (destination) => [destinationKey(destination), destination] as const,
    );
    const entry = { head: found, destinations: new Map(destinations) };
    this.#services.set(key, entry);
    return entry;
  }
}

function isEntry(found: Service | Entry): found is Entry {
  return 'head' in found;
}
