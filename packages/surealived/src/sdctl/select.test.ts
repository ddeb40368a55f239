import { describe, expect, it } from 'vitest';
import { realId, selectReal, selectVirtual, virtualFields, virtualId } from './select.js';

const web = { name: 'web', proto: 'tcp', addr: '192.0.2.10', port: 80, fwmark: 0 } as const;
const VIRTUALS = [
  web,
  { ...web, name: 'web', addr: '2001:db8::1' },
  { ...web, name: 'dns', proto: 'udp', port: 53 },
  { ...web, name: 'a mark', proto: 'fwmark', addr: '0.0.0.0', port: 0, fwmark: 7 },
  { ...web, name: 'mark6', proto: 'fwmark', addr: '::', port: 0, fwmark: 7 },
  { ...web, name: 'tcp:192.0.2.10:81', port: 443 },
  { ...web, name: 'ss7', proto: 'sctp', port: 2905 },
] as const;
const REALS = [
  { name: 'w1', addr: '10.0.0.11', port: 80 },
  { name: 'w 2', addr: '10.0.0.11', port: 81 },
  { name: 'w3', addr: '2001:db8::2', port: 80 },
  { name: 'w3', addr: '10.0.0.13', port: 80 },
];

describe('selectVirtual', () => {
  it.each([
    ['dns', 2],
    ['a mark', 3],
    ['a_mark', 3],
    ['tcp:192.0.2.10:80', 0],
    ['192.0.2.10:80', 0],
    ['[2001:db8::1]:80', 1],
    ['tcp:[2001:db8::1]:80', 1],
    ['tcp:2001:DB8:0::1:80', 1],
    ['udp:192.0.2.10:53', 2],
    ['sctp:192.0.2.10:2905', 6],
    ['fwmark:7:::', 4],
    ['fwmark:7:0.0.0.0', 3],
    ['vproto=tcp vaddr=192.0.2.10 vport=80', 0],
    ['vproto=fwmark vfwmark=7 vaddr=::', 4],
    // a line of vlist, pasted
    ['v:0 vname=web vproto=tcp vaddr=192.0.2.10 vport=80 vfwmark=0 vrt=dr vsched=wrr', 0],
    // a name comes first
    ['tcp:192.0.2.10:81', 5],
  ])('knows %j', (text, index) => {
    expect(selectVirtual(VIRTUALS, text)).toBe(VIRTUALS[index]);
  });

  it.each([
    '',
    'we',
    'tcp:192.0.2.10',
    'tcp:192.0.2.10:82',
    'udp:192.0.2.10:80',
    'fwmark:8',
    'fwmark:',
    'vaddr=1',
  ])('does not know %j', (text) => {
    expect(() => selectVirtual(VIRTUALS, text)).toThrow(
      expect.objectContaining({ status: 1, message: `no virtual "${text}"` }),
    );
  });

  it.each([
    ['web', '  web tcp:192.0.2.10:80\n  web tcp:[2001:db8::1]:80'],
    ['fwmark:7', '  a_mark fwmark:7\n  mark6 fwmark:7:::'],
  ])('lists all that %j may be', (text, list) => {
    expect(() => selectVirtual(VIRTUALS, text)).toThrow(`virtual "${text}" is not the only one:\n${list}`);
  });

  it('knows every virtual by its id', () => {
    const others = VIRTUALS.filter(({ name }) => name !== 'a mark');
    for (const virtual of others.slice(0, 4)) expect(selectVirtual(others, virtualId(virtual))).toBe(virtual);
  });
});

describe('selectReal', () => {
  it.each([
    ['w1', 0],
    ['w 2', 1],
    ['w_2', 1],
    ['10.0.0.11:81', 1],
    ['10.0.0.13', 3],
    ['[2001:db8::2]:80', 2],
    ['2001:DB8::2', 2],
    ['raddr=10.0.0.11 rport=81', 1],
  ])('knows %j', (text, index) => {
    expect(selectReal(REALS, text)).toBe(REALS[index]);
  });

  it('does not guess', () => {
    expect(() => selectReal(REALS, 'w4')).toThrow('no real "w4"');
    expect(() => selectReal(REALS, '10.0.0.11')).toThrow(
      'real "10.0.0.11" is not the only one:\n  w1 10.0.0.11:80\n  w_2 10.0.0.11:81',
    );
    expect(() => selectReal(REALS, 'w3')).toThrow(`w3 ${realId(REALS[2] as (typeof REALS)[0])}`);
  });
});

it('tells the admin socket which virtual', () => {
  expect(VIRTUALS.map(virtualFields).slice(2, 5)).toEqual([
    'vproto=udp vaddr=192.0.2.10 vport=53',
    'vproto=fwmark vaddr=0.0.0.0 vfwmark=7',
    'vproto=fwmark vaddr=:: vfwmark=7',
  ]);
});
