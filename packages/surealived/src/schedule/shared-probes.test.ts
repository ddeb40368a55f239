import { defineStreamTester, type Tester, up } from '@surealived/testers/tester';
import dns from '@surealived/testers/testers/dns';
import exec from '@surealived/testers/testers/exec';
import http from '@surealived/testers/testers/http';
import lua from '@surealived/testers/testers/lua';
import noTest from '@surealived/testers/testers/no-test';
import ssh from '@surealived/testers/testers/ssh';
import tcp from '@surealived/testers/testers/tcp';
import Type from 'typebox';
import { describe, expect, it } from 'vitest';
import type { RealConfig, TestingConfig } from '../config/model.js';
import { Engine } from '../engine/engine.js';
import { newReactor } from '../engine/hostile-servers.test-kit.js';
import { at, realConfig, virtualConfig } from '../services.test-kit.js';
import { createVirtual, type Real, type Virtual } from '../state.js';
import type { SharedProbe } from './shared-probe.js';
import { SharedProbes } from './shared-probes.js';

const DUE_MS = 3_600_000;

function newProbes() {
  const reactor = newReactor();
  const engine = new Engine(reactor, { sockets: 1, tasks: 1 });
  const nothing = (): void => undefined;
  const sentinels = { noteTest: nothing };
  const probes = new SharedProbes({ reactor, engine, sentinels, random: Math.random, onOutcome: nothing });
  const join = (testing: Partial<TestingConfig> = {}, real: Partial<RealConfig> = {}) => {
    const virtual = virtualOf(testing, real);
    const [member] = virtual.reals as [Real];
    const dueMs = reactor.nowMs() + DUE_MS;
    return { virtual, real: member, probe: probes.join(virtual, member, { dueMs, latestMs: dueMs }) };
  };
  return { probes, join };
}

/** A virtual of one real, as a file of its own would have it: no object is that of another. */
function virtualOf(testing: Partial<TestingConfig> = {}, real: Partial<RealConfig> = {}): Virtual {
  const config = realConfig('w', { address: at('10.0.0.1'), attributes: { url: '/', host: 'a' }, ...real });
  return createVirtual(virtualConfig([config], { tester: http, ...testing }));
}

const tls = (serverName: string | undefined, minDays = 0): Partial<RealConfig> => ({
  tls: { serverName, policy: { verify: false, caFile: undefined, caStamp: '', minDays } },
});

describe('SharedProbes', () => {
  it('finds one probe for tests that are the same, whatever else differs', () => {
    const { join } = newProbes();
    const { probe } = join();
    expect(probe).toBeDefined();
    expect(join().probe).toBe(probe);
    expect(join({}, { name: 'other', port: 8080, weight: 1 }).probe).toBe(probe);
    expect(join({ thresholds: { rise: 2, fall: 7 }, statsSamples: 3, debugComm: true }).probe).toBe(probe);
  });

  it('finds one for tests by TLS, too', () => {
    const { join } = newProbes();
    expect(join({}, tls('a')).probe).toBe(join({}, tls('a')).probe);
  });

  it.each<[string, Partial<TestingConfig>, Partial<RealConfig>]>([
    ['tester', { tester: tcp }, {}],
    ['time-out', { timeoutMs: 7 }, {}],
    ['loopdelay', { loopDelayMs: 7 }, {}],
    ['fastdelay', { fastDelayMs: 7 }, {}],
    ['downdelay', { downDelayMs: 7 }, {}],
    ['jitter', { jitterPercent: 7 }, {}],
    ['address', {}, { address: at('10.0.0.2') }],
    ['family of the address', {}, { address: at('::ffff:10.0.0.1') }],
    ['port', {}, { testPort: 81 }],
    ['source address', {}, { bindAddress: at('10.0.0.9') }],
    ['attribute', {}, { attributes: { url: '/', host: 'b' } }],
    ['server name', {}, tls('b')],
    ['lack of a server name', {}, tls(undefined)],
    ['policy of TLS', {}, tls('a', 7)],
    ['lack of TLS', {}, { tls: undefined }],
  ])('finds another for another %s', (_what, testing, real) => {
    const { join } = newProbes();
    expect(join(testing, { ...tls('a'), ...real }).probe).not.toBe(join({}, tls('a')).probe);
  });

  const own = (shareable?: boolean): Tester =>
    defineStreamTester({
      name: 'own',
      description: 'Comes from elsewhere.',
      attributes: Type.Object({}),
      ...(shareable !== undefined && { shareable }),
      // biome-ignore lint/correctness/useYield: the connection alone is the test
      *probe() {
        return up('connected');
      },
    });

  it.each([
    [tcp, true],
    [http, true],
    [dns, true],
    [ssh, true],
    [own(true), true],
    [own(false), false],
    [own(), false],
    [exec, false],
    [lua, false],
    [noTest, false],
  ])('asks the tester whether it tells reals apart: $name', (tester, isShared) => {
    expect(newProbes().join({ tester }).probe !== undefined).toBe(isShared);
  });

  it('forgets a probe with its last real', () => {
    const { probes, join } = newProbes();
    const [first, second] = [join(), join()];
    const probe = first.probe as SharedProbe;
    const neighbour = join({}, { testPort: 81 }).probe;
    probes.leave(probe, first.real);
    expect(probe.isArmed).toBe(true);
    probes.leave(probe, second.real);
    expect(probe.isArmed).toBe(false);
    expect(join().probe).not.toBe(probe);
    expect(join({}, { testPort: 81 }).probe).toBe(neighbour);
  });

  it('tests earlier for a real that joins where the next test would be too late for it', () => {
    const { probes, join } = newProbes();
    const { dueMs } = join().probe as SharedProbe;
    const virtual = virtualOf();
    const [real] = virtual.reals as [Real];
    const dueAfter = (earlierMs: number, latestMs: number) =>
      probes.join(virtual, real, { dueMs: dueMs - earlierMs, latestMs })?.dueMs;
    expect(dueAfter(7, dueMs)).toBe(dueMs);
    expect(dueAfter(5, dueMs - 1)).toBe(dueMs - 5);
    expect(dueAfter(9, dueMs - 3)).toBe(dueMs - 5);
  });

  it('knows a real that is tested by other settings than those of its probe', () => {
    const { probes, join } = newProbes();
    const { virtual, real, probe } = join();
    expect(probes.isChanged(virtual)).toBe(true);
    expect(probes.isChanged(virtual)).toBe(false);
    expect(probes.isRight(probe as SharedProbe, virtual, real)).toBe(true);
    virtual.config = { ...virtual.config, testing: { ...virtual.config.testing, jitterPercent: 5 } };
    expect(probes.isChanged(virtual)).toBe(true);
    expect(probes.isRight(probe as SharedProbe, virtual, real)).toBe(false);
  });
});
