import type { AdminState } from '@surealived/shared/model';
import { describe, expect, it } from 'vitest';
import { realConfig, virtualConfig } from './services.test-kit.js';
import { createVirtual, diffEntries, isPresent, type Real, snapshotVirtual } from './state.js';

function realIn(online: boolean, adminState: AdminState, removeOnFail: boolean) {
  const virtual = createVirtual(
    virtualConfig([realConfig('w1'), realConfig('w2', { port: 81 })], { removeOnFail }),
  );
  const real = virtual.reals[0] as Real;
  real.health = { ...real.health, online };
  real.adminState = adminState;
  return { virtual, real };
}

it('begins with every real online at its configured weight', () => {
  const virtual = createVirtual(virtualConfig([realConfig('w1', { weight: 3 })]));
  expect(snapshotVirtual(virtual)).toMatchObject({ name: 'web', reals: [{ name: 'w1', weight: 3 }] });
});

describe('a real', () => {
  it.each([
    // online, rstate, remove_on_fail, in IPVS, weight
    [true, 'ONLINE', false, true, 10],
    [true, 'ONLINE', true, true, 10],
    [false, 'ONLINE', false, true, 0],
    [false, 'ONLINE', true, false, 0],
    [true, 'OFFLINE', false, true, 0],
    [true, 'OFFLINE', true, true, 0],
    [false, 'OFFLINE', true, false, 0],
    [true, 'DOWN', false, false, 0],
    [false, 'DOWN', true, false, 0],
  ] as const)('online: %s, %s, remove_on_fail: %s is in IPVS: %s with weight %i', (...row) => {
    const [online, adminState, removeOnFail, present, weight] = row;
    const { virtual, real } = realIn(online, adminState, removeOnFail);
    expect(isPresent(virtual, real)).toBe(present);
    const { reals } = snapshotVirtual(virtual);
    expect(reals.map(({ name }) => name)).toEqual(present ? ['w1', 'w2'] : ['w2']);
    const lines = diffEntries(virtual, real).map((entry) => [
      entry.command,
      entry.real.name,
      entry.real.weight,
    ]);
    const commands = present ? ['addreal', 'chgreal'] : ['delreal'];
    expect(lines).toEqual(commands.map((command) => [command, 'w1', weight]));
  });
});
