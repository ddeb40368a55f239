/**
 * Virtuals and reals as people name them.
 *
 * @module
 */
import { formatEndpoint, parseAddress } from '@surealived/shared/address';
import { parseFields, parseInteger } from '@surealived/shared/snapshot/fields';
import { token } from '@surealived/shared/snapshot/write';
import type { RealDocument, VirtualDocument } from '../admin/documents.js';
import { EXIT, Failure } from './failure.js';

type VirtualName = Pick<VirtualDocument, 'name' | 'proto' | 'addr' | 'port' | 'fwmark'>;
type RealName = Pick<RealDocument, 'name' | 'addr' | 'port'>;

/** `tcp:192.0.2.10:80`, `udp:[2001:db8::1]:53`, `fwmark:7`, or `fwmark:7:::` where the mark is one of IPv6. */
export function virtualId({ proto, addr, port, fwmark }: VirtualName): string {
  if (proto === 'fwmark') return `fwmark:${fwmark}${addr.includes(':') ? ':::' : ''}`;
  return `${proto}:${endpoint(addr, port)}`;
}

/** `10.0.0.11:80` or `[2001:db8::1]:80`. */
export function realId({ addr, port }: RealName): string {
  return endpoint(addr, port);
}

/**
 * @param text A name, a virtualId, one without its protocol, or the form of the admin socket: `vproto=tcp vaddr=192.0.2.10 vport=80`.
 * @throws Failure when it fits none, or more than one.
 */
export function selectVirtual<T extends VirtualName>(virtuals: readonly T[], text: string): T {
  const named = virtuals.filter(({ name }) => name === text || token(name) === text);
  const found = named.length > 0 ? named : virtuals.filter(virtualMatcher(text));
  return only(found, `virtual "${text}"`, (virtual) => `${token(virtual.name)} ${virtualId(virtual)}`);
}

/** @param text A name, `ADDR:PORT`, an address, or `raddr=… rport=…`. @throws Failure when it fits none, or more than one. */
export function selectReal<T extends RealName>(reals: readonly T[], text: string): T {
  const named = reals.filter(({ name }) => name === text || token(name) === text);
  const found = named.length > 0 ? named : reals.filter(realMatcher(text));
  return only(found, `real "${text}"`, (real) => `${token(real.name)} ${realId(real)}`);
}

/** How the admin socket is told which virtual. */
export function virtualFields({ proto, addr, port, fwmark }: VirtualName): string {
  const rest = proto === 'fwmark' ? `vfwmark=${fwmark}` : `vport=${port}`;
  return `vproto=${proto} vaddr=${addr} ${rest}`;
}

export function realFields({ addr, port }: RealName): string {
  return `raddr=${addr} rport=${port}`;
}

function only<T>(found: readonly T[], what: string, describe: (one: T) => string): T {
  const [first, ...others] = found;
  if (first === undefined) throw new Failure(EXIT.failed, `no ${what}`);
  if (others.length === 0) return first;
  const list = found.map((one) => `  ${describe(one)}`).join('\n');
  throw new Failure(EXIT.failed, `${what} is not the only one:\n${list}`);
}

function virtualMatcher(text: string): (virtual: VirtualName) => boolean {
  const { proto, addr, port, fwmark } = readVirtual(text);
  return (virtual) => {
    if (proto !== undefined && virtual.proto !== proto) return false;
    if (virtual.proto !== 'fwmark') return virtual.addr === addr && virtual.port === port;
    return virtual.fwmark === fwmark && (addr === undefined || virtual.addr === addr);
  };
}

/** What of a virtual a text says; nothing fits a text that says nothing. */
interface VirtualParts {
  readonly proto?: string | undefined;
  readonly addr?: string | undefined;
  readonly port?: number | undefined;
  readonly fwmark?: number | undefined;
}

function readVirtual(text: string): VirtualParts {
  if (text.includes('=')) {
    const [proto, addr, port, fwmark] = readFields(text, ['vproto', 'vaddr', 'vport', 'vfwmark']);
    return { proto, addr: canonical(addr), port: number(port), fwmark: number(fwmark) };
  }
  const [, fwmark, family] = /^fwmark:(\d+)(?::(.+))?$/.exec(text) ?? [];
  if (fwmark !== undefined) return { proto: 'fwmark', fwmark: number(fwmark), addr: canonical(family) };
  const [, proto, addr, port] = /^(?:(tcp|udp|sctp):)?(.+):(\d+)$/.exec(text) ?? [];
  return { proto, addr: canonical(addr), port: number(port) };
}

function realMatcher(text: string): (real: RealName) => boolean {
  if (text.includes('=')) {
    const [addr, port] = readFields(text, ['raddr', 'rport']);
    return (real) => real.addr === canonical(addr) && real.port === number(port);
  }
  const [, addr, port] = /^(.+):(\d+)$/.exec(text) ?? [];
  const [alone, both] = [canonical(text), canonical(addr)];
  return (real) => real.addr === alone || (real.addr === both && real.port === number(port));
}

function readFields(text: string, keys: readonly string[]): readonly (string | undefined)[] {
  const fields = parseFields(text, () => undefined);
  return keys.map((key) => (fields.has(key) ? fields.text(key) : undefined));
}

function canonical(address: string | undefined): string | undefined {
  return address === undefined ? undefined : parseAddress(address.replace(/^\[(.*)\]$/, '$1'))?.text;
}

function number(digits: string | undefined): number | undefined {
  return digits === undefined ? undefined : parseInteger(digits, 0, 0xffffffff);
}

function endpoint(addr: string, port: number): string {
  const address = parseAddress(addr);
  return address ? formatEndpoint(address, port) : `${addr}:${port}`;
}
