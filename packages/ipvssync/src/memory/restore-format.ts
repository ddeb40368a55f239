/**
 * The format of `ipvsadm --save --numeric`. Here the reader.
 *
 * @module
 */
import { type Address, ipv4Prefix, parseAddress, unspecifiedAddress } from '@surealived/shared/address';
import { ConfigError, type Problem } from '@surealived/shared/errors';
import {
  findTunnelFault,
  fullPrefix,
  isOneOf,
  MAX_FWMARK,
  MAX_PERSISTENCE_SEC,
  MAX_PORT,
  MAX_THRESHOLD,
  MAX_WEIGHT,
  SCHEDULER_NAME,
  TUNNEL_FLAGS,
  TUNNEL_TYPES,
  type Tunnel,
} from '@surealived/shared/model';
import { parseInteger } from '@surealived/shared/snapshot/fields';
import { schedulerFlagBits } from '../ipvs/scheduler-flags.js';
import type { Destination, Operation, Service, ServiceHead, ServiceId } from '../ipvs/table.js';
import { TableImage } from '../ipvs/table-image.js';
import { findRefusal } from './kernel-rules.js';
import { FORWARDING_OPTIONS, SERVICE_OPTIONS } from './save-format.js';

const PROTOCOLS = new Map([...SERVICE_OPTIONS].map(([protocol, option]) => [option, protocol]));
const FORWARDINGS = new Map([...FORWARDING_OPTIONS].map(([forwarding, option]) => [option, forwarding]));
/** Options without a value. */
const SWITCHES: ReadonlySet<string> = new Set([
  ...['-o', '-6'],
  ...FORWARDINGS.keys(),
  ...TUNNEL_FLAGS.map((flags) => `--tun-${flags}`),
]);

type Options = ReadonlyMap<string, string>;

/** What is wrong with a line; becomes a Problem where the line is known. */
class LineError extends Error {}

/**
 * Reads what `formatTable` or `ipvsadm -Sn` wrote.
 *
 * @throws ConfigError with every line that cannot be read, or that the kernel would refuse.
 */
export function parseTable(text: string, file: string): Service[] {
  const image = new TableImage();
  const problems: Problem[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    try {
      const operation = parseLine(line.trim().split(/\s+/));
      const errno = findRefusal(image, operation);
      if (errno !== undefined) throw new LineError(`the kernel would refuse it: ${errno}`);
      image.apply(operation);
    } catch (error) {
      if (!(error instanceof LineError)) throw error;
      problems.push({ file, line: index + 1, message: error.message });
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return image.services();
}

function parseLine([command, ...words]: readonly string[]): Operation {
  if (command !== '-A' && command !== '-a') throw new LineError(`expected -A or -a, got "${command}"`);
  const options = parseOptions(words);
  const service = parseServiceId(options);
  if (command === '-A') return { kind: 'addService', service: parseSettings(service, options) };
  return { kind: 'addDestination', service, destination: parseDestination(options) };
}

/** The options with their values; an option must be known, since what it means would be lost. */
function parseOptions(words: readonly string[]): Options {
  const known = new Set([
    ...PROTOCOLS.keys(),
    ...SWITCHES,
    ...'-s -b -p -M --pe -r -w -x -y --tun-type --tun-port'.split(' '),
  ]);
  const options = new Map<string, string>();
  for (let i = 0; i < words.length; i++) {
    const option = words[i] ?? '';
    if (!known.has(option)) throw new LineError(`unknown option "${option}"`);
    const value = SWITCHES.has(option) ? '' : words[++i];
    if (value === undefined) throw new LineError(`${option}: expected a value`);
    options.set(option, value);
  }
  return options;
}

function parseServiceId(options: Options): ServiceId {
  for (const [option, protocol] of PROTOCOLS) {
    const name = options.get(option);
    if (name === undefined) continue;
    if (protocol !== 'fwmark') return { protocol, ...parseEndpoint(name), fwmark: 0 };
    const address = unspecifiedAddress(options.has('-6') ? 6 : 4);
    return { protocol, address, port: 0, fwmark: integer(options, option, 1, MAX_FWMARK, 0) };
  }
  throw new LineError(`expected a service: ${[...PROTOCOLS.keys()].join(', ')}`);
}

function parseSettings(id: ServiceId, options: Options): ServiceHead {
  const scheduler = options.get('-s') ?? 'wlc';
  if (!SCHEDULER_NAME.test(scheduler)) throw new LineError(`-s: expected a scheduler, got "${scheduler}"`);
  return {
    ...id,
    scheduler,
    schedulerFlags: parseFlags(scheduler, options),
    persistenceSec: integer(options, '-p', 1, MAX_PERSISTENCE_SEC, 0),
    persistencePrefix: parsePrefix(id.address, options),
    persistenceEngine: options.get('--pe') ?? '',
    onePacket: options.has('-o'),
  };
}

function parseFlags(scheduler: string, options: Options): number {
  const names = options.get('-b');
  const bits = names === undefined ? 0 : schedulerFlagBits(scheduler, names.split(','));
  if (bits === undefined) throw new LineError(`-b: expected flags of scheduler ${scheduler}, got "${names}"`);
  return bits;
}

function parsePrefix(address: Address, options: Options): number {
  const mask = options.get('-M');
  if (mask === undefined) return fullPrefix(address);
  if (address.family === 6) return integer(options, '-M', 1, 128, 128);
  const address4 = parseAddress(mask);
  const prefix = address4?.family === 4 ? ipv4Prefix(address4) : undefined;
  if (prefix === undefined) throw new LineError(`-M: expected a mask, got "${mask}"`);
  return prefix;
}

function parseDestination(options: Options): Destination {
  const endpoint = options.get('-r');
  if (endpoint === undefined) throw new LineError('-r: missing');
  const method = [...FORWARDINGS.keys()].find((option) => options.has(option));
  return {
    ...parseEndpoint(endpoint),
    forwarding: FORWARDINGS.get(method ?? '-g') ?? 'dr',
    tunnel: parseTunnel(options),
    weight: integer(options, '-w', 0, MAX_WEIGHT, 1),
    lowerThreshold: integer(options, '-y', 0, MAX_THRESHOLD, 0),
    upperThreshold: integer(options, '-x', 0, MAX_THRESHOLD, 0),
  };
}

function parseTunnel(options: Options): Tunnel {
  const type = options.get('--tun-type') ?? 'ipip';
  if (!isOneOf(TUNNEL_TYPES, type))
    throw new LineError(`--tun-type: expected ${TUNNEL_TYPES.join(', ')}, got "${type}"`);
  const port = integer(options, '--tun-port', 1, MAX_PORT, 0);
  const flags = TUNNEL_FLAGS.find((name) => options.has(`--tun-${name}`)) ?? 'nocsum';
  const tunnel: Tunnel = { type, port, flags };
  const fault = findTunnelFault(tunnel);
  if (fault) throw new LineError(`--tun-${fault.part === 'port' ? 'port' : flags}: ${fault.reason}`);
  return tunnel;
}

function parseEndpoint(text: string): { readonly address: Address; readonly port: number } {
  const [, bracketed, plain, portText = ''] = /^(?:\[(.+)\]|([^[\]:]+)):(\d+)$/.exec(text) ?? [];
  const address = parseAddress(bracketed ?? plain ?? '');
  const port = parseInteger(portText, 0, MAX_PORT);
  if (!address || port === undefined) throw new LineError(`expected ADDRESS:PORT, got "${text}"`);
  return { address, port };
}

function integer(options: Options, option: string, min: number, max: number, fallback: number): number {
  const text = options.get(option);
  if (text === undefined) return fallback;
  const value = parseInteger(text, min, max);
  if (value === undefined)
    throw new LineError(`${option}: expected an integer ${min}..${max}, got "${text}"`);
  return value;
}
