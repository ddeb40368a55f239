import { addressFromBytes, parseAddress } from '@surealived/shared/address';
import fc from 'fast-check';
import type { Settings, SyncDaemon, SyncState, Timeouts } from './settings.js';

/** `daemon('master', { group: 'ff02::1' })`: on lo with syncid 5, the rest as the kernel has it by default. */
export function daemon(
  state: SyncState,
  { group = '224.0.0.81', ...rest }: Partial<Omit<SyncDaemon, 'group'>> & { readonly group?: string } = {},
): SyncDaemon {
  const address = parseAddress(group);
  if (!address) throw new Error(`no address: ${group}`);
  return { state, device: 'lo', syncId: 5, group: address, port: 8848, ttl: 1, maxlenBytes: 0, ...rest };
}

const group = fc.oneof(
  fc.integer({ min: 0, max: 255 }).map((last) => addressFromBytes(4, Uint8Array.of(224, 0, 0, last))),
  fc.integer({ min: 0, max: 255 }).map((last) =>
    addressFromBytes(
      6,
      Uint8Array.from({ length: 16 }, (_, i) => [0xff, 2][i] ?? (i === 15 ? last : 0)),
    ),
  ),
);

function arbitraryDaemon(state: SyncState): fc.Arbitrary<SyncDaemon> {
  return fc.record({
    state: fc.constant(state),
    device: fc.constant('lo'),
    syncId: fc.integer({ min: 0, max: 255 }),
    group,
    port: fc.integer({ min: 1, max: 65_535 }),
    ttl: fc.integer({ min: 1, max: 255 }),
    maxlenBytes: fc.oneof(fc.constant(0), fc.integer({ min: 1024, max: 1452 })),
  });
}

const seconds = (min: number): fc.Arbitrary<number> => fc.integer({ min, max: 2_147_483 });

/** Timeouts; 0, where `min` allows it, is one that is left as it is. */
export function arbitraryTimeouts(min: 0 | 1): fc.Arbitrary<Timeouts> {
  return fc.record({ tcpSec: seconds(min), tcpFinSec: seconds(min), udpSec: seconds(min) });
}

/** No daemon, either, or both. */
export const arbitraryDaemons: fc.Arbitrary<SyncDaemon[]> = fc
  .tuple(fc.option(arbitraryDaemon('master')), fc.option(arbitraryDaemon('backup')))
  .map((pair) => pair.filter((item) => item !== null));

/** Settings that a kernel may have. */
export const arbitrarySettings: fc.Arbitrary<Settings> = fc.record({
  timeouts: arbitraryTimeouts(1),
  daemons: arbitraryDaemons.map((all) =>
    all.map((item) => ({
      ...item,
      maxlenBytes: item.maxlenBytes || (item.group.family === 4 ? 1472 : 1452),
    })),
  ),
});
