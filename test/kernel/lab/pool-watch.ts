import { describeService, type Service, type ServiceId, serviceKey } from 'ipvssync/ipvs/table';

/** What a tester knows of one virtual that has somebody to serve it. */
export interface Pool {
  readonly service: ServiceId;
  /**
   * The least weight that was given since then. Weights count up over all reals, so one that is not lower tells that the
   * table has arrived in this time.
   */
  readonly servedSince: number;
  /** Whether it has been so since the virtual came to be. */
  readonly isFromBirth: boolean;
}

/**
 * Judges samples of a table that follows the tester late, but never back: once a virtual is seen to have a real with a
 * weight of the time in which it is served, it must have one until that time is over. One that was served from its birth
 * must have one whenever it is there. Of any other nothing is known: the table may still be in an earlier time.
 */
export class PoolWatch {
  /** The time in which each service was last seen to have arrived, as `servedSince`. */
  readonly #arrived = new Map<string, number>();
  /** The greatest weight that was seen of each real. */
  readonly #newest = new Map<string, number>();
  /** How many pools were judged. */
  judged = 0;

  /**
   * @param table What the kernel holds at a moment. Each service may be of a moment of its own.
   * @param pools Of the virtuals that are served at that moment.
   * @throws Error with what is wrong.
   */
  sample(table: readonly Service[], pools: readonly Pool[]): void {
    const services = new Map(table.map((service) => [serviceKey(service), service]));
    for (const service of table) this.#refuseRegress(service);
    for (const pool of pools) this.#judge(pool, services.get(serviceKey(pool.service)));
  }

  #judge({ service, servedSince, isFromBirth }: Pool, found: Service | undefined): void {
    const key = serviceKey(service);
    const weights = found?.destinations.map(({ weight }) => weight) ?? [];
    const mustServe = this.#arrived.get(key) === servedSince || (found !== undefined && isFromBirth);
    if (mustServe) {
      this.judged++;
      if (!weights.some((weight) => weight > 0))
        throw new Error(
          `nobody serves ${describeService(service)}, which had online reals since weight ${servedSince}: ${describe(found)}`,
        );
    }
    if (mustServe || weights.some((weight) => weight >= servedSince)) this.#arrived.set(key, servedSince);
  }

  #refuseRegress(service: Service): void {
    for (const { address, port, weight } of service.destinations) {
      const name = `${describeService(service)} real ${address.text}:${port}`;
      const newest = this.#newest.get(name) ?? 0;
      if (weight > 0 && weight < newest)
        throw new Error(`${name}: weight ${weight} is back, after ${newest} was there`);
      this.#newest.set(name, Math.max(weight, newest));
    }
  }
}

function describe(service: Service | undefined): string {
  if (!service) return 'it is not there';
  const reals = service.destinations.map(({ address, port, weight }) => `${address.text}:${port}=${weight}`);
  return reals.length === 0 ? 'it has no reals' : reals.join(' ');
}
