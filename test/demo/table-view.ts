import { formatEndpoint } from '@surealived/shared/address';
import type { Destination, Service } from 'ipvssync/ipvs/table';

const FORWARDING_NAMES: Record<string, string> = { dr: 'Route', masq: 'Masq', tun: 'Tunnel', local: 'Local' };

/** The table as `ipvsadm -Ln` lays it out, less the connection counters, which a table in memory does not have. */
export function formatTable(services: readonly Service[]): string {
  const lines = [
    'Prot LocalAddress:Port Scheduler Flags',
    '  -> RemoteAddress:Port           Forward Weight',
  ];
  for (const service of services) {
    lines.push(formatService(service));
    lines.push(...service.destinations.map(formatDestination));
  }
  return lines.join('\n');
}

function formatService({
  protocol,
  address,
  port,
  fwmark,
  scheduler,
  persistenceSec,
  onePacket,
}: Service): string {
  const name =
    protocol === 'fwmark'
      ? `FWM  ${fwmark}${address.family === 6 ? ' IPv6' : ''}`
      : `${protocol.toUpperCase().padEnd(4)} ${formatEndpoint(address, port)}`;
  const persistence = persistenceSec > 0 ? ` persistent ${persistenceSec}` : '';
  return `${name} ${scheduler}${persistence}${onePacket ? ' ops' : ''}`;
}

function formatDestination({ address, port, forwarding, weight }: Destination): string {
  const method = FORWARDING_NAMES[forwarding] ?? forwarding;
  return `  -> ${formatEndpoint(address, port).padEnd(28)} ${method.padEnd(7)} ${weight}`;
}
