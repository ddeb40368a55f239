import { expect, it } from 'vitest';
import { parseAddress } from '../address.js';
import type { SnapshotReal, SnapshotVirtual } from './format.js';
import { formatDiffLine, formatSnapshot, token } from './write.js';

const at = (text: string) => parseAddress(text) as NonNullable<ReturnType<typeof parseAddress>>;
const real: SnapshotReal = {
  name: 'w 1',
  address: at('2001:db8::11'),
  port: 80,
  weight: 3,
  forwarding: 'tun',
  tunnel: { type: 'gue', port: 6080, flags: 'csum' },
  lowerThreshold: 1,
  upperThreshold: 2,
};
const virtual: SnapshotVirtual = {
  name: 'all\tof\u00a0it',
  protocol: 'fwmark',
  address: at('::'),
  port: 0,
  fwmark: 7,
  forwarding: 'dr',
  scheduler: 'mh',
  schedulerFlags: ['mh-fallback', 'mh-port'],
  persistenceSec: 60,
  persistencePrefix: 64,
  persistenceEngine: 'sip',
  onePacket: true,
  drainTimeoutSec: 300,
  reals: [real],
};

it('writes every key in the original order, those of ours behind them, and names as one word', () => {
  expect(formatSnapshot([virtual], '/d/1', new Date(2026, 0, 2, 3, 4, 5))).toBe(
    [
      'meta version=1.0 mdate=2026-01-02 mtime=03:04:05',
      '',
      'DIFF file=/d/1',
      '',
      'virtual vname=all_of_it vproto=fwmark vaddr=:: vport=0 vrt=dr vsched=mh vpers=60 vfwmark=7 vops=1 ' +
        'vsflags=mh-fallback,mh-port vprefix=64 vpe=sip vdrain=300',
      'real rname=w_1 raddr=2001:db8::11 rport=80 rweight=3 rl_thresh=1 ru_thresh=2 rrt=tun rtuntype=gue rtunport=6080 rtunflags=csum',
      '',
    ].join('\n'),
  );
});

it('tells in meta, behind the original keys, what a torn or an older file is known by', () => {
  const writtenAt = new Date(2026, 0, 2, 3, 4, 5);
  const [plain, sealed] = [undefined, 1_795_169_196_123].map((generation) =>
    formatSnapshot([virtual], '/d/1', writtenAt, generation),
  );
  const [meta] = String(sealed).split('\n');
  expect(meta).toBe(
    'meta version=1.0 mdate=2026-01-02 mtime=03:04:05 ' +
      'format=1 generation=1795169196123 vcount=1 rcount=1 crc32=41e2888b',
  );
  expect(String(sealed).replace(/ format=.*/, '')).toBe(plain);
});

it('writes a change on one line', () => {
  expect(formatDiffLine({ command: 'addreal', virtual, real })).toBe(
    'cmd=addreal vname=all_of_it vproto=fwmark vaddr=:: vport=0 vfwmark=7 vrt=dr vsched=mh ' +
      'rname=w_1 raddr=2001:db8::11 rport=80 rweight=3 rl_thresh=1 ru_thresh=2 rrt=tun rtuntype=gue rtunport=6080 rtunflags=csum\n',
  );
});

it('ends the line of a change whose time is known with the time and a checksum', () => {
  const line = formatDiffLine({ command: 'delreal', virtual, real, atMs: 1_795_169_196_123 });
  expect(line).toMatch(/ rtunflags=csum at=1795169196123 crc32=[0-9a-f]{8}\n$/);
  expect(line.replace(/ at=.*/, '')).toBe(formatDiffLine({ command: 'delreal', virtual, real }));
});

it('leaves no white space in a token, of whatever kind', () => {
  expect(token('a b\tc\nd\u2003e\u00a0f\ufeffg')).toBe('a_b_c_d_e_f_g');
});
