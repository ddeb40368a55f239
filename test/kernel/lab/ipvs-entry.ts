/** One real server of a virtual service, as the kernel has it. */
export interface IpvsReal {
  readonly address: string;
  readonly port: number;
  /** Packet forwarding method: `direct` is direct routing (ipvsadm -g). */
  readonly forwarding: 'masq' | 'direct' | 'tunnel' | 'local';
  readonly weight: number;
  /** Absent where the source does not tell (`ipvsadm -Sn`). */
  readonly activeConnections?: number;
  readonly inactiveConnections?: number;
}

/** One virtual service; of a firewall mark service, `fwmark` is set and address and port are empty. */
export interface IpvsService {
  readonly protocol: 'tcp' | 'udp' | 'sctp' | 'fwmark';
  readonly address: string;
  readonly port: number;
  readonly fwmark?: number;
  readonly scheduler: string;
  /** What follows the scheduler, word by word, as the source writes it (`persistent`, `300`, `ops`). */
  readonly flags: readonly string[];
  readonly reals: readonly IpvsReal[];
}

/** Short name of a service for keys and messages: `tcp 10.0.1.100:80`, `tcp [fd00::1]:80`, `fwmark 7`. */
export function serviceName({ protocol, fwmark, address, port }: IpvsService): string {
  return protocol === 'fwmark' ? `fwmark ${fwmark}` : `${protocol} ${joinAddress(address, port)}`;
}

export function joinAddress(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/**
 * Puts services and reals in the order of their names.
 *
 * The kernel lists services by hash and reals by age, both of no meaning to a test.
 */
export function sortTable(services: readonly IpvsService[]): IpvsService[] {
  const endpoint = ({ address, port }: IpvsReal): string => joinAddress(address, port);
  return services
    .map((service) => ({ ...service, reals: [...service.reals].sort(byText(endpoint)) }))
    .sort(byText(serviceName));
}

function byText<T>(text: (item: T) => string): (a: T, b: T) => number {
  return (a, b) => (text(a) < text(b) ? -1 : 1);
}

/** Splits `10.0.1.100:80` or `[fd00::1]:80`. */
export function splitAddress(text: string): { address: string; port: number } {
  const colon = text.lastIndexOf(':');
  return { address: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
}

/** Weights by service and real, in the words of `serviceName` and `joinAddress`. */
export type Weights = Readonly<Record<string, Readonly<Record<string, number>>>>;

export function weightsOf(table: readonly IpvsService[]): Weights {
  const reals = (service: IpvsService): Record<string, number> =>
    Object.fromEntries(
      service.reals.map(({ address, port, weight }) => [joinAddress(address, port), weight]),
    );
  return Object.fromEntries(table.map((service) => [serviceName(service), reals(service)]));
}
