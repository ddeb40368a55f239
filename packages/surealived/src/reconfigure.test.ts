import http from '@surealived/testers/testers/http';
import { describe, expect, it } from 'vitest';
import type { RealConfig, TestingConfig, VirtualConfig } from './config/model.js';
import { reconfigure } from './reconfigure.js';
import { at, realConfig, virtualConfig } from './services.test-kit.js';
import { createVirtual, type Real, type Virtual } from './state.js';

const w1 = realConfig('w1');
const w2 = realConfig('w2', { address: at('10.0.0.12') });
const web = virtualConfig([w1, w2]);
const mail = virtualConfig([realConfig('m1')], {}, { name: 'mail', port: 25 });

function reload(before: readonly VirtualConfig[], after: readonly VirtualConfig[]) {
  const current = before.map(createVirtual);
  const { virtuals, added, removed, retested, entries, ...rest } = reconfigure(current, after);
  const names = (places: readonly { virtual: Virtual; real: Real }[]) =>
    places.map(({ virtual, real }) => `${virtual.config.name}/${real.config.name}`);
  return {
    current,
    virtuals,
    added: names(added),
    removed: names(removed),
    retested: names(retested),
    lines: entries.map(
      ({ command, virtual, real }) => `${command} ${virtual.name}/${real.name} ${real.weight}`,
    ),
    ...rest,
  };
}

const nothing = { added: [], removed: [], retested: [], lines: [], needsSnapshot: false, changed: 0 };

describe('reconfigure', () => {
  it('finds nothing where nothing changed, whether the objects are the same or only equal', () => {
    expect(reload([web, mail], [web, { ...mail, reals: [{ ...realConfig('m1') }] }])).toMatchObject(nothing);
  });

  it('keeps the state of what stays', () => {
    const current = [createVirtual(web)];
    const [virtual] = current as [Virtual];
    const [first] = virtual.reals as [Real];
    const state = { health: { online: false, successes: 0, failures: 1 }, adminState: 'DOWN', tests: 7 };
    Object.assign(first, state);
    const result = reconfigure(current, [{ ...web, reals: [w2, { ...w1, weight: 20 }] }]);
    expect(result.virtuals).toEqual([virtual]);
    expect(virtual.reals[1]).toBe(first);
    expect(first).toMatchObject({ ...state, config: { weight: 20 } });
  });

  it('tells one changed weight in one line', () => {
    const after = { ...web, reals: [w1, { ...w2, weight: 20 }] };
    expect(reload([web, mail], [after, mail])).toMatchObject({
      ...nothing,
      lines: ['chgreal web/w2 20'],
      changed: 1,
    });
  });

  it('tells added and removed reals of a virtual that stays by lines', () => {
    const w3 = realConfig('w3', { address: at('10.0.0.13'), weight: 3 });
    expect(reload([web], [{ ...web, reals: [w2, w3] }])).toMatchObject({
      ...nothing,
      added: ['web/w3'],
      removed: ['web/w1'],
      lines: ['addreal web/w3 3', 'delreal web/w1 10'],
    });
  });

  it('needs no snapshot, nor other tests, for a slow start or a floor', () => {
    const after = { ...web, slowStartMs: 5000, minOnline: { value: 1, isPercent: false } };
    expect(reload([web], [after])).toMatchObject({ ...nothing, changed: 2 });
  });

  it('lets weights settle before it tells of them', () => {
    const current = [createVirtual(web), createVirtual(mail)];
    const settled: string[] = [];
    const { entries } = reconfigure(
      current,
      [{ ...web, reals: [w2, { ...w1, weight: 20 }] }, mail],
      (virtual) => {
        settled.push(virtual.reals.map(({ config }) => `${config.name} ${config.weight}`).join(', '));
        for (const real of virtual.reals) real.adjustment = { kind: 'ramp', weight: 3 };
      },
    );
    expect(settled).toEqual(['w2 10, w1 20']);
    expect(entries).toMatchObject([
      { command: 'chgreal', real: { name: 'w2', weight: 3 } },
      { command: 'chgreal', real: { name: 'w1', weight: 3 } },
    ]);
  });

  it('needs a snapshot for virtuals that come or go', () => {
    expect(reload([web], [web, mail])).toMatchObject({ ...nothing, added: ['mail/m1'], needsSnapshot: true });
    expect(reload([web, mail], [mail])).toMatchObject({
      ...nothing,
      removed: ['web/w1', 'web/w2'],
      needsSnapshot: true,
    });
  });

  it.each<[string, Partial<VirtualConfig>]>([
    ['name', { name: 'www' }],
    ['scheduler', { scheduler: 'rr' }],
    ['flag of the scheduler', { schedulerFlags: ['sh-port'] }],
    ['persistence', { persistenceSec: 60 }],
    ['persistence prefix', { persistencePrefix: 24 }],
    ['persistence engine', { persistenceEngine: 'sip' }],
    ['forwarding method', { forwarding: 'masq' }],
    ['time to drain', { drainTimeoutSec: 60 }],
  ])('needs a snapshot for another %s of a virtual', (_what, own) => {
    expect(reload([web], [{ ...web, ...own }])).toMatchObject({ needsSnapshot: true, changed: 2 });
  });

  it.each<[string, Partial<RealConfig>]>([
    ['port to test', { testPort: 81 }],
    ['source address', { bindAddress: at('10.0.0.1') }],
    ['attribute', { attributes: { url: '/' } }],
    [
      'server name',
      { tls: { serverName: 'a', policy: { verify: false, caFile: undefined, caStamp: '', minDays: 0 } } },
    ],
  ])('begins the tests of a real with another %s anew, and those of no other', (_what, own) => {
    expect(reload([web], [{ ...web, reals: [w1, { ...w2, ...own }] }])).toMatchObject({
      ...nothing,
      retested: ['web/w2'],
      changed: 1,
    });
  });

  it('tells of another tunnel in a diff line', () => {
    const tun = { ...w2, forwarding: 'tun' } as const;
    const tunnel = { type: 'gue', port: 6080, flags: 'nocsum' } as const;
    const before = { ...web, reals: [w1, tun] };
    const current = [createVirtual(before)];
    const { entries, needsSnapshot } = reconfigure(current, [{ ...before, reals: [w1, { ...tun, tunnel }] }]);
    expect(entries).toMatchObject([{ command: 'chgreal', real: { name: 'w2', tunnel } }]);
    expect(needsSnapshot).toBe(false);
  });

  it.each<[string, Partial<TestingConfig>, readonly string[]]>([
    ['tester', { tester: http }, ['web/w1', 'web/w2']],
    ['time-out', { timeoutMs: 7 }, ['web/w1', 'web/w2']],
    ['shorter loop delay', { loopDelayMs: 7 }, ['web/w1', 'web/w2']],
    ['longer loop delay', { loopDelayMs: 70_000 }, []],
    ['shorter delay of another state', { fastDelayMs: 7, downDelayMs: 7 }, []],
    ['jitter', { jitterPercent: 10 }, []],
    ['threshold', { thresholds: { rise: 2, fall: 3 } }, []],
  ])('with another %s begins anew only the tests that it makes others', (_what, testing, retested) => {
    expect(reload([web], [virtualConfig([w1, w2], testing)])).toMatchObject({
      ...nothing,
      retested,
      changed: 2,
    });
  });

  it.each([
    ['fastDelayMs', { online: true, successes: 0, failures: 1 }],
    ['downDelayMs', { online: false, successes: 0, failures: 3 }],
  ] as const)('begins the tests of a real anew whose state has a shorter %s now', (delay, health) => {
    const current = [createVirtual(web)];
    const [real] = (current[0] as Virtual).reals as [Real];
    real.health = health;
    const { retested } = reconfigure(current, [virtualConfig([w1, w2], { [delay]: 7 })]);
    expect(retested.map(({ real }) => real.config.name)).toEqual(['w1']);
    expect(reconfigure(current, [virtualConfig([w1, w2], { [delay]: 8 })]).retested).toEqual([]);
  });

  it('follows remove_on_fail for a real that is offline', () => {
    const current = [createVirtual(web)];
    const [real] = (current[0] as Virtual).reals as [Real];
    real.health = { online: false, successes: 0, failures: 1 };
    const commands = (config: VirtualConfig) =>
      reconfigure(current, [config]).entries.map(({ command, real: { name } }) => `${command} ${name}`);
    expect(commands(virtualConfig([w1, w2], { removeOnFail: true }))).toEqual(['delreal w1']);
    expect(commands(virtualConfig([w1, w2], { removeOnFail: false }))).toEqual(['addreal w1']);
  });

  it('has the round wait for the reals that are there', () => {
    const current = [createVirtual(web)];
    const [virtual] = current as [Virtual];
    for (const real of virtual.reals.slice(0, 1)) real.round = 1;
    virtual.untested = 1;
    reconfigure(current, [{ ...web, reals: [w1, w2, realConfig('w3', { port: 81 })] }]);
    expect(virtual.untested).toBe(2);
  });
});
