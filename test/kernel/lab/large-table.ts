import { type Address, parseAddress } from '@surealived/shared/address';
import { IPIP } from '@surealived/shared/model';
import type { SnapshotReal, SnapshotVirtual } from '@surealived/shared/snapshot/format';

const VIRTUALS = 1000;
const REALS_EACH = 10;
const WEIGHT = 10;
const CHANGED_WEIGHT = 11;
/** Of as many reals one has the other weight in a changed table. */
const CHANGE_EVERY = 100;

/** 1,000 virtuals, or so many, with 10 reals each, as surealived hands them over. */
export function largeSnapshot(virtuals = VIRTUALS, { isChanged = false } = {}): readonly SnapshotVirtual[] {
  return Array.from({ length: virtuals }, (_, v) => ({
    name: `v${v}`,
    protocol: 'tcp',
    address: parse(virtualAddress(v)),
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
    reals: Array.from({ length: REALS_EACH }, (_, r) => realOf(v, r, isChanged && isChangedReal(v, r))),
  }));
}

/** The same as `ipvsadm -R` takes it. */
export function largeRules(virtuals = VIRTUALS): string {
  const lines: string[] = [];
  for (let v = 0; v < virtuals; v++) {
    const service = `-t ${virtualAddress(v)}:80`;
    lines.push(`-A ${service} -s wrr`);
    for (let r = 0; r < REALS_EACH; r++)
      lines.push(`-a ${service} -r ${realAddress(v, r)}:80 -m -w ${WEIGHT}`);
  }
  return `${lines.join('\n')}\n`;
}

/** What makes the changed table of it: an edit of one real in a hundred. */
export function largeEdits(virtuals = VIRTUALS): string {
  const lines: string[] = [];
  for (let v = 0; v < virtuals; v++) {
    for (let r = 0; r < REALS_EACH; r++) {
      if (!isChangedReal(v, r)) continue;
      lines.push(`-e -t ${virtualAddress(v)}:80 -r ${realAddress(v, r)}:80 -m -w ${CHANGED_WEIGHT}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function isChangedReal(v: number, r: number): boolean {
  return (v * REALS_EACH + r) % CHANGE_EVERY === 0;
}

function realOf(v: number, r: number, isChanged: boolean): SnapshotReal {
  return {
    name: `r${r}`,
    address: parse(realAddress(v, r)),
    port: 80,
    weight: isChanged ? CHANGED_WEIGHT : WEIGHT,
    lowerThreshold: 0,
    upperThreshold: 0,
    forwarding: 'masq',
    tunnel: IPIP,
  };
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
