import { describe, expect, it } from 'vitest';
import { type IpvsService, serviceName, sortTable } from './ipvs-entry.js';
import { parseRules } from './ipvs-rules.js';
import { parseListing, parseProcTable } from './ipvs-table.js';

/** One table in the three forms Linux 6.1 and ipvsadm 1.31 give it. */
const PROC = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  [fd00:0001:0000:0000:0000:0000:0000:0100]:0050 sh
  -> [fd00:0002:0000:0000:0000:0000:0000:0011]:1F90      Masq    65535  2          3
UDP  0A000164:0035 rr ops
  -> 0A00020C:0035      Tunnel  0      0          0
  -> 0A00020B:0035      Route   1      0          7
FWM  00000010 wlc
`;

const LISTING = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
UDP  10.0.1.100:53 rr ops
  -> 10.0.2.11:53                 Route   1      0          7
  -> 10.0.2.12:53                 Tunnel  0      0          0
TCP  [fd00:1::100]:80 sh
  -> [fd00:2::11]:8080            Masq    65535  2          3
FWM  16 IPv6 wlc
`;

const RULES = `-A -u 10.0.1.100:53 -s rr -o
-a -u 10.0.1.100:53 -r 10.0.2.11:53 -g -w 1
-a -u 10.0.1.100:53 -r 10.0.2.12:53 -i -w 0
-A -t [fd00:1::100]:80 -s sh
-a -t [fd00:1::100]:80 -r [fd00:2::11]:8080 -m -w 65535
-A -f 16 -6 -s wlc
`;

describe('the readers of the IPVS table', () => {
  it('read the same from /proc and from a listing', () => {
    expect(sortTable(parseProcTable(PROC))).toEqual(sortTable(parseListing(LISTING)));
  });

  it('read services and reals', () => {
    const table = sortTable(parseListing(LISTING));
    expect(table.map(serviceName)).toEqual(['fwmark 16', 'tcp [fd00:1::100]:80', 'udp 10.0.1.100:53']);
    expect(table[2]).toEqual({
      protocol: 'udp',
      address: '10.0.1.100',
      port: 53,
      scheduler: 'rr',
      flags: ['ops'],
      reals: [
        {
          address: '10.0.2.11',
          port: 53,
          forwarding: 'direct',
          weight: 1,
          activeConnections: 0,
          inactiveConnections: 7,
        },
        {
          address: '10.0.2.12',
          port: 53,
          forwarding: 'tunnel',
          weight: 0,
          activeConnections: 0,
          inactiveConnections: 0,
        },
      ],
    });
  });

  it('read the same from rules, but for connection counts and the spelling of flags', () => {
    expect(sortTable(parseRules(RULES)).map(comparable)).toEqual(
      sortTable(parseProcTable(PROC)).map(comparable),
    );
  });

  it('refuse what is not a table', () => {
    const header = LISTING.split('\n').slice(0, 3).join('\n');
    expect(() => parseListing(`${header}\nGRE  10.0.0.1:0 rr\n`)).toThrow('not a line of an IPVS table');
    expect(() => parseRules('hello\n')).toThrow('not a rule of ipvsadm');
  });
});

function comparable(service: IpvsService): unknown {
  const { flags: _, reals, ...identity } = service;
  return {
    ...identity,
    reals: reals.map(({ activeConnections: _a, inactiveConnections: _i, ...real }) => real),
  };
}
