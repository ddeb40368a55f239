import { type Address, parseAddress } from '@surealived/shared/address';
import { IPIP } from '@surealived/shared/model';
import type { SnapshotReal, SnapshotVirtual } from '@surealived/shared/snapshot/format';

export const VIRTUALS = 1000;
export const REALS_EACH = 10;
export const WEIGHT = 10;

/** 1,000 virtuals with 10 reals each, as surealived hands them over. */
export function largeSnapshot(): readonly SnapshotVirtual[] {
  return Array.from({ length: VIRTUALS }, (_, v) => ({
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
    reals: Array.from({ length: REALS_EACH }, (_, r) => realOf(v, r)),
  }));
}

/** The same as `ipvsadm -R` takes it. */
export function largeRules(): string {
  const lines: string[] = [];
  for (let v = 0; v < VIRTUALS; v++) {
    const service = `-t ${virtualAddress(v)}:80`;
    lines.push(`-A ${service} -s wrr`);
    for (let r = 0; r < REALS_EACH; r++)
      lines.push(`-a ${service} -r ${realAddress(v, r)}:80 -m -w ${WEIGHT}`);
  }
  return `${lines.join('\n')}\n`;
}

function realOf(v: number, r: number): SnapshotReal {
  return {
    name: `r${r}`,
    address: parse(realAddress(v, r)),
    port: 80,
    weight: WEIGHT,
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
