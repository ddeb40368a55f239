import { addressFromBytes, parseAddress, unspecifiedAddress } from '@surealived/shared/address';
import {
  findTunnelFault,
  IPIP,
  MAX_FWMARK,
  MAX_THRESHOLD,
  MAX_WEIGHT,
  TUNNEL_FLAGS,
  TUNNEL_TYPES,
} from '@surealived/shared/model';
import fc from 'fast-check';
import { type Destination, destinationKey, type Service, type ServiceHead, serviceKey } from './table.js';

/** A service in few words: `service('tcp 10.0.0.1:80', { scheduler: 'rr' }, ['10.0.0.11:80', 5])`. */
export function service(
  name: string,
  settings: Partial<ServiceHead> = {},
  ...reals: readonly (readonly [endpoint: string, weight: number, rest?: Partial<Destination>])[]
): Service {
  const [protocol = '', where = ''] = name.split(' ');
  const id =
    protocol === 'fwmark'
      ? { address: unspecifiedAddress(name.endsWith(' IPv6') ? 6 : 4), port: 0, fwmark: Number(where) }
      : { ...endpoint(where), fwmark: 0 };
  const head: ServiceHead = {
    protocol: protocol as ServiceHead['protocol'],
    ...id,
    scheduler: 'wrr',
    schedulerFlags: 0,
    persistenceSec: 0,
    persistencePrefix: id.address.family === 4 ? 32 : 128,
    persistenceEngine: '',
    onePacket: false,
    ...settings,
  };
  const destinations = reals.map(([where, weight, rest]) => destination(where, weight, rest));
  return { ...head, destinations };
}

/** `destination('10.0.0.11:80', 5)`: dr, without thresholds. */
export function destination(where: string, weight: number, rest: Partial<Destination> = {}): Destination {
  return {
    ...endpoint(where),
    forwarding: 'dr',
    tunnel: IPIP,
    weight,
    lowerThreshold: 0,
    upperThreshold: 0,
    ...rest,
  };
}

function endpoint(text: string): Pick<Destination, 'address' | 'port'> {
  const [, host = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(text) ?? [];
  const address = parseAddress(host);
  if (!address) throw new Error(`no endpoint: ${text}`);
  return { address, port: Number(port) };
}

/** Addresses out of a few, so that tables overlap; both may be services and destinations. */
const address4 = fc
  .integer({ min: 1, max: 6 })
  .map((last) => addressFromBytes(4, Uint8Array.of(10, 0, 0, last)));
const address6 = fc.integer({ min: 1, max: 6 }).map((last) =>
  addressFromBytes(
    6,
    Uint8Array.from({ length: 16 }, (_, i) => (i === 0 ? 0xfd : i === 15 ? last : 0)),
  ),
);
const address = fc.oneof(address4, address6);
const port = fc.constantFrom(0, 80, 443, 65_535);
const weight = fc.oneof(fc.constantFrom(0, 1), fc.integer({ min: 0, max: MAX_WEIGHT }));
const thresholds = fc
  .tuple(fc.constantFrom(0, 1, 50, MAX_THRESHOLD), fc.constantFrom(0, 1, 50, MAX_THRESHOLD))
  .map(([a, b]) => ({ lowerThreshold: Math.min(a, b), upperThreshold: Math.max(a, b) }));

const tunnel = fc
  .record({
    type: fc.constantFrom(...TUNNEL_TYPES),
    port: fc.constantFrom(0, 6080, 65_535),
    flags: fc.constantFrom(...TUNNEL_FLAGS),
  })
  .filter((any) => findTunnelFault(any) === undefined);

/** Any destination that the kernel takes for a service of this family. */
function arbitraryDestination(family: 4 | 6): fc.Arbitrary<Destination> {
  return fc
    .tuple(address, port, weight, thresholds, fc.constantFrom('dr', 'masq', 'tun'), tunnel)
    .map(([address, port, weight, limits, method, wrapped]): Destination => {
      const forwarding = address.family === family ? method : 'tun';
      const tunnel = forwarding === 'tun' ? wrapped : IPIP;
      return { address, port, weight, ...limits, forwarding, tunnel };
    });
}

const identity = fc.oneof(
  fc
    .tuple(fc.constantFrom('tcp', 'udp', 'sctp'), address, port)
    .map(([protocol, address, port]) => ({ protocol, address, port, fwmark: 0 })),
  fc.tuple(fc.constantFrom(4, 6), fc.constantFrom(1, 7, MAX_FWMARK)).map(([family, fwmark]) => ({
    protocol: 'fwmark' as const,
    address: unspecifiedAddress(family),
    port: 0,
    fwmark,
  })),
);

const settings = {
  scheduler: fc.constantFrom('rr', 'wrr', 'wlc', 'mh'),
  schedulerFlags: fc.integer({ min: 0, max: 7 }),
  persistenceSec: fc.constantFrom(0, 1, 300),
  persistenceEngine: fc.constantFrom('', 'sip'),
  onePacket: fc.boolean(),
};

/** Any service that the kernel takes, with up to 6 destinations. */
export const arbitraryService: fc.Arbitrary<Service> = fc
  .tuple(identity, fc.record(settings))
  .chain(([id, own]) => {
    const { family } = id.address;
    const prefix = family === 4 ? fc.constantFrom(32, 24, 0) : fc.constantFrom(128, 64, 1);
    const destinations = fc.uniqueArray(arbitraryDestination(family), {
      selector: destinationKey,
      maxLength: 6,
    });
    return fc.record({ persistencePrefix: prefix, destinations }).map((rest) => ({ ...id, ...own, ...rest }));
  });

/** Any table of up to 6 services. */
export const arbitraryTable: fc.Arbitrary<Service[]> = fc.uniqueArray(arbitraryService, {
  selector: serviceKey,
  maxLength: 6,
});

/** A table in one order, so that equal tables compare as equal. */
export function sorted(services: Iterable<Service>): Service[] {
  const byKey =
    <T>(key: (item: T) => string) =>
    (a: T, b: T) =>
      key(a) < key(b) ? -1 : 1;
  return [...services]
    .map((service) => ({ ...service, destinations: [...service.destinations].sort(byKey(destinationKey)) }))
    .sort(byKey(serviceKey));
}
