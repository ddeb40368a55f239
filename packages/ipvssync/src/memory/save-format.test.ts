import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Service } from '../ipvs/table.js';
import { arbitraryTable, service, sorted } from '../ipvs/table.test-kit.js';
import { parseTable } from './restore-format.js';
import { formatTable } from './save-format.js';

/** What "ipvsadm -Sn" of ipvsadm 1.31 printed of these services; thresholds, which it leaves out, are ours. */
const SAVED = `-A -t 10.0.0.1:80 -s wrr -p 300 -M 255.255.255.0
-a -t 10.0.0.1:80 -r 10.0.0.11:80 -g -w 10 -x 100 -y 50
-a -t 10.0.0.1:80 -r 10.0.0.12:8080 -m -w 0
-a -t 10.0.0.1:80 -r 10.0.0.13:80 -i -w 65535 --tun-type ipip
-a -t 10.0.0.1:80 -r 10.0.0.14:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum
-a -t 10.0.0.1:80 -r 10.0.0.15:80 -i -w 1 --tun-type gre --tun-nocsum
-A -u 10.0.0.3:5060 -s rr -p 60 --pe sip
-A -u 10.0.0.2:53 -s rr -o
-A --sctp-service 10.0.0.9:99 -s lc
-A -t [fd00::1]:443 -s mh -p 60 -M 64 -b mh-fallback,mh-port
-a -t [fd00::1]:443 -r [fd00::11]:443 -m -w 3
-A -f 7 -s rr -b flag-3
-A -f 7 -6 -s sh
-a -f 7 -6 -r [fd00::11]:0 -g -w 1
`;

const SERVICES: readonly Service[] = [
  service(
    'tcp 10.0.0.1:80',
    { persistenceSec: 300, persistencePrefix: 24 },
    ['10.0.0.11:80', 10, { upperThreshold: 100, lowerThreshold: 50 }],
    ['10.0.0.12:8080', 0, { forwarding: 'masq' }],
    ['10.0.0.13:80', 65_535, { forwarding: 'tun' }],
    ['10.0.0.14:80', 1, { forwarding: 'tun', tunnel: { type: 'gue', port: 6080, flags: 'remcsum' } }],
    ['10.0.0.15:80', 1, { forwarding: 'tun', tunnel: { type: 'gre', port: 0, flags: 'nocsum' } }],
  ),
  service('udp 10.0.0.3:5060', { scheduler: 'rr', persistenceSec: 60, persistenceEngine: 'sip' }),
  service('udp 10.0.0.2:53', { scheduler: 'rr', onePacket: true }),
  service('sctp 10.0.0.9:99', { scheduler: 'lc' }),
  service(
    'tcp [fd00::1]:443',
    { scheduler: 'mh', schedulerFlags: 3, persistenceSec: 60, persistencePrefix: 64 },
    ['[fd00::11]:443', 3, { forwarding: 'masq' }],
  ),
  service('fwmark 7', { scheduler: 'rr', schedulerFlags: 4 }),
  service('fwmark 7 IPv6', { scheduler: 'sh' }, ['[fd00::11]:0', 1]),
];

describe('formatTable and parseTable', () => {
  it('write what ipvsadm -Sn writes', () => {
    expect(formatTable(SERVICES)).toBe(SAVED);
  });

  it('read what ipvsadm -Sn wrote, also without the type of a tunnel', () => {
    expect(parseTable(SAVED, 'f')).toEqual(SERVICES);
    expect(parseTable(SAVED.replace(' --tun-type ipip', ''), 'f')).toEqual(SERVICES);
  });

  it('lose nothing of any table', () => {
    fc.assert(
      fc.property(arbitraryTable, (services) => {
        expect(sorted(parseTable(formatTable(services), 'f'))).toEqual(sorted(services));
      }),
    );
  });

  it.each([
    ['-X -t 10.0.0.1:80', 'expected -A or -a, got "-X"'],
    ['-A -s rr', 'expected a service: -t, -u, --sctp-service, -f'],
    ['-A -t 10.0.0.1:80 -b sh-port', '-b: expected flags of scheduler wlc, got "sh-port"'],
    ['-A -t 10.0.0.1:80 -s', '-s: expected a value'],
    ['-A -t 10.0.0.1:80 -s ~', '-s: expected a scheduler, got "~"'],
    ['-A -t 10.0.0.1:80 -s nosuch', 'the kernel would refuse it: ENOENT'],
    ['-A -t 10.0.0.1:80 -p 0', '-p: expected an integer 1..2678400, got "0"'],
    ['-A -t 10.0.0.1:80 -M 255.0.255.0', '-M: expected a mask, got "255.0.255.0"'],
    ['-A -t 10.0.0.1', 'expected ADDRESS:PORT, got "10.0.0.1"'],
    ['-A -t 10.0.0.1:65536', 'expected ADDRESS:PORT, got "10.0.0.1:65536"'],
    ['-A -t fd00::1:80', 'expected ADDRESS:PORT, got "fd00::1:80"'],
    ['-A -f 0', '-f: expected an integer 1..4294967295, got "0"'],
    ['-a -t 10.0.0.1:80', '-r: missing'],
    ['-a -t 10.0.0.1:80 -r 10.0.0.11:80 -i --tun-type x', '--tun-type: expected ipip, gue, gre, got "x"'],
    ['-a -t 10.0.0.1:80 -r 10.0.0.11:80 -i --tun-type gue', '--tun-port: a gue tunnel needs a UDP port'],
    [
      '-a -t 10.0.0.1:80 -r 10.0.0.11:80 -i --tun-csum',
      '--tun-csum: only with gue or gre, got "csum" with ipip',
    ],
    ['-a -t 10.0.0.1:80 -r 10.0.0.11:80', 'the kernel would refuse it: ESRCH'],
    ['-a -t 10.0.0.1:80 -r 10.0.0.11:80 -w 65536', '-w: expected an integer 0..65535, got "65536"'],
  ])('refuse "%s"', (line, message) => {
    expect(() => parseTable(`\n${line}\n`, 'table.rules')).toThrow(`table.rules:2: ${message}`);
  });

  it('report every line that is wrong', () => {
    expect(() => parseTable('-X\n-A -t 10.0.0.1:80\n-Y\n', 'f')).toThrow(/^f:1: .*\nf:3: .*$/);
  });
});
