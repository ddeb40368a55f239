import {
  type DesiredService,
  type Destination,
  type DestinationConnections,
  describeReal,
  destinationKey,
  type Operation,
  type Service,
  type ServiceId,
  serviceKey,
} from '../ipvs/table.js';
import type { TableImage } from '../ipvs/table-image.js';

/** From one look at what drains to the next. */
const LOOK_INTERVAL_MS = 1000;
/** Services looked at in one go, a few milliseconds of the kernel's time. */
const LOOK_SERVICES = 100;
/** From one look to the next where there are more services than that, and at least. */
const NEXT_TURN_MS = 100;

/** A destination that leaves its service slowly, as it stands in the table. */
export interface Drain {
  readonly service: DesiredService;
  readonly destination: Destination;
  /** When it was first seen at weight 0, monotonic. */
  readonly sinceMs: number;
  /** How long it may stay. */
  readonly timeoutSec: number;
  /** Established ones and others, at the last look; `undefined` before the first. */
  readonly connections: number | undefined;
  /** It has no connection any more, or its time is up: it may go. */
  readonly isOver: boolean;
  /** It counted as a deletion when it was set to weight 0: its end is none then. */
  readonly isCounted: boolean;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
/** By `destinationKey`. */
type ServiceDrains = Map<string, Mutable<Drain>>;

/**
 * Which destinations drain: not wanted any more, but kept at weight 0 until they have no connection, or
 * `drainTimeoutSec` of their service has passed.
 *
 * What is found at weight 0 drains from then on: nobody knows for how long it has.
 */
export class Drains {
  /** By `serviceKey`; those looked at last are at the end. */
  #services = new Map<string, ServiceDrains>();
  #lookedAtMs = 0;
  /** What was set to weight 0 since the last update, by `describeReal`. */
  readonly #begun = new Set<string>();

  /** All that are there, also those that are over and not deleted yet. */
  all(): readonly Drain[] {
    return [...this.#services.values()].flatMap((drains) => [...drains.values()]);
  }

  /** When to look, monotonic: now and then, and when the time of one is up; infinite while nothing drains. */
  get lookAtMs(): number {
    const services = this.#waiting().length;
    if (services === 0) return Number.POSITIVE_INFINITY;
    const soonestMs = this.#lookedAtMs + NEXT_TURN_MS;
    if (services > LOOK_SERVICES) return soonestMs;
    let lookAtMs = this.#lookedAtMs + LOOK_INTERVAL_MS;
    for (const { isOver, sinceMs, timeoutSec } of this.all())
      if (!isOver) lookAtMs = Math.min(lookAtMs, sinceMs + timeoutSec * 1000);
    return Math.max(soonestMs, lookAtMs);
  }

  /** Whether a destination that is not wanted has to stay for now, at weight 0. */
  holds(service: DesiredService, destination: Destination): boolean {
    return canDrain(service) && this.#find(service, destination)?.isOver !== true;
  }

  /** Whether a deletion is the end of a drain that was counted when it began. */
  wasCounted(deletion: Operation): boolean {
    if (deletion.kind !== 'deleteDestination') return false;
    const drain = this.#find(deletion.service, deletion.destination);
    return drain?.isOver === true && drain.isCounted;
  }

  /** Takes note of what was carried out, and may have begun a drain. */
  noteDone(operation: Operation): void {
    if (operation.kind === 'editDestination' && operation.isDrain)
      this.#begun.add(describeReal(operation.service, operation.destination));
  }

  /**
   * Takes over what a round left in the table.
   *
   * @param desired The services that the round was about.
   * @param isWhole Whether there are no others.
   */
  update(desired: readonly DesiredService[], image: TableImage, isWhole: boolean, nowMs: number): void {
    if (this.#waiting().length === 0) this.#lookedAtMs = nowMs;
    const before = this.#services;
    if (isWhole) this.#services = new Map();
    for (const service of desired) {
      const key = serviceKey(service);
      const actual = canDrain(service) ? image.service(key) : undefined; // looking at the image costs time
      const drains = this.#findDrains(service, actual, before.get(key), nowMs);
      if (drains.size > 0) this.#services.set(key, drains);
      else this.#services.delete(key);
    }
    this.#begun.clear();
  }

  /** What drains of a service now, with what is known of it. */
  #findDrains(
    service: DesiredService,
    actual: Service | undefined,
    known: ServiceDrains | undefined,
    nowMs: number,
  ): ServiceDrains {
    const drains: ServiceDrains = new Map();
    const timeoutSec = drainTimeoutOf(service);
    for (const destination of findDraining(service, actual)) {
      const name = destinationKey(destination);
      const before = known?.get(name);
      const { sinceMs = nowMs, connections, isOver = false } = before ?? {};
      const isCounted = before?.isCounted || this.#begun.has(describeReal(service, destination));
      drains.set(name, { service, destination, sinceMs, timeoutSec, connections, isOver, isCounted });
    }
    return drains;
  }

  /** The services whose connections are to be counted in a look that is made now: some of them, or all. */
  startLook(nowMs: number, isWhole = false): readonly DesiredService[] {
    this.#lookedAtMs = nowMs;
    return this.#waiting().slice(0, isWhole ? undefined : LOOK_SERVICES);
  }

  /** Takes the connections of a service. @returns The drains that are over by that. */
  count(service: ServiceId, connections: readonly DestinationConnections[], nowMs: number): readonly Drain[] {
    const key = serviceKey(service);
    const drains = this.#services.get(key);
    if (!drains) return [];
    this.#services.delete(key);
    this.#services.set(key, drains);
    const counted = new Map(
      connections.map((one) => [destinationKey(one), one.active + one.inactive] as const),
    );
    const ended: Drain[] = [];
    for (const [name, drain] of drains) {
      drain.connections = counted.get(name) ?? 0;
      const isTimeUp = nowMs - drain.sinceMs >= drain.timeoutSec * 1000;
      if (drain.isOver || !(drain.connections === 0 || isTimeUp)) continue;
      drain.isOver = true;
      ended.push(drain);
    }
    return ended;
  }

  #find(service: ServiceId, destination: Destination): Drain | undefined {
    return this.#services.get(serviceKey(service))?.get(destinationKey(destination));
  }

  #waiting(): readonly DesiredService[] {
    return [...this.#services.values()].flatMap(
      (drains) => [...drains.values()].find(({ isOver }) => !isOver)?.service ?? [],
    );
  }
}

/** What is in the table at weight 0 though it is not wanted, of a service that drains. Pure. */
export function findDraining(desired: DesiredService, actual: Service | undefined): readonly Destination[] {
  if (!canDrain(desired) || !actual) return [];
  const wanted = new Set(desired.destinations.map(destinationKey));
  return actual.destinations.filter(
    (destination) => destination.weight === 0 && !wanted.has(destinationKey(destination)),
  );
}

/** Of some services, those that drains are of. */
export function servicesOf(
  drains: readonly Drain[],
  all: readonly DesiredService[],
): readonly DesiredService[] {
  const keys = new Set(drains.map(({ service }) => serviceKey(service)));
  return all.filter((service) => keys.has(serviceKey(service)));
}

/** `draining: tcp 10.0.0.1:80 real 10.0.0.11:80` */
export function describeDrain({ service, destination }: Pick<Drain, 'service' | 'destination'>): string {
  return `draining: ${describeReal(service, destination)}`;
}

function canDrain(service: DesiredService): boolean {
  return drainTimeoutOf(service) > 0;
}

function drainTimeoutOf({ drainTimeoutSec = 0 }: DesiredService): number {
  return drainTimeoutSec;
}
