import { parseAddress } from '@surealived/shared/address';
import { IPIP } from '@surealived/shared/model';
import type { Service } from 'ipvssync/ipvs/table';
import { describe, expect, it } from 'vitest';
import { type Pool, PoolWatch } from './pool-watch.js';

/** A sample: the weights in the kernel (`undefined` where the service is not there), and since when the tester has it served. */
type Step = readonly [weights: readonly number[] | undefined, servedSince?: number];

function at(text: string) {
  const address = parseAddress(text);
  if (!address) throw new Error(text);
  return address;
}

const ID = { protocol: 'tcp', address: at('10.0.0.1'), port: 80, fwmark: 0 } as const;

function serviceWith(weights: readonly number[]): Service {
  const settings = { scheduler: 'rr', schedulerFlags: 0, persistenceSec: 0, persistencePrefix: 32 };
  const destinations = weights.map((weight, i) => ({
    address: at(`10.0.1.${i}`),
    port: 80,
    forwarding: 'dr' as const,
    tunnel: IPIP,
    weight,
    lowerThreshold: 0,
    upperThreshold: 0,
  }));
  return { ...ID, ...settings, persistenceEngine: '', onePacket: false, destinations };
}

function watch(steps: readonly Step[], isFromBirth: boolean): number {
  const poolWatch = new PoolWatch();
  for (const [weights, servedSince] of steps) {
    const pools: Pool[] = servedSince === undefined ? [] : [{ service: ID, servedSince, isFromBirth }];
    poolWatch.sample(weights ? [serviceWith(weights)] : [], pools);
  }
  return poolWatch.judged;
}

describe('PoolWatch', () => {
  it.each<[string, boolean, Step[], number]>([
    ['a new one that is not there yet', true, [[undefined, 1]], 0],
    ['a new one that is served', true, [[[5, 0], 1]], 1],
    [
      'one that is served again, as long as the table may be in the time before',
      false,
      [
        [[0], 9],
        [[], 9],
      ],
      0,
    ],
    ['one that is not to be served', false, [[[3], 3], [[0]], [undefined]], 0],
    ['one that was served, was not, and is again', false, [[[3], 3], [[0]], [[0], 7], [[7], 7], [[7], 7]], 1],
    [
      'one that the table has served by somebody of before',
      false,
      [
        [[3], 9],
        [[0], 9],
      ],
      0,
    ],
  ])('is content with %s', (_what, isFromBirth, steps, judged) => {
    expect(watch(steps, isFromBirth)).toBe(judged);
  });

  it.each<[string, boolean, Step[], RegExp]>([
    ['a new one without reals', true, [[[], 1]], /nobody serves tcp 10.0.0.1:80, .*: it has no reals/],
    ['a new one all at 0', true, [[[0, 0], 1]], /: 10.0.1.0:80=0 10.0.1.1:80=0/],
    [
      'one that is gone',
      true,
      [
        [[5], 1],
        [undefined, 1],
      ],
      /: it is not there/,
    ],
    [
      'one that was served in this time',
      false,
      [
        [[3, 12], 9],
        [[0, 0], 9],
      ],
      /since weight 9: /,
    ],
    ['a weight of before', false, [[[12]], [[0]], [[11]]], /10.0.1.0:80: weight 11 is back, after 12/],
  ])('refuses %s', (_what, isFromBirth, steps, message) => {
    expect(() => watch(steps, isFromBirth)).toThrow(message);
  });
});
