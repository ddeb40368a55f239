import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { type Address, parseAddress } from '@surealived/shared/address';
import { IPIP } from '@surealived/shared/model';
import type { SnapshotVirtual } from '@surealived/shared/snapshot/format';
import { formatSnapshot } from '@surealived/shared/snapshot/write';
import { scriptOf } from '../../daemons/daemon-process.js';
import { HandoverDirectory } from '../../daemons/handover-directory.js';
import { saveIpvs } from '../lab/ipvs.js';
import type { Namespace } from '../lab/namespace.js';
import type { Scenario } from './scenario.js';

const VIRTUALS = 1000;
const REALS_EACH = 10;
const ROUNDS = 3;
const TIMEOUT_MS = 60_000;

/** 11,000 rules into an empty table, whole processes, in turn with `ipvsadm -R` in the same boot. */
export const manyRules: Scenario = {
  name: 'many-rules',
  title:
    '11,000 rules are in the kernel three times faster than by ipvsadm -R, and a second run writes nothing',
  timeoutMs: 180_000,
  async run(lab) {
    const [director] = (await lab.createNamespaces(['director'])) as [Namespace];
    await director.ip(['link set lo up']); // without any address the kernel takes no destination for unicast
    const rules = ipvsadmRules();
    const directory = writeSnapshot();
    const once = (): Promise<string> =>
      director.run([process.execPath, scriptOf('ipvssync'), '-c', directory.config, '--once'], {
        timeoutMs: TIMEOUT_MS,
      });
    const restore = (): Promise<string> =>
      director.run(['ipvsadm', '-R'], { input: rules, timeoutMs: TIMEOUT_MS });
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      theirs.push(await timed(restore));
      const expected = await saveIpvs(director);
      await director.run(['ipvsadm', '-C']);
      ours.push(await timed(once));
      assert.deepEqual(await saveIpvs(director), expected);
      if (round < ROUNDS - 1) await director.run(['ipvsadm', '-C']);
    }
    const startedMs = performance.now();
    const report = await once();
    lab.measure('unchangedMs', performance.now() - startedMs);
    assert.match(report, /^nothing to change/);
    lab.measure('ipvssyncMs', median(ours));
    lab.measure('ipvsadmMs', median(theirs));
    lab.measure('ratio', median(theirs) / median(ours));
  },
};

function ipvsadmRules(): string {
  const lines: string[] = [];
  for (let v = 0; v < VIRTUALS; v++) {
    const service = `-t ${virtualAddress(v)}:80`;
    lines.push(`-A ${service} -s wrr`);
    for (let r = 0; r < REALS_EACH; r++) lines.push(`-a ${service} -r ${realAddress(v, r)}:80 -m -w 10`);
  }
  return `${lines.join('\n')}\n`;
}

function writeSnapshot(): HandoverDirectory {
  const directory = new HandoverDirectory();
  const virtuals = Array.from({ length: VIRTUALS }, (_, v): SnapshotVirtual => {
    const address = parse(virtualAddress(v));
    const reals = Array.from({ length: REALS_EACH }, (_, r) => ({
      name: `r${r}`,
      address: parse(realAddress(v, r)),
      port: 80,
      weight: 10,
      lowerThreshold: 0,
      upperThreshold: 0,
      forwarding: 'masq' as const,
      tunnel: IPIP,
    }));
    return {
      name: `v${v}`,
      protocol: 'tcp',
      address,
      port: 80,
      fwmark: 0,
      forwarding: 'masq',
      scheduler: 'wrr',
      schedulerFlags: [],
      persistenceSec: 0,
      persistencePrefix: 32,
      persistenceEngine: '',
      onePacket: false,
      drainTimeoutSec: 0,
      reals,
    };
  });
  writeFileSync(directory.lock, '');
  writeFileSync(directory.snapshot, formatSnapshot(virtuals, `${directory.diffs}/diff_sync.1`, new Date()));
  return directory;
}

function virtualAddress(v: number): string {
  return `10.1.${v >> 8}.${v & 255}`;
}

function realAddress(v: number, r: number): string {
  return `10.${100 + r}.${v >> 8}.${v & 255}`;
}

function parse(text: string): Address {
  return parseAddress(text) as Address;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
