import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SnapshotError } from '../errors.js';
import type { DiffEntry } from './format.js';
import { readDiffLine, readGeneration, readSnapshot } from './read.js';
import { EXAMPLE, virtuals } from './snapshot.test-kit.js';
import { formatDiffEnd, formatDiffLine, formatSnapshot } from './write.js';

const META = 'meta version=1.0 mdate=2026-11-20 mtime=10:06:36\n';
const VIRTUAL = 'virtual vname=web vproto=tcp vaddr=192.168.0.1 vport=80 vrt=dr vsched=wrr';
const REAL = 'real rname=w1 raddr=10.0.0.11 rport=80 rweight=10';
const WRITTEN_AT = new Date(2026, 10, 20, 10, 6, 36);

describe('readSnapshot', () => {
  it('reads the documented example and writes it back byte for byte', () => {
    const { diffFile, virtuals } = readSnapshot(EXAMPLE, 'full.cfg');
    expect(virtuals.map(({ name, reals }) => [name, reals.map(({ weight }) => weight)])).toEqual([
      ['web', [10, 20, 5]],
      ['mark', []],
      ['udp', []],
    ]);
    expect(formatSnapshot(virtuals, diffFile ?? '', WRITTEN_AT)).toBe(EXAMPLE);
  });

  it('reads back every table that was written', () => {
    fc.assert(
      fc.property(virtuals, (table) => {
        const text = formatSnapshot(table, '/diffs/diff_sync.1', WRITTEN_AT);
        expect(readSnapshot(text, 'f')).toEqual({ diffFile: '/diffs/diff_sync.1', virtuals: table });
      }),
    );
  });

  it('refuses every truncation but one between two lines', () => {
    for (let length = 0; length < EXAMPLE.length; length++) {
      const cut = EXAMPLE.slice(0, length);
      if (cut.endsWith('\n')) expect(() => readSnapshot(cut, 'f')).not.toThrow();
      else expect(() => readSnapshot(cut, 'f')).toThrow(SnapshotError);
    }
  });

  it('takes keys in any order, unknown keys, blank lines, \\r\\n, and a later 1.x', () => {
    const text = `meta version=1.7 new=1\r\n\r\n  virtual vsched=wrr vrt=dr vport=80 vaddr=::1 color=red vproto=tcp vname=web\r\n`;
    const { diffFile, virtuals } = readSnapshot(text, 'f');
    expect(diffFile).toBeUndefined();
    expect(virtuals).toMatchObject([{ name: 'web', scheduler: 'wrr', address: { text: '::1' }, reals: [] }]);
  });

  it('takes flags of a scheduler in any order', () => {
    const text = `${META}${VIRTUAL.replace('wrr', 'sh')} vsflags=sh-port,sh-fallback,sh-port\n`;
    expect(readSnapshot(text, 'f').virtuals[0]?.schedulerFlags).toEqual(['sh-fallback', 'sh-port']);
  });

  it('gives a firewall mark the address of its family alone, whatever stands there', () => {
    const read = (keys: string) =>
      readSnapshot(`${META}virtual vname=m vproto=fwmark vrt=dr vsched=rr vfwmark=7 ${keys}\n`, 'f')
        .virtuals[0];
    expect(read('')).toMatchObject({ address: { text: '0.0.0.0' }, port: 0, fwmark: 7 });
    expect(read('vaddr=10.0.0.1 vport=80')).toMatchObject({ address: { text: '0.0.0.0' }, port: 0 });
    expect(read('vaddr=2001:db8::1')).toMatchObject({ address: { text: '::' }, port: 0 });
  });

  it.each([
    ['', ['f: expected a snapshot that begins with a meta line']],
    [`${VIRTUAL}\n`, ['f: expected a snapshot that begins with a meta line']],
    ['meta mdate=2026-11-20\n', ['f:1: version: missing']],
    ['meta version=2.0\n', ['f:1: expected version 1.x, got "2.0"']],
    [`${META}DIFF\n`, ['f:2: file: missing']],
    [`${META}garbage here=1\n`, ['f:2: expected meta, DIFF, virtual or real, got "garbage"']],
    [`${META}${REAL}\n`, ['f:2: a real before any virtual']],
    [`${META}${VIRTUAL} stray\n`, ['f:2: expected key=value, got "stray"']],
    [`${META}${VIRTUAL} vport=81\n`, ['f:2: vport: given twice']],
    [`${META}${VIRTUAL.replace('vname=web ', '')}\n`, ['f:2: vname: missing']],
    [
      `${META}${VIRTUAL.replace('web', 'x'.repeat(128))}\n`,
      ['f:2: vname: expected at most 127 bytes, got 128'],
    ],
    [
      `${META}${VIRTUAL.replace('tcp', 'dccp')}\n`,
      ['f:2: vproto: expected tcp, udp, fwmark, sctp, got "dccp"'],
    ],
    [
      `${META}${VIRTUAL.replace('192.168.0.1', '192.168.0')}\n`,
      ['f:2: vaddr: expected an IP address, got "192.168.0"'],
    ],
    [
      `${META}${VIRTUAL.replace('=80', '=65536')}\n`,
      ['f:2: vport: expected an integer 0..65535, got "65536"'],
    ],
    [`${META}${VIRTUAL.replace('=dr', '=nat')}\n`, ['f:2: vrt: expected dr, masq, tun, got "nat"']],
    [`${META}${VIRTUAL.replace('wrr', 'w!')}\n`, ['f:2: vsched: expected a scheduler\'s name, got "w!"']],
    [`${META}${VIRTUAL} vpers=-1\n`, ['f:2: vpers: expected an integer 0..2678400, got "-1"']],
    [`${META}${VIRTUAL} vops=2\n`, ['f:2: vops: expected an integer 0..1, got "2"']],
    [`${META}${VIRTUAL} vsflags=sh-port\n`, ['f:2: vsflags: expected flags of scheduler wrr, got "sh-port"']],
    [`${META}${VIRTUAL} vsflags=\n`, ['f:2: vsflags: missing']],
    [`${META}${VIRTUAL} vprefix=33\n`, ['f:2: vprefix: expected an integer 1..32, got "33"']],
    [`${META}${VIRTUAL} vpe=s/p\n`, ['f:2: vpe: expected a persistence engine\'s name, got "s/p"']],
    [`${META}${VIRTUAL} vfwmark=7\n`, ['f:2: vfwmark: expected an integer 0..0, got "7"']],
    [`${META}${VIRTUAL.replace('tcp', 'fwmark')}\n`, ['f:2: vfwmark: missing']],
    [`${META}${VIRTUAL}\n${VIRTUAL}\n`, ['f:3: virtual 192.168.0.1:80:0:0 is there twice']],
    [
      `${META}${VIRTUAL}\n${REAL}\n${REAL}\n`,
      ['f:4: real 10.0.0.11:80 is there twice in virtual 192.168.0.1:80:0:0'],
    ],
    [
      `${META}${VIRTUAL}\n${REAL.replace('weight=10', 'weight=65536')}\n`,
      ['f:3: rweight: expected an integer 0..65535, got "65536"'],
    ],
    [
      `${META}${VIRTUAL}\n${REAL} rl_thresh=x\n`,
      ['f:3: rl_thresh: expected an integer 0..2147483647, got "x"'],
    ],
    [`${META}${VIRTUAL}\n${REAL} rtuntype=vxlan\n`, ['f:3: rtuntype: expected ipip, gue, gre, got "vxlan"']],
    [`${META}${VIRTUAL}\n${REAL} rtuntype=gue\n`, ['f:3: rtunport: a gue tunnel needs a UDP port']],
    [
      `${META}${VIRTUAL}\n${REAL} rtuntype=gre rtunflags=sum\n`,
      ['f:3: rtunflags: expected nocsum, csum, remcsum, got "sum"'],
    ],
    [`${META}${VIRTUAL}\n${REAL} rrt=x\n`, ['f:3: rrt: expected dr, masq, tun, got "x"']],
    [`${META}${VIRTUAL}\n${REAL}`, ['f:3: the file ends in the middle of a line']],
    [
      `${META}virtual vname=web\n${REAL}\nnonsense\n`,
      [
        'f:2: vproto: missing',
        'f:2: vaddr: missing',
        'f:2: vport: missing',
        'f:2: vrt: missing',
        'f:2: vsched: missing',
        'f:4: expected meta, DIFF, virtual or real, got "nonsense"',
      ],
    ],
  ])('says of %j exactly what is wrong', (text, messages) => {
    expect(() => readSnapshot(text, 'f')).toThrow(
      expect.objectContaining({ name: 'SnapshotError', message: messages.join('\n') }),
    );
  });
});

describe('readSnapshot, of one with a checksum', () => {
  const { virtuals: table } = readSnapshot(EXAMPLE, 'f');
  const sealed = formatSnapshot(table, '/diffs/1', WRITTEN_AT, 7);
  const [meta = ''] = sealed.split('\n');
  const sum = meta.slice(-8);

  it('reads back its generation and all that was written', () => {
    expect(readSnapshot(sealed, 'f')).toEqual({ generation: 7, diffFile: '/diffs/1', virtuals: table });
    expect(readSnapshot(EXAMPLE, 'f').generation).toBeUndefined();
    const texts = [sealed, EXAMPLE, sealed.replace('generation=7', 'generation=8'), sealed.slice(0, -1), ''];
    expect(texts.map(readGeneration)).toEqual([7, undefined, undefined, undefined, undefined]);
  });

  it.each([
    ['cut between two lines', sealed.slice(0, sealed.lastIndexOf('real')), '1 virtuals, 2 reals'],
    ['without its end', sealed.replace(/\nvirtual vname=udp.*\n$/, ''), '2 virtuals, 3 reals'],
    ['with another weight', sealed.replace('rweight=20', 'rweight=90'), '3 virtuals, 3 reals'],
    ['with a line twice', sealed.replace('\n\nDIFF', '\n\nDIFF file=/diffs/1\nDIFF'), '3 virtuals, 3 reals'],
  ])('refuses one %s as torn', (_what, text, found) => {
    const message = `f:1: torn: expected 3 virtuals, 3 reals, checksum ${sum}; found ${found}, checksum `;
    expect(() => readSnapshot(text, 'f')).toThrow(message);
  });

  it.each([
    [meta.replace(/ crc32=.*/, ''), 'f:1: crc32: missing'],
    [meta.replace(/ generation=\d+/, ''), 'f:1: generation: missing'],
    [meta.replace('generation=7', 'generation=8'), 'f:1: torn: '],
    [meta.replace('format=1', 'format=2'), 'f:1: format: expected 1, got "2"'],
    [meta.replace('rcount=3', 'rcount=4'), 'f:1: torn: expected 3 virtuals, 4 reals'],
    [`meta version=1.0 crc32=${sum}`, 'f:1: format: missing'],
  ])('refuses %j, where the checksum alone would let it pass or is not there', (line, message) => {
    expect(() => readSnapshot(sealed.replace(meta, line), 'f')).toThrow(message);
  });
});

const CHANGE =
  'cmd=chgreal vname=web vproto=tcp vaddr=192.168.0.1 vport=80 vfwmark=0 vrt=dr vsched=wrr ' +
  'rname=w1 raddr=10.0.0.11 rport=80 rweight=0';

describe('readDiffLine', () => {
  it('reads a line of the original and writes it back', () => {
    const line = readDiffLine(CHANGE, 'd', 1);
    expect(line?.kind === 'change' && formatDiffLine(line.entry)).toBe(`${CHANGE}\n`);
  });

  it('reads names in which another writer has left spaces', () => {
    const line = readDiffLine(CHANGE.replace('web', 'my web').replace('w1', 'w 1'), 'd', 1);
    expect(line).toMatchObject({ entry: { virtual: { name: 'my_web' }, real: { name: 'w_1' } } });
    expect(readSnapshot(`${META}${VIRTUAL.replace('web', 'my web')}\n`, 'f').virtuals).toMatchObject([
      { name: 'my_web', address: { text: '192.168.0.1' }, port: 80 },
    ]);
  });

  it('reads back every change that was written', () => {
    const command = fc.constantFrom('addreal', 'chgreal', 'delreal');
    fc.assert(
      fc.property(virtuals, command, (table, command) => {
        for (const { reals, ...head } of table) {
          const { name, protocol, address, port, fwmark, forwarding, scheduler } = head;
          const virtual = { name, protocol, address, port, fwmark, forwarding, scheduler };
          for (const real of reals) {
            const entry = { command, virtual, real };
            expect(readDiffLine(formatDiffLine(entry).trimEnd(), 'd', 1)).toEqual({ kind: 'change', entry });
          }
        }
      }),
    );
  });

  it('reads the time of a change, and refuses a line that is not as it was written', () => {
    const read = readDiffLine(CHANGE, 'd', 1);
    const entry = read?.kind === 'change' ? read.entry : undefined;
    const line = formatDiffLine({ ...(entry as DiffEntry), atMs: 1_795_169_196_123 }).trimEnd();
    expect(readDiffLine(line, 'd', 1, true)).toEqual({
      kind: 'change',
      entry: { ...entry, atMs: 1_795_169_196_123 },
    });
    const damaged = line.replace('rweight=0', 'rweight=9');
    expect(() => readDiffLine(damaged, 'd', 9)).toThrow(
      /^d:9: damaged: expected checksum \w{8}, found \w{8}$/,
    );
    for (const [text, isSealed] of [[line.replace(/ crc32=.*/, ''), false] as const, [CHANGE, true] as const])
      expect(() => readDiffLine(text, 'd', 9, isSealed)).toThrow('d:9: crc32: missing, which its writer');
  });

  it('reads where the next file is, and skips an empty line', () => {
    expect(readDiffLine(formatDiffEnd('/diffs/2').trimEnd(), 'd', 1)).toEqual({
      kind: 'next',
      file: '/diffs/2',
    });
    expect(readDiffLine(' ', 'd', 1)).toBeUndefined();
  });

  it.each([
    ['DIFF', 'd:9: expected key=value, got "DIFF"'],
    ['DIFF file=', 'd:9: file: missing'],
    [CHANGE.replace('chgreal', 'setreal'), 'd:9: cmd: expected addreal, chgreal, delreal, got "setreal"'],
    [CHANGE.replace('rweight=0', ''), 'd:9: rweight: missing'],
    [CHANGE.replace('10.0.0.11', '10.0.0.256'), 'd:9: raddr: expected an IP address, got "10.0.0.256"'],
    [CHANGE.replace('rname=w1', 'w1'), 'd:9: expected key=value, got "w1"\nd:9: rname: missing'],
  ])('refuses %j', (text, message) => {
    expect(() => readDiffLine(text, 'd', 9)).toThrow(expect.objectContaining({ name: 'SnapshotError' }));
    expect(() => readDiffLine(text, 'd', 9)).toThrow(message);
  });
});
