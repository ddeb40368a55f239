/**
 * The format of `ipvsadm --save --numeric`, which `ipvsadm --restore` reads. Here the writer.
 *
 * Unlike ipvsadm we write the thresholds (`-x`, `-y`) too, so that nothing is lost on the way.
 *
 * @module
 */
import { addressFromBytes, formatEndpoint } from '@surealived/shared/address';
import {
  type Destination,
  type Forwarding,
  fullPrefix,
  type Service,
  type ServiceHead,
  type ServiceId,
  type ServiceProtocol,
} from '../table.js';

/** The option that names a service of each protocol. */
export const SERVICE_OPTIONS: ReadonlyMap<ServiceProtocol, string> = new Map([
  ['tcp', '-t'],
  ['udp', '-u'],
  ['sctp', '--sctp-service'],
  ['fwmark', '-f'],
]);

/** The option of each forwarding method. */
export const FORWARDING_OPTIONS: ReadonlyMap<Forwarding, string> = new Map([
  ['dr', '-g'],
  ['masq', '-m'],
  ['tun', '-i'],
]);

/** The table as text: each service (`-A`), followed by its destinations (`-a`). */
export function formatTable(services: Iterable<Service>): string {
  const lines: string[] = [];
  for (const service of services) {
    const name = formatServiceId(service);
    lines.push(`-A ${name} -s ${service.scheduler}${formatSettings(service)}\n`);
    for (const destination of service.destinations)
      lines.push(`-a ${name} ${formatDestination(destination)}\n`);
  }
  return lines.join('');
}

/** The address with the first `prefix` bits set: 255.255.255.0 for 24. */
export function ipv4Mask(prefix: number): string {
  const mask = Buffer.alloc(4);
  mask.writeUInt32BE(prefix === 0 ? 0 : (-1 << (32 - prefix)) >>> 0);
  return addressFromBytes(4, mask).text;
}

function formatServiceId({ protocol, address, port, fwmark }: ServiceId): string {
  const option = SERVICE_OPTIONS.get(protocol);
  if (protocol === 'fwmark') return `${option} ${fwmark}${address.family === 6 ? ' -6' : ''}`;
  return `${option} ${formatEndpoint(address, port)}`;
}

function formatSettings(service: ServiceHead): string {
  const { address, persistenceSec, persistencePrefix, persistenceEngine, onePacket } = service;
  const persistence = persistenceSec > 0 ? ` -p ${persistenceSec}` : '';
  const isWhole = persistencePrefix === fullPrefix(address);
  const mask = isWhole ? '' : ` -M ${address.family === 4 ? ipv4Mask(persistencePrefix) : persistencePrefix}`;
  const engine = persistenceEngine === '' ? '' : ` --pe ${persistenceEngine}`;
  return `${persistence}${mask}${engine}${onePacket ? ' -o' : ''}`;
}

function formatDestination(destination: Destination): string {
  const { address, port, forwarding, weight, upperThreshold, lowerThreshold } = destination;
  const upper = upperThreshold > 0 ? ` -x ${upperThreshold}` : '';
  const lower = lowerThreshold > 0 ? ` -y ${lowerThreshold}` : '';
  return `-r ${formatEndpoint(address, port)} ${FORWARDING_OPTIONS.get(forwarding)} -w ${weight}${upper}${lower}`;
}
