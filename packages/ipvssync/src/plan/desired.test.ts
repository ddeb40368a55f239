import type { SnapshotVirtual } from '@surealived/shared/snapshot/format';
import { readSnapshot } from '@surealived/shared/snapshot/read';
import { describe, expect, it } from 'vitest';
import { META, real, WEB } from '../handover/handover.test-kit.js';
import { describeOperation } from '../ipvs/describe.js';
import { desiredService } from './desired.js';
import { planChanges } from './plan.js';

function virtual(...reals: readonly string[]): SnapshotVirtual {
  const [only] = readSnapshot(`${META}${WEB}${reals.join('')}`, 'f').virtuals;
  if (!only) throw new Error('no virtual');
  return only;
}

describe('desiredService', () => {
  it('lets reals drain for as long as the snapshot says, but not those of UDP', () => {
    const draining = WEB.replace('\n', ' vdrain=90\n');
    const drainOf = (line: string) =>
      readSnapshot(`${META}${line}`, 'f').virtuals.map((one) => desiredService(one).drainTimeoutSec);
    expect(
      [WEB, draining, draining.replace('tcp', 'udp'), draining.replace('tcp', 'sctp')].flatMap(drainOf),
    ).toEqual([0, 90, 0, 90]);
  });

  it('gives a real the port on which it gets traffic, and one of two that are the same then', () => {
    const lines = [
      'real rname=a raddr=10.0.0.11 rport=8080 rweight=1\n',
      'real rname=b raddr=10.0.0.12 rport=8080 rweight=2 rrt=tun\n',
      'real rname=c raddr=10.0.0.13 rport=8080 rweight=3 rrt=masq\n',
      'real rname=d raddr=10.0.0.11 rport=8081 rweight=4\n',
      'real rname=e raddr=10.0.0.11 rport=8082 rweight=0\n',
    ];
    const found = desiredService(virtual(...lines)).destinations.map(
      ({ address, port, weight }) => `${address.text}:${port}=${weight}`,
    );
    expect(found).toEqual(['10.0.0.11:80=4', '10.0.0.12:80=2', '10.0.0.13:8080=3']);
  });

  it('leaves the ports of a firewall mark alone', () => {
    const head = 'virtual vname=m vproto=fwmark vfwmark=7 vrt=dr vsched=rr\n';
    const [marked] = readSnapshot(`${META}${head}${real('10.0.0.11:80', 1)}`, 'f').virtuals;
    expect(marked && desiredService(marked).destinations[0]?.port).toBe(80);
  });

  it('says in the words of the table what the snapshot says', () => {
    const head =
      'virtual vname=m vproto=fwmark vfwmark=7 vaddr=:: vport=0 vrt=tun vsched=sh ' +
      'vsflags=sh-fallback,sh-port vpers=60 vprefix=64 vpe=sip\n';
    const line = 'real rname=r raddr=fd00::11 rport=0 rweight=5 rl_thresh=1 ru_thresh=2 rrt=masq\n';
    const [marked] = readSnapshot(`${META}${head}${line}`, 'f').virtuals;
    const plan = planChanges(marked ? [desiredService(marked)] : [], [], { deleteUnmanaged: false });
    expect(plan.map(describeOperation)).toEqual([
      '+ fwmark 7 IPv6 scheduler sh flags sh-fallback,sh-port persistence 60s prefix 64 engine sip',
      '+ fwmark 7 IPv6 real [fd00::11]:0 forwarding masq weight 5 lower 1 upper 2',
    ]);
  });
});
