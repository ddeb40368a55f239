import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { messageOf } from '../errors.js';
import { readSnapshot } from './read.js';
import { readUsualReal } from './usual-real.js';

const HEAD = `meta version=1.0
virtual vname=web vproto=tcp vaddr=192.168.0.1 vport=80 vrt=tun vsched=wrr
`;

/** What becomes of a real's line, problems and all. */
function outcome(line: string): unknown {
  try {
    return readSnapshot(`${HEAD}${line}\n`, 'full.cfg');
  } catch (error) {
    return messageOf(error);
  }
}

/** Ordinary ones, and what comes close to them. */
const part = (usual: readonly string[], odd: readonly string[]) =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...usual) },
    { weight: 1, arbitrary: fc.constantFrom(...odd) },
  );
const line = fc
  .tuple(
    part(['w1', 'a:b<c>'], ['', 'a=b', 'ä', 'n'.repeat(127), 'n'.repeat(128), 'a b']),
    part(['10.0.0.1', '2001:DB8::1'], ['', '1', '::ffff:1.2.3.4', '10.0.0.256', '010.0.0.1', 'fe80::1%eth0']),
    part(['80', '0'], ['', '65535', '65536', '00080', '-1', '+1', '1e1', '000000']),
    part(['10', '65535'], ['', '65536', '99999', '0x1', '1 ', '1 rl_thresh=5', '1 rweight=2', '1 x']),
    fc.constantFrom(' ', ' ', ' ', '  ', '\t'),
  )
  .map(([name, address, port, weight, gap]) =>
    [`real rname=${name}`, `raddr=${address}`, `rport=${port}`, `rweight=${weight}`].join(gap),
  );

describe('readUsualReal', () => {
  it('reads what the general rules read, and leaves them what they refuse', () => {
    fc.assert(
      fc.property(line, (any) => {
        expect(outcome(any)).toEqual(outcome(` ${any}`)); // a space before it makes it unusual
      }),
      { numRuns: 2000 },
    );
  });

  it('takes the lines of which there are many', () => {
    const text = 'real rname=w1 raddr=10.0.0.11 rport=80 rweight=10\n';
    expect(readUsualReal(text, 0, { forwarding: 'dr' })).toMatchObject({ name: 'w1', port: 80, weight: 10 });
    expect(readUsualReal(text.trim(), 0, { forwarding: 'dr' })).toBeUndefined();
  });
});
