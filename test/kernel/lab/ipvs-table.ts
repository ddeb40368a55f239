import { SocketAddress } from 'node:net';
import { type IpvsReal, type IpvsService, splitAddress } from './ipvs-entry.js';

/** How a source writes addresses and marks; the layout around them is the same in both. */
interface Notation {
  readonly endpoint: (text: string) => { address: string; port: number };
  readonly mark: (text: string) => number;
}

const LISTING: Notation = { endpoint: splitAddress, mark: Number };
const PROC: Notation = { endpoint: parseHexEndpoint, mark: (text) => Number.parseInt(text, 16) };

const FORWARDING: Readonly<Record<string, IpvsReal['forwarding']>> = {
  Masq: 'masq',
  Route: 'direct',
  Tunnel: 'tunnel',
  Local: 'local',
};

const PROTOCOLS: Readonly<Record<string, IpvsService['protocol']>> = {
  TCP: 'tcp',
  UDP: 'udp',
  SCTP: 'sctp',
  FWM: 'fwmark',
};

/** Parses the output of `ipvsadm -Ln`. */
export function parseListing(text: string): IpvsService[] {
  return parseTable(text, LISTING);
}

/** Parses `/proc/net/ip_vs`: the same table, with hexadecimal addresses. */
export function parseProcTable(text: string): IpvsService[] {
  return parseTable(text, PROC);
}

interface OpenService extends IpvsService {
  readonly reals: IpvsReal[];
}

function parseTable(text: string, notation: Notation): IpvsService[] {
  const services: OpenService[] = [];
  for (const line of text.split('\n').slice(HEADER_LINES)) {
    const words = line.trim().split(/\s+/);
    if (words[0] === '->') services.at(-1)?.reals.push(parseReal(words, notation));
    else if (words[0]) services.push(parseService(words, notation));
  }
  return services;
}

/** Version, then two lines of column titles, of which the second starts with an arrow as a real does. */
const HEADER_LINES = 3;

function parseService(words: readonly string[], { endpoint, mark }: Notation): OpenService {
  const [title = '', identity = '', ...rest] = words;
  const protocol = PROTOCOLS[title];
  if (protocol === undefined) throw new Error(`not a line of an IPVS table: ${words.join(' ')}`);
  const [scheduler = '', ...flags] = rest.filter((word) => word !== 'IPv6');
  const common = { protocol, scheduler, flags, reals: [] };
  if (protocol === 'fwmark') return { ...common, address: '', port: 0, fwmark: mark(identity) };
  return { ...common, ...endpoint(identity) };
}

function parseReal(words: readonly string[], { endpoint }: Notation): IpvsReal {
  const [, identity = '', method = '', weight, active, inactive] = words;
  const forwarding = FORWARDING[method];
  if (forwarding === undefined) throw new Error(`unknown forwarding method: ${words.join(' ')}`);
  return {
    ...endpoint(identity),
    forwarding,
    weight: Number(weight),
    activeConnections: Number(active),
    inactiveConnections: Number(inactive),
  };
}

/** `0A000164:0050` and `[fd00:0001:0000:0000:0000:0000:0000:0100]:0050`, to the short forms people write. */
function parseHexEndpoint(text: string): { address: string; port: number } {
  const { address } = splitAddress(text);
  const port = Number.parseInt(text.slice(text.lastIndexOf(':') + 1), 16);
  if (address.includes(':')) return { address: new SocketAddress({ address, family: 'ipv6' }).address, port };
  return { address: [...Buffer.from(address, 'hex')].join('.'), port };
}
