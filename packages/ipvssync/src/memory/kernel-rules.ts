/**
 * What net/netfilter/ipvs/ip_vs_ctl.c refuses, in the order in which it looks.
 *
 * @module
 */
import { type Address, isMulticast } from '@surealived/shared/address';
import { SCHEDULERS } from '@surealived/shared/model';
import {
  type Destination,
  destinationKey,
  type Operation,
  type ServiceHead,
  type ServiceId,
  serviceKey,
} from '../ipvs/table.js';
import type { TableImage } from '../ipvs/table-image.js';

/** Schedulers that come with Linux 6; a kernel loads their modules on demand. */
const KNOWN_SCHEDULERS: ReadonlySet<string> = new Set([...SCHEDULERS, 'none']);
const PERSISTENCE_ENGINES: ReadonlySet<string> = new Set(['', 'sip']);

/**
 * The errno with which the kernel would refuse an operation, or `undefined` where it would carry it out.
 *
 * @param isSynchronised Whether a sync daemon runs.
 */
export function findRefusal(
  image: TableImage,
  operation: Operation,
  isSynchronised = false,
): string | undefined {
  const { service } = operation;
  const isThere = image.hasService(serviceKey(service));
  switch (operation.kind) {
    case 'addService':
      return isThere ? 'EEXIST' : refuseSettings(operation.service);
    case 'editService':
      return isThere ? refuseSettings(operation.service) : 'ESRCH';
    case 'deleteService':
      return isThere ? undefined : 'ESRCH';
    case 'addDestination':
    case 'editDestination':
    case 'deleteDestination':
      return isThere ? refuseDestination(image, operation, isSynchronised) : 'ESRCH';
  }
}

function refuseSettings({
  scheduler,
  persistenceEngine,
  persistencePrefix,
  address,
}: ServiceHead): string | undefined {
  if (!KNOWN_SCHEDULERS.has(scheduler) || !PERSISTENCE_ENGINES.has(persistenceEngine)) return 'ENOENT';
  if (address.family === 6 && (persistencePrefix < 1 || persistencePrefix > 128)) return 'EINVAL';
  return undefined;
}

function refuseDestination(
  image: TableImage,
  { kind, service, destination }: Extract<Operation, { destination: Destination }>,
  isSynchronised: boolean,
): string | undefined {
  const isThere = image.hasDestination(serviceKey(service), destinationKey(destination));
  if (kind === 'deleteDestination') return isThere ? undefined : 'ENOENT';
  if (isOtherFamily(service, destination) && (isSynchronised || destination.forwarding !== 'tun'))
    return 'EINVAL';
  const { weight, lowerThreshold, upperThreshold, tunnel } = destination;
  if (weight < 0 || lowerThreshold > upperThreshold) return 'ERANGE';
  if (tunnel.type === 'gue' && tunnel.port === 0) return 'EINVAL';
  if (kind === 'editDestination') return isThere ? undefined : 'ENOENT';
  if (isThere) return 'EEXIST';
  return isUnicast(destination.address) ? undefined : 'EINVAL';
}

/** Such a destination can be reached through a tunnel alone, and the synchronisation protocol cannot tell of it. */
function isOtherFamily(service: ServiceId, { address }: Destination): boolean {
  return address.family !== service.address.family;
}

/**
 * As inet_addr_type() and ipv6_addr_type() see it, on a machine without routes: not the unspecified address, multicast,
 * broadcast, link-local or IPv4-mapped.
 */
function isUnicast(address: Address): boolean {
  const { bytes } = address;
  if (isMulticast(address) || bytes.every((byte) => byte === 0)) return false;
  if (address.family === 4) return !bytes.every((byte) => byte === 255);
  const [first = 0, second = 0] = bytes;
  const isLinkLocal = first === 0xfe && (second & 0xc0) === 0x80;
  const isMapped =
    bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
  return !isLinkLocal && !isMapped;
}
