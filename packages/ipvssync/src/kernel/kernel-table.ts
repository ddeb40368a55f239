import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Family } from '@surealived/shared/address';
import { errnoName } from '@surealived/shared/libc';
import type { OperationResult } from '../ipvs/operation-result.js';
import type {
  DestinationConnections,
  IpvsTable,
  Operation,
  Service,
  ServiceId,
  ServiceTraffic,
} from '../ipvs/table.js';
import { describeService, serviceKey } from '../ipvs/table.js';
import type { Attr } from '../wire/attr-reader.js';
import { KernelProtocolError, KernelRefusedError, KernelUnavailableError } from '../wire/errors.js';
import { findGenlAttribute, type NetlinkMessage } from '../wire/genl.js';
import {
  destinationsRequest,
  IPVS_CMD_ATTR_DEST,
  IPVS_CMD_ATTR_SERVICE,
  IPVS_GENL_NAME,
  infoRequest,
  operationRequest,
  readDestination,
  readDestinationConnections,
  readService,
  readServiceTraffic,
  servicesRequest,
} from '../wire/ipvs.js';
import { GenlClient } from './genl-client.js';
import { KernelSettings } from './kernel-settings.js';
import { applyWithModules, type ModuleLoader } from './modules.js';
import type { Transport } from './transport.js';

/** About as many destinations are read in one go, and so many services; a millisecond or two. */
const TURN_DESTINATIONS = 100;
const TURN_SERVICES = 16;

/** The IPVS table of the network namespace that the process runs in. */
export class KernelTable implements IpvsTable {
  readonly settings: KernelSettings;
  readonly #client: GenlClient;
  readonly #family: number;
  readonly #modules: ModuleLoader;

  private constructor(client: GenlClient, family: number, modules: ModuleLoader) {
    this.#client = client;
    this.#family = family;
    this.settings = new KernelSettings(client, family);
    this.#modules = modules;
  }

  /** @throws KernelUnavailableError where the kernel has no IPVS, or the process lacks CAP_NET_ADMIN. */
  static open(transport: Transport, modules: ModuleLoader): KernelTable {
    const client = new GenlClient(transport);
    try {
      const family = client.resolveFamily(IPVS_GENL_NAME);
      if (family === undefined)
        throw new KernelUnavailableError('the kernel has no IPVS: load it with "modprobe ip_vs"');
      client.request(infoRequest(family), () => undefined, 'ask for the version of IPVS');
      return new KernelTable(client, family, modules);
    } catch (error) {
      client.close();
      throw explainOpening(error);
    }
  }

  async read(): Promise<readonly Service[]> {
    const all: Service[] = [];
    for await (const part of this.readParts()) all.push(...part);
    return all;
  }

  async *readParts(): AsyncIterable<readonly Service[]> {
    const read = (object: NetlinkMessage) => readService(nestOf(object, IPVS_CMD_ATTR_SERVICE));
    const heads = this.#client.dump(servicesRequest(this.#family), read, 'list services');
    yield [];
    let part: Service[] = [];
    let destinationCount = 0;
    for (const head of heads) {
      const destinations = this.#dumpDestinations(head, readDestination);
      if (!destinations) continue;
      part.push({ ...head, destinations });
      destinationCount += destinations.length;
      if (part.length < TURN_SERVICES && destinationCount < TURN_DESTINATIONS) continue;
      yield part;
      part = [];
      destinationCount = 0;
    }
    yield part;
  }

  async readConnections(service: ServiceId): Promise<readonly DestinationConnections[]> {
    return this.#dumpDestinations(service, readDestinationConnections) ?? [];
  }

  /** Each exchange with the kernel is over before anything else can happen in the process, so that none overlap. */
  async readTraffic(): Promise<readonly ServiceTraffic[]> {
    // the dump is one exchange: what it says is read afterwards, since that takes longer than the dump
    const copy = (object: NetlinkMessage) => nestOf(object, IPVS_CMD_ATTR_SERVICE).copy();
    const all: ServiceTraffic[] = [];
    let untilTurn = TURN_DESTINATIONS;
    for (const nest of this.#client.dump(servicesRequest(this.#family), copy, 'list services')) {
      if (untilTurn <= 0) {
        await nextTurn();
        untilTurn = TURN_DESTINATIONS;
      }
      const traffic = readServiceTraffic(nest);
      const destinations = this.#dumpDestinations(traffic.service, readDestinationConnections);
      if (destinations) all.push({ ...traffic, destinations });
      untilTurn -= 1 + (destinations?.length ?? 0);
    }
    return all;
  }

  async apply(operations: readonly Operation[]): Promise<readonly OperationResult[]> {
    return applyWithModules(operations, (some) => this.#write(some), this.#modules);
  }

  close(): void {
    this.#client.close();
  }

  #write(operations: readonly Operation[]): OperationResult[] {
    const toRequest = (operation: Operation) => operationRequest(this.#family, operation);
    const mayBegin = (index: number): boolean => !isAboutToServe(operations, index);
    const errnos = this.#client.batch(operations, toRequest, `write ${operations.length} changes`, mayBegin);
    return errnos.map((errno) => (errno === 0 ? { ok: true } : { ok: false, errno: errnoName(errno) }));
  }

  /** The kernel dumps the destinations of one service at a time. @returns `undefined` where the service is gone. */
  #dumpDestinations<T>(service: ServiceId, of: (nest: Attr, family: Family) => T): T[] | undefined {
    const read = (object: NetlinkMessage) => of(nestOf(object, IPVS_CMD_ATTR_DEST), service.address.family);
    const request = destinationsRequest(this.#family, service);
    try {
      return this.#client.dump(request, read, `list reals of ${describeService(service)}`);
    } catch (error) {
      // somebody deleted the service since it was listed
      if (error instanceof KernelRefusedError && error.errno === 'ESRCH') return undefined;
      throw error;
    }
  }
}

/**
 * Whether an operation adds to a service which was made just before and has nothing to serve with yet. The kernel carries
 * out a send in one go: a service that is made in one and filled in another would stay empty if this process were killed
 * between them.
 */
function isAboutToServe(operations: readonly Operation[], index: number): boolean {
  if (operations[index]?.kind !== 'addDestination') return false;
  const key = serviceKey(operations[index].service);
  for (let i = index - 1; i >= 0; i--) {
    const before = operations[i];
    if (!before || serviceKey(before.service) !== key) return false;
    if (before.kind === 'addService') return true;
    if (before.kind !== 'addDestination' || before.destination.weight > 0) return false;
  }
  return false;
}

function nestOf(message: NetlinkMessage, type: number): Attr {
  const attr = findGenlAttribute(message, type);
  if (attr) return attr;
  throw new KernelProtocolError(`attribute ${type} is missing in an answer of IPVS`);
}

function explainOpening(error: unknown): unknown {
  if (!(error instanceof KernelRefusedError && error.errno === 'EPERM')) return error;
  return new KernelUnavailableError('IPVS needs CAP_NET_ADMIN: run as root or grant the capability', {
    cause: error,
  });
}
