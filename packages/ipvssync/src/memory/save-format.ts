/**
 * The format of `ipvsadm --save --numeric`, which `ipvsadm --restore` reads. Here the writer.
 *
 * Unlike ipvsadm we write the thresholds (`-x`, `-y`) too, so that nothing is lost on the way.
 *
 * @module
 */
import { formatEndpoint, ipv4Mask } from '@surealived/shared/address';
import { fullPrefix } from '@surealived/shared/model';
import { schedulerFlagNames } from '../ipvs/scheduler-flags.js';
import type {
  Destination,
  DestinationTunnel,
  Forwarding,
  Service,
  ServiceHead,
  ServiceId,
  ServiceProtocol,
} from '../ipvs/table.js';

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

function formatServiceId({ protocol, address, port, fwmark }: ServiceId): string {
  const option = SERVICE_OPTIONS.get(protocol);
  if (protocol === 'fwmark') return `${option} ${fwmark}${address.family === 6 ? ' -6' : ''}`;
  return `${option} ${formatEndpoint(address, port)}`;
}

function formatSettings(service: ServiceHead): string {
  const { address, persistenceSec, persistencePrefix, persistenceEngine, onePacket } = service;
  const flags = schedulerFlagNames(service.scheduler, service.schedulerFlags).join(',');
  const persistence = persistenceSec > 0 ? ` -p ${persistenceSec}` : '';
  const isWhole = persistencePrefix === fullPrefix(address);
  const mask = isWhole
    ? ''
    : ` -M ${address.family === 4 ? ipv4Mask(persistencePrefix).text : persistencePrefix}`;
  const engine = persistenceEngine === '' ? '' : ` --pe ${persistenceEngine}`;
  return `${persistence}${mask}${engine}${onePacket ? ' -o' : ''}${flags === '' ? '' : ` -b ${flags}`}`;
}

function formatDestination(destination: Destination): string {
  const { address, port, forwarding, weight, upperThreshold, lowerThreshold, tunnel } = destination;
  const upper = upperThreshold > 0 ? ` -x ${upperThreshold}` : '';
  const lower = lowerThreshold > 0 ? ` -y ${lowerThreshold}` : '';
  const options = `-r ${formatEndpoint(address, port)} ${FORWARDING_OPTIONS.get(forwarding)} -w ${weight}`;
  return `${options}${upper}${lower}${forwarding === 'tun' ? formatTunnel(tunnel) : ''}`;
}

/** As ipvsadm 1.31, which says the type even where it is ipip. */
function formatTunnel({ type, port, flags }: DestinationTunnel): string {
  const portOption = type === 'gue' ? ` --tun-port ${port}` : '';
  return ` --tun-type ${type}${portOption}${type === 'ipip' ? '' : ` --tun-${flags}`}`;
}
