import { expect, it } from 'vitest';
import { addressFromBytes, parseAddress } from './address.js';
import {
  describeVirtualId,
  findTunnelFault,
  IPIP,
  type Protocol,
  realKey,
  SCHEDULER_NAME,
  type Tunnel,
  virtualKey,
} from './model.js';

const id = (protocol: Protocol, address: string, port: number, fwmark: number) => ({
  protocol,
  port,
  fwmark,
  address: parseAddress(address) ?? addressFromBytes(4, new Uint8Array(4)),
});

it.each([
  [id('tcp', '10.0.0.1', 80, 0), '10.0.0.1:80:0:0', 'tcp 10.0.0.1:80'],
  [id('udp', '2001:db8::1', 53, 0), '[2001:db8::1]:53:1:0', 'udp [2001:db8::1]:53'],
  [id('sctp', '10.0.0.1', 99, 0), '10.0.0.1:99:3:0', 'sctp 10.0.0.1:99'],
  [id('fwmark', '0.0.0.0', 0, 7), '0.0.0.0:0:2:7', 'fwmark 7'],
  [id('fwmark', '::', 0, 7), '[::]:0:2:7', 'fwmark 7 IPv6'],
])('names %o for dumps and for people', (virtual, key, description) => {
  expect([virtualKey(virtual), describeVirtualId(virtual)]).toEqual([key, description]);
});

it.each<[Tunnel, string | undefined]>([
  [IPIP, undefined],
  [{ type: 'gue', port: 6080, flags: 'remcsum' }, undefined],
  [{ type: 'gre', port: 0, flags: 'csum' }, undefined],
  [{ type: 'gue', port: 0, flags: 'nocsum' }, 'port'],
  [{ type: 'gre', port: 6080, flags: 'nocsum' }, 'port'],
  [{ type: 'ipip', port: 0, flags: 'csum' }, 'flags'],
  [{ type: 'gre', port: 0, flags: 'remcsum' }, 'flags'],
])('of %o finds wrong: %s', (tunnel, part) => {
  expect(findTunnelFault(tunnel)?.part).toBe(part);
});

it('keys a real by address and port', () => {
  expect(realKey(id('tcp', '::1', 8080, 0))).toBe('[::1]:8080');
});

it.each([
  ['wrr', true],
  ['a'.repeat(15), true],
  ['a'.repeat(16), false],
  ['', false],
  ['w rr', false],
])('%j is a scheduler name: %s', (name, expected) => {
  expect(SCHEDULER_NAME.test(name)).toBe(expected);
});
