import { ConfigError } from '@surealived/shared/errors';
import { TesterRegistry } from '@surealived/testers/registry';
import { parseServices } from 'surealived/config/load';
import type { TestingConfig, VirtualConfig } from 'surealived/config/model';
import { expect } from 'vitest';
import { readFixture } from './kit.js';
import { prove } from './prove.js';

const registry = new TesterRegistry();
const load = (xml: string) => parseServices(xml, 'services.xml', { registry });

/** Every message about a text. */
function complaints(xml: string): string {
  try {
    return load(xml)
      .warnings.map(({ message }) => message)
      .join('\n');
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

const VIRTUAL = 'name="web" addr="192.168.0.1" port="80" proto="tcp" sched="wrr" rt="dr"';
const TESTER = 'proto="http" testport="80" url="/" host="h"';
const REAL = 'name="w1" addr="10.0.0.11" port="80" weight="10"';

function services({ virtual = VIRTUAL, tester = `<tester ${TESTER}/>`, reals = `<real ${REAL}/>` } = {}) {
  return `<surealived>\n<virtual ${virtual}>\n${tester}\n${reals}\n</virtual>\n</surealived>\n`;
}

function only(xml: string): VirtualConfig {
  const [virtual, ...others] = load(xml).virtuals;
  if (!virtual || others.length > 0) throw new Error('expected one virtual');
  return virtual;
}

/** The virtual of a file with this in place of a part of it. */
const withVirtual = (from: string, to: string) => services({ virtual: VIRTUAL.replace(from, to) });
const withTester = (attributes: string) => services({ tester: `<tester ${TESTER} ${attributes}/>` });

/** An element's attributes, less one. */
const without = (attributes: string, name: string) =>
  attributes.replace(new RegExp(` ?\\b${name}="[^"]*"`), '');

prove('3 Services: elements and attributes', {
  'a file with every attribute is read'() {
    const { virtuals, warnings } = load(readFixture('services.xml'));
    const [web, mark, dns] = virtuals;
    expect(warnings.map(({ message }) => message.replace(/.*: /, ''))).toEqual(Array(4).fill('ENOENT')); // no such programs
    expect(web).toMatchObject({
      name: 'web',
      protocol: 'tcp',
      port: 80,
      fwmark: 0,
      scheduler: 'wrr',
      forwarding: 'dr',
      address: { text: '192.168.0.1' },
      persistenceSec: 300,
      onePacket: false,
    });
    expect(web?.testing).toEqual({
      tester: registry.find('http'),
      loopDelayMs: 1000,
      fastDelayMs: 1000,
      downDelayMs: 1000,
      jitterPercent: 0,
      timeoutMs: 2000,
      thresholds: { rise: 3, fall: 4 },
      removeOnFail: true,
      debugComm: true,
      logMicro: true,
      statsSamples: 7,
      notify: {
        up: '/bin/up',
        down: '/bin/down',
        realUp: '/bin/rup',
        realDown: '/bin/rdown',
        minReals: { value: 50, isPercent: true },
        minWeight: { value: 25, isPercent: false },
      },
    } satisfies Record<keyof TestingConfig, unknown>);
    expect(web?.reals).toMatchObject([
      {
        name: 'w1',
        address: { text: '10.0.0.11' },
        port: 80,
        weight: 10,
        upperThreshold: 0,
        lowerThreshold: 0,
        forwarding: 'dr',
        testPort: 8080,
        bindAddress: undefined,
        attributes: { url: '/check?a=1&b=2', host: 'www.example.org', naive: true, retcode: '204' },
        tls: { serverName: 'www.example.org' },
      },
      {
        name: 'w2',
        address: { text: '10.0.0.12' },
        port: 81,
        weight: 20,
        upperThreshold: 100,
        lowerThreshold: 50,
        forwarding: 'masq',
        testPort: 8081,
        bindAddress: { text: '10.0.0.1' },
      },
    ]);
    expect(mark).toMatchObject({ protocol: 'fwmark', fwmark: 7, port: 0, address: { text: '0.0.0.0' } });
    expect(dns).toMatchObject({ protocol: 'udp', onePacket: true, testing: { tester: { name: 'dns' } } });
  },
  'every default is that of the original'() {
    const virtual = only(services());
    expect(virtual).toMatchObject({ persistenceSec: 0, onePacket: false, fwmark: 0 });
    expect(virtual.testing).toEqual({
      tester: registry.find('http'),
      loopDelayMs: 3000,
      fastDelayMs: 3000,
      downDelayMs: 3000,
      jitterPercent: 0,
      timeoutMs: 5000,
      thresholds: { rise: 1, fall: 1 },
      removeOnFail: false,
      debugComm: false,
      logMicro: false,
      statsSamples: 20,
      notify: {
        up: undefined,
        down: undefined,
        minReals: undefined,
        minWeight: undefined,
        realUp: undefined,
        realDown: undefined,
      },
    });
    expect(virtual.reals[0]).toMatchObject({ tls: undefined, attributes: { naive: false, retcode: '200' } });
  },
  'every mandatory attribute is missed by its name'() {
    for (const name of ['name', 'addr', 'port', 'proto', 'sched', 'rt'])
      expect(complaints(services({ virtual: without(VIRTUAL, name) }))).toContain(`"${name}": missing`);
    for (const name of ['proto', 'testport', 'url', 'host'])
      expect(complaints(services({ tester: `<tester ${without(TESTER, name)}/>` }))).toContain(
        `"${name}": missing`,
      );
    for (const name of ['name', 'addr', 'port', 'weight'])
      expect(complaints(services({ reals: `<real ${without(REAL, name)}/>` }))).toContain(
        `"${name}": missing`,
      );
    const modules = [
      ['dns', 'request'],
      ['exec', 'exec'],
      ['lua', 'script'],
    ];
    for (const [proto, name] of modules)
      expect(complaints(services({ tester: `<tester proto="${proto}" testport="1"/>` }))).toContain(
        `"${name}": missing`,
      );
  },
  'a virtual has exactly one tester and any number of reals'() {
    expect(complaints(services({ tester: '' }))).toContain('expected one <tester>, found none');
    expect(complaints(services({ tester: `<tester ${TESTER}/><tester ${TESTER}/>` }))).toContain(
      'this is another',
    );
    expect(only(services({ reals: '' })).reals).toEqual([]);
    const many = Array.from({ length: 300 }, (_, i) => `<real ${REAL.replace('port="80"', `port="${i}"`)}/>`);
    expect(only(services({ reals: many.join('\n') })).reals).toHaveLength(300);
  },
  'unknown tags are errors'() {
    for (const xml of [
      services().replace('<virtual', '<service/><virtual'),
      services({ reals: '<server/>' }),
      services().replaceAll('surealived', 'keepalived'),
    ])
      expect(() => load(xml)).toThrow(/expected .*<(surealived|virtual|tester|real)>.*, got </);
  },
  'a name has at most 127 bytes'() {
    expect(only(withVirtual('"web"', `"${'n'.repeat(127)}"`)).name).toHaveLength(127);
    expect(() => load(withVirtual('"web"', `"${'n'.repeat(128)}"`))).toThrow('attribute "name"');
    expect(() => load(services({ reals: `<real ${REAL.replace('w1', 'n'.repeat(128))}/>` }))).toThrow(
      '"name"',
    );
  },
  'addr and port are mandatory unless there is a fwmark; with it they are 0.0.0.0 and 0'() {
    const mark = 'name="m" proto="fwmark" fwmark="7" sched="rr" rt="dr"';
    const expected = { address: { text: '0.0.0.0' }, port: 0, fwmark: 7 };
    expect(only(services({ virtual: mark }))).toMatchObject(expected);
    expect(only(services({ virtual: `${mark} addr="192.168.0.1" port="80"` }))).toMatchObject(expected);
  },
  'ops is for UDP only'() {
    expect(only(withVirtual('"tcp"', '"udp" ops="1"')).onePacket).toBe(true);
    expect(complaints(withVirtual('"tcp"', '"tcp" ops="1"'))).toContain('"ops"');
  },
  'multicast addresses are refused, for virtuals and reals'() {
    for (const address of ['224.0.0.1', '239.255.255.255', 'ff02::1']) {
      expect(complaints(withVirtual('192.168.0.1', address))).toContain('not multicast');
      expect(complaints(services({ reals: `<real ${REAL.replace('10.0.0.11', address)}/>` }))).toContain(
        'not multicast',
      );
    }
  },
  'booleans are 1/0, true/false, on/off in any case'() {
    const removeOnFail = (text: string) => only(withTester(`remove_on_fail="${text}"`)).testing.removeOnFail;
    for (const yes of ['1', 'true', 'TRUE', 'on', 'On']) expect(removeOnFail(yes)).toBe(true);
    for (const no of ['0', 'false', 'False', 'off', 'OFF']) expect(removeOnFail(no)).toBe(false);
  },
  'stats_samples is 1..20'() {
    for (const good of [1, 20])
      expect(only(withTester(`stats_samples="${good}"`)).testing.statsSamples).toBe(good);
    for (const bad of [0, 21])
      expect(complaints(withTester(`stats_samples="${bad}"`))).toContain('an integer 1..20');
  },
  'testport is mandatory but for no-test'() {
    expect(only(services({ tester: '<tester proto="no-test"/>' })).testing.tester.name).toBe('no-test');
    expect(complaints(services({ tester: '<tester proto="tcp"/>' }))).toContain('"testport": missing');
  },
  'a real overrides every attribute of its module'() {
    const [web, , dns] = load(readFixture('services.xml')).virtuals;
    const other = { url: '/other', host: 'other.example.org', naive: false, retcode: '301' };
    expect(web?.reals[1]?.attributes).toEqual(other);
    expect(dns?.reals[0]?.attributes).toMatchObject({ request: 'example.net' });
  },
});
