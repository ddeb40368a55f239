import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError, describeProblem } from '@surealived/shared/errors';
import { TesterRegistry } from '@surealived/testers/registry';
import { write } from '@surealived/testers/requests';
import { defineStreamTester, up } from '@surealived/testers/tester';
import Type from 'typebox';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../shared/src/files.test-kit.js';
import { loadServices, parseServices, type Services } from './load.js';

const registry = new TesterRegistry();
const badFolder = fileURLToPath(new URL('./testdata/bad/', import.meta.url));
const badFiles = readdirSync(badFolder).filter((name) => name.endsWith('.xml'));

/** One virtual of one real, with attributes put in. */
function services({ virtual = '', tester = 'proto="tcp" testport="80"', real = '' } = {}): string {
  return `<surealived>
    <virtual name="web" addr="192.168.0.1" port="80" proto="tcp" sched="wrr" rt="dr" ${virtual}>
      <tester ${tester}/>
      <real name="w1" addr="10.0.0.1" port="80" weight="10" ${real}/>
    </virtual>
  </surealived>`;
}

function load(text: string, strict = false): Services {
  return parseServices(text, 'services.xml', { registry, strict });
}

function problemsOf(text: string, file = 'services.xml', testers = registry): string {
  try {
    parseServices(text, file, { registry: testers });
  } catch (error) {
    if (error instanceof ConfigError) return `${error.message}\n`;
    throw error;
  }
  throw new Error(`${file} was accepted`);
}

describe('a services file', () => {
  it('has the documented defaults', () => {
    const [virtual] = load(services()).virtuals;
    expect(virtual).toMatchObject({ persistenceSec: 0, onePacket: false, fwmark: 0 });
    expect(virtual?.testing).toMatchObject({
      loopDelayMs: 3000,
      timeoutMs: 5000,
      thresholds: { rise: 1, fall: 1 },
      removeOnFail: false,
    });
    expect(virtual?.reals[0]).toMatchObject({
      testPort: 80,
      upperThreshold: 0,
      lowerThreshold: 0,
      forwarding: 'dr',
    });
  });

  it('may say how clients are kept together, and how the scheduler chooses', () => {
    const text = services({
      virtual: 'pers="60" pers_prefix="255.255.255.0" sched_flags="sh-port,sh-fallback"',
    });
    const [virtual] = load(text.replace('"wrr"', '"sh"')).virtuals;
    expect(virtual).toMatchObject({
      schedulerFlags: ['sh-fallback', 'sh-port'],
      persistencePrefix: 24,
      persistenceEngine: '',
    });
    const calls = services({ virtual: 'pers="60" pe="sip"' }).replace(
      'proto="tcp" sched',
      'proto="udp" sched',
    );
    expect(load(calls).virtuals[0]).toMatchObject({ persistenceEngine: 'sip', persistencePrefix: 32 });
  });

  it('may let reals drain, though not those of UDP', () => {
    expect(load(services({ virtual: 'drain_timeout="600"' })).virtuals[0]).toMatchObject({
      drainTimeoutSec: 600,
    });
    const udp = services({ virtual: 'drain_timeout="600"' }).replace(
      'proto="tcp" sched',
      'proto="udp" sched',
    );
    const { virtuals, warnings } = load(udp);
    expect(virtuals).toHaveLength(1);
    expect(warnings).toMatchObject([{ message: expect.stringContaining('a real of UDP leaves at once') }]);
  });

  it('may let weights climb, and keep a number or a share of its reals', () => {
    const own = (attributes: string) => load(services({ virtual: attributes }), true).virtuals[0];
    expect(own('')).toMatchObject({ slowStartMs: 0, minOnline: { value: 0, isPercent: false } });
    expect(own('slowstart="2.5" min_online="30%"')).toMatchObject({
      slowStartMs: 2500,
      minOnline: { value: 30, isPercent: true },
    });
    expect(own('slowstart="0" min_online="1"')).toMatchObject({
      slowStartMs: 0,
      minOnline: { value: 1, isPercent: false },
    });
  });

  it.each([
    [
      'min_online="101%"',
      'attribute "min_online": expected a number, or a percentage from 0% to 100%, got "101%"',
    ],
    [
      'min_online="half"',
      'attribute "min_online": expected a number, or a percentage from 0% to 100%, got "half"',
    ],
    [
      'min_online="-1"',
      'attribute "min_online": expected a number, or a percentage from 0% to 100%, got "-1"',
    ],
    ['slowstart="-1"', 'attribute "slowstart": expected a number 0..86400, got "-1"'],
    ['slowstart="30s"', 'attribute "slowstart": expected a number 0..86400, got "30s"'],
  ])('is refused with %s', (attributes, message) => {
    expect(() => load(services({ virtual: attributes }))).toThrow(message);
  });

  it.each([
    [
      'slowstart="30"',
      '"rr"',
      '10',
      'has no effect with the scheduler "rr", to which all weights are the same',
    ],
    ['slowstart="30"', '"wrr"', '1', 'has no effect, since no real has a weight above 1'],
    ['min_online="9"', '"wrr"', '10', 'none is ever taken out by its tests'],
  ])('is warned of %s with scheduler %s and weights of %s', (attributes, scheduler, weight, message) => {
    const text = services({ virtual: attributes })
      .replace('"wrr"', scheduler)
      .replace(/weight="\d+"/g, `weight="${weight}"`);
    expect(load(text).warnings).toMatchObject([{ message: expect.stringContaining(message) }]);
  });

  it('has sentinels where the tester asks for them, or a real', () => {
    const text = `<surealived>
      <virtual name="a" addr="192.0.2.1" port="80" proto="tcp" sched="rr" rt="dr">
        <tester proto="tcp" testport="80" sentinel="1"/>
        <real name="a1" addr="10.0.0.1" port="80" weight="1"/>
        <real name="a2" addr="10.0.0.2" port="80" weight="1" sentinel="off"/>
      </virtual>
      <virtual name="b" addr="192.0.2.2" port="22" proto="tcp" sched="rr" rt="dr">
        <tester proto="ssh" testport="22"/>
        <real name="b1" addr="10.0.0.1" port="22" weight="1"/>
        <real name="b2" addr="10.0.0.2" port="22" weight="1" sentinel="1"/>
      </virtual></surealived>`;
    const { virtuals } = load(text, true);
    expect(virtuals.map(({ reals }) => reals.map(({ sentinel }) => sentinel))).toEqual([
      [true, false],
      [false, true],
    ]);
  });

  it('warns of a sentinel where the tester may not talk TCP', () => {
    const { virtuals, warnings } = load(
      services({ tester: 'proto="exec" exec="true" testport="80" sentinel="1"' }),
    );
    expect(virtuals[0]?.reals[0]?.sentinel).toBe(true);
    expect(warnings.map(({ message }) => message)).toEqual([
      'virtual "web" > tester: attribute "sentinel": it connects to the test port by TCP, which the tester exec may not do',
    ]);
  });

  it('takes a prefix for the family that the reals of a mark tell', () => {
    const text = `<surealived><virtual name="m" proto="fwmark" fwmark="7" sched="rr" rt="dr" pers="9" pers_prefix="64">
      <tester proto="no-test"/><real name="a" addr="2001:db8::1" port="0" weight="1"/></virtual></surealived>`;
    expect(load(text).virtuals[0]).toMatchObject({ persistencePrefix: 64 });
  });

  it('may say how a tunnel wraps packets, for all reals and for one', () => {
    const text = `<surealived>
      <virtual name="t" addr="192.0.2.1" port="80" proto="tcp" sched="rr" rt="tun" tun_type="gue" tun_port="6080">
        <tester proto="no-test"/>
        <real name="a" addr="10.0.0.1" port="80" weight="1"/>
        <real name="b" addr="10.0.0.2" port="80" weight="1" tun_port="6081" tun_flags="remcsum"/>
        <real name="c" addr="10.0.0.3" port="80" weight="1" tun_type="gre" tun_flags="csum"/>
        <real name="d" addr="10.0.0.4" port="80" weight="1" tun_type="ipip"/>
        <real name="e" addr="10.0.0.5" port="80" weight="1" rt="masq"/>
      </virtual></surealived>`;
    expect(load(text, true).virtuals[0]?.reals.map(({ tunnel }) => Object.values(tunnel).join(' '))).toEqual([
      'gue 6080 nocsum',
      'gue 6081 remcsum',
      'gre 0 csum',
      'ipip 0 nocsum',
      'ipip 0 nocsum',
    ]);
  });

  it('warns of a tunnel that nothing goes through', () => {
    const { warnings } = load(services({ virtual: 'tun_type="gre"', real: 'tun_flags="csum"' }));
    expect(warnings.map(({ message }) => message)).toEqual([
      'virtual "web": attribute "tun_type": has no effect without rt="tun"',
      'virtual "web" > real "w1": attribute "tun_flags": has no effect without rt="tun"',
    ]);
  });

  it('warns of a port that dr and tun cannot reach, and of reals that are one in IPVS', () => {
    const real = (name: string, port: number, rt: string): string =>
      `<real name="${name}" addr="10.0.0.9" port="${port}" weight="1" rt="${rt}"/>`;
    const more = `${real('a', 80, 'dr')}${real('b', 81, 'tun')}${real('c', 82, 'masq')}</virtual>`;
    const { virtuals, warnings } = load(services().replace('</virtual>', more));
    expect(virtuals[0]?.reals.map(({ port }) => port)).toEqual([80, 80, 81, 82]);
    expect(warnings.map(({ message }) => message)).toEqual([
      'virtual "web" > real "b": attribute "port": rt="tun" cannot change ports: it is 80 in IPVS, as of the virtual',
      'virtual "web" > real "b": IPVS has it and the one at line 5 as 10.0.0.9:80',
    ]);
  });

  it('may balance SCTP', () => {
    const text = services().replace('proto="tcp" sched', 'proto="sctp" sched');
    expect(load(text, true).virtuals[0]).toMatchObject({ protocol: 'sctp', port: 80 });
  });

  it('may tell an editor where its schema is', () => {
    const place =
      'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="s.xsd"';
    expect(load(services().replace('<surealived>', `<surealived ${place}>`), true).warnings).toEqual([]);
  });

  it('lets a real override port, method and every attribute of the module', () => {
    const tester = 'proto="http" testport="80" url="/" host="www"';
    const real = 'testport="8081" rt="masq" url="/x?a=1&amp;b=2" retcode="204" bindaddr="10.0.0.9"';
    const [virtual] = load(services({ tester, real })).virtuals;
    expect(virtual?.reals[0]).toMatchObject({
      testPort: 8081,
      forwarding: 'masq',
      attributes: { url: '/x?a=1&b=2', host: 'www', naive: false, retcode: '204' },
      bindAddress: { text: '10.0.0.9' },
    });
  });

  it('does not ask of the tester what every real gives', () => {
    const [virtual] = load(
      services({ tester: 'proto="http"', real: 'testport="81" url="/" host="h"' }),
    ).virtuals;
    expect(virtual?.reals[0]).toMatchObject({ testPort: 81, attributes: { url: '/', host: 'h' } });
  });

  it('shares one attributes object among reals that override nothing', () => {
    const text = services({ tester: 'proto="http" testport="80" url="/" host="h"' });
    const two = text.replace(
      '</virtual>',
      '<real name="w2" addr="10.0.0.2" port="80" weight="1"/></virtual>',
    );
    const reals = load(two).virtuals[0]?.reals;
    expect(reals?.[0]?.attributes).toBe(reals?.[1]?.attributes);
  });

  it.each(['1', 'true', 'ON', 'On', 'TRUE'])('takes %s as true', (flag) => {
    expect(
      load(services({ tester: `proto="no-test" remove_on_fail="${flag}"` })).virtuals[0]?.testing
        .removeOnFail,
    ).toBe(true);
  });

  it('takes fractions of seconds', () => {
    const tester = 'proto="no-test" loopdelay="0.25" timeout="1.5"';
    expect(load(services({ tester })).virtuals[0]?.testing).toMatchObject({
      loopDelayMs: 250,
      timeoutMs: 1500,
    });
  });

  it('may have other delays while a change is pending and while a real is offline', () => {
    const testing = (tester: string) => load(services({ tester })).virtuals[0]?.testing;
    expect(testing('proto="no-test" loopdelay="2"')).toMatchObject({
      loopDelayMs: 2000,
      fastDelayMs: 2000,
      downDelayMs: 2000,
      jitterPercent: 0,
    });
    const own = 'loopdelay="2" fastdelay="0.25" downdelay="7.5" jitter="20" retries2fail="3"';
    expect(testing(`proto="no-test" ${own}`)).toMatchObject({
      loopDelayMs: 2000,
      fastDelayMs: 250,
      downDelayMs: 7500,
      jitterPercent: 20,
    });
  });

  it('warns of a fastdelay that never comes', () => {
    const warnings = (retries: string) =>
      load(services({ tester: `proto="no-test" fastdelay="1" ${retries}` })).warnings.map(describeProblem);
    expect(warnings('')).toEqual([
      'services.xml:3:31: virtual "web" > tester: attribute "fastdelay": has no effect without retries2ok or retries2fail above 1',
    ]);
    expect(warnings('retries2ok="2"')).toEqual([]);
    expect(warnings('retries2fail="2"')).toEqual([]);
  });

  it.each([
    ['fastdelay="-1" retries2ok="2"', 'attribute "fastdelay": expected a number 0..86400, got "-1"'],
    ['downdelay="86401"', 'attribute "downdelay": expected a number 0..86400, got "86401"'],
    ['jitter="51"', 'attribute "jitter": expected an integer 0..50, got "51"'],
  ])('refuses %s', (tester, message) => {
    expect(problemsOf(services({ tester: `proto="no-test" ${tester}` }))).toBe(
      `services.xml:3:31: virtual "web" > tester: ${message}\n`,
    );
  });

  it.each([
    ['no reals: IPv4', '', '', '0.0.0.0'],
    ['the reals tell the family', '', '<real name="a" addr="2001:db8::1" port="0" weight="1"/>', '::'],
    ['addr tells the family', 'addr="::"', '', '::'],
  ])('gives a firewall mark the address of its family (%s)', (_, attributes, reals, address) => {
    const text = `<surealived><virtual name="m" proto="fwmark" fwmark="7" sched="rr" rt="tun" ${attributes}>
      <tester proto="no-test"/>${reals}</virtual></surealived>`;
    expect(load(text).virtuals[0]).toMatchObject({ fwmark: 7, port: 0, address: { text: address } });
  });

  it('may hold one mark for each family', () => {
    const virtual = (addr: string): string =>
      `<virtual name="m" proto="fwmark" fwmark="7" addr="${addr}" sched="rr" rt="dr"><tester proto="no-test"/></virtual>`;
    expect(load(`<surealived>${virtual('0.0.0.0')}${virtual('::')}</surealived>`).virtuals).toHaveLength(2);
  });

  it('warns of unknown attributes and names the nearest known one', () => {
    const { warnings } = load(services({ real: 'wieght="3"', virtual: 'colour="red"' }));
    expect(warnings.map(describeProblem)).toEqual([
      'services.xml:2:86: virtual "web": attribute "colour": not known here',
      'services.xml:4:61: virtual "web" > real "w1": attribute "wieght": not known here, did you mean "weight"?',
    ]);
  });

  it('takes warnings for errors when strict', () => {
    expect(() => load(services({ real: 'wieght="3"' }), true)).toThrow(
      /^services\.xml:4:61: virtual "web" > real "w1"/,
    );
  });

  it('warns of a scheduler that Linux does not have, and of a file without virtuals', () => {
    const odd = services().replace('sched="wrr"', 'sched="wrrr"');
    expect(load(odd).warnings.map(({ message }) => message)).toEqual([
      'virtual "web": attribute "sched": Linux has no scheduler "wrrr", did you mean "wrr"?',
    ]);
    expect(load('<surealived/>').warnings.map(({ message }) => message)).toEqual([
      'surealived: there is no virtual in it',
    ]);
  });

  it('warns of attributes of TLS that nothing switches on', () => {
    const { warnings } = load(services({ tester: 'proto="tcp" testport="80" tls_verify="1"' }));
    expect(warnings.map(({ message }) => message)).toEqual([
      'virtual "web" > tester: attribute "tls_verify": has no effect without SSL="1"',
    ]);
  });

  it('may begin with a byte order mark, comments and a declaration, and end with comments', () => {
    const text = `\ufeff<?xml version="1.0"?>\n<!-- <virtual/> -->\n${services()}\n<!-- end -->\n`;
    expect(load(text).virtuals).toHaveLength(1);
  });

  it.each([
    ['ISO-8859-2', [0xb3, 0xf3]],
    ['windows-1250', [0xb3, 0xf3]],
    ['utf-8', [0xc5, 0x82, 0xc3, 0xb3]],
  ])('may be written in another encoding, which its declaration names: %s', (encoding, letters) => {
    const [before = '', after = ''] = services().replace('"w1"', '"wLETTERS"').split('LETTERS');
    const parts = [`<?xml version="1.0" encoding="${encoding}"?>\n${before}`, letters, after];
    const file = join(temporaryDirectory(), 'services.xml');
    writeFileSync(file, Buffer.concat(parts.map((part) => Buffer.from(part as string))));
    expect(loadServices(file, { registry }).virtuals[0]?.reals[0]?.name).toBe('włó');
  });

  it('is refused when it is not in the encoding that it declares', () => {
    const file = join(temporaryDirectory(), 'services.xml');
    writeFileSync(file, `<?xml version='1.0' encoding='KLINGON'?>${services()}`);
    expect(() => loadServices(file, { registry })).toThrow(`${file}: not KLINGON text`);
    writeFileSync(file, Buffer.from(`<?xml version="1.0"?><!-- \xb3 -->${services()}`, 'latin1'));
    expect(() => loadServices(file, { registry })).toThrow(`${file}: not UTF-8 text`);
  });
});

describe('a services file that cannot be used', () => {
  it('is refused where a tester from elsewhere fails to check its attributes, at each element', () => {
    const odd = defineStreamTester({
      name: 'odd',
      description: 'Cannot check what it is given.',
      attributes: Type.Object({ mode: Type.String({ default: '', description: 'How to fail.' }) }),
      findFault({ mode }) {
        if (mode === 'throw') throw new Error('a mistake');
        return mode === 'promise' ? (Promise.resolve() as never) : undefined;
      },
      *probe() {
        yield* write('');
        return up('');
      },
    });
    const problemOf = (attributes: object): string =>
      problemsOf(
        services({ tester: 'proto="odd" testport="80"', ...attributes }),
        'x',
        new TesterRegistry([odd]),
      );
    const failed = 'the tester "odd" failed to check its attributes:';
    const tester = 'proto="odd" testport="80" mode="throw"';
    expect(problemOf({ tester })).toMatch(`x:3:7: virtual "web" > tester: ${failed} a mistake`);
    expect(problemOf({ real: 'mode="throw"' })).toMatch(`> real "w1": ${failed} a mistake`);
    expect(problemOf({ real: 'mode="promise"' })).toMatch(`${failed} not a fault: {}`);
  });

  it('is refused where attributes of a tester and of a real do not go together', () => {
    const tester = 'proto="ssh" testport="22" user="probe" password="x"';
    expect(load(services({ tester })).virtuals).toHaveLength(1);
    const problem = 'attribute "password": has no effect without a user';
    expect(problemsOf(services({ tester, real: 'user=""' }))).toMatch(`real "w1": ${problem}`);
    // once, where it was said at the tester
    expect(problemsOf(services({ tester: tester.replace('probe', ''), real: 'command="true"' }))).not.toMatch(
      `real "w1": ${problem}`,
    );
  });

  it('is refused with a real that nobody can reach without naming an interface', () => {
    const text = services().replaceAll('192.168.0.1', '2001:db8::1').replace('10.0.0.1', 'FE80::1');
    expect(problemsOf(text)).toMatch('attribute "addr": a link-local address needs an interface');
  });

  it.each(badFiles)('%s is refused with all its problems', async (name) => {
    const text = readFileSync(`${badFolder}${name}`, 'utf8');
    await expect(problemsOf(text, name)).toMatchFileSnapshot(`${badFolder}${name.replace('.xml', '.txt')}`);
  });

  it('is refused quickly, whatever is piled up in it', () => {
    const piles = {
      elements: `<surealived>${'<a>'.repeat(300_000)}`,
      comments: `${'<!--'.repeat(300_000)}`,
      attributes: `<surealived ${Array.from({ length: 50_000 }, (_, i) => `a${i}="1"`).join(' ')}><x/></surealived>`,
      entities: `<surealived><virtual name="${'&amp;'.repeat(300_000)}"/></surealived>`,
      brackets: `<surealived>${'<'.repeat(300_000)}`,
      quotes: `<surealived a="${"'".repeat(300_000)}`,
    };
    for (const text of Object.values(piles)) expect(problemsOf(text)).not.toBe('');
  });
});
