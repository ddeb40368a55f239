import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TesterRegistry } from '@surealived/testers/registry';
import { parseServices } from 'surealived/config/load';
import { describe, expect } from 'vitest';
import { itWith, run } from './tools.test-kit.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const schema = `${root}docs/surealived.xsd`;
const examples = `${root}examples/`;
const bad = `${root}packages/surealived/src/config/testdata/bad/`;
const registry = new TesterRegistry();
const itWithXmllint = itWith('xmllint', 'libxml2-utils');

function validate(file: string, input = ''): string {
  return run('xmllint', ['--nonet', '--noout', '--schema', schema, file], input).stderr;
}

/** The loader's and the schema's word about a text: whether it is accepted. */
function judge(services: string): { readonly loader: boolean; readonly schema: boolean } {
  let loader = true;
  try {
    loader = parseServices(services, 'x', { registry }).warnings.length === 0;
  } catch {
    loader = false;
  }
  return { loader, schema: validate('-', services) === '- validates\n' };
}

function services({ root = '', virtual = 'sched="rr"', tester = '', addr = '10.0.0.1', real = '' }): string {
  return `<surealived ${root}><virtual name="v" addr="10.0.0.9" port="80" proto="tcp" rt="tun" ${virtual}>
    <real name="r" addr="${addr}" port="80" weight="1" ${real}/>
    <tester proto="tcp" testport="80" ${tester}/></virtual></surealived>`;
}

describe('docs/surealived.xsd', () => {
  itWithXmllint.each(readdirSync(examples).filter((name) => name.endsWith('.xml')))('accepts %s', (name) => {
    expect(validate(`${examples}${name}`)).toBe(`${examples}${name} validates\n`);
  });

  itWithXmllint.each([
    ['combinations.xml', ["'retcode': [facet 'pattern']"]],
    [
      'missing.xml',
      ["'name' is required", "'sched' is required", "'addr' is required", "'proto' is required"],
    ],
    ['misspelt.xml', ["'nane' is not allowed", "'colour' is not allowed"]],
    ['other-root.xml', ["'keepalived'"]],
    ['structure.xml', ["'tester': This element is not expected", "'vrtual'"]],
    ['twins.xml', ["Duplicate key-sequence ['10.0.0.1', '80']"]],
    [
      'values.xml',
      ["'drr'", "'http'", "'-1'", "'maybe'", "'0' is less", "'10.0.0'", "'70000'", "'ten'", "'239.1.2.3'"],
    ],
  ])('finds in %s what a schema can', (name, complaints) => {
    const output = validate(`${bad}${name}`);
    expect(output).toContain('fails to validate');
    for (const complaint of complaints) expect(output).toContain(complaint);
  });

  itWithXmllint.each([
    ['an address', { addr: '255.0.0.1' }],
    ['an address at the edge of multicast', { addr: '223.255.255.255' }],
    ['IPv6', { addr: '2001:db8::1' }],
    ['IPv6 of all groups', { addr: '2001:DB8:0:0:1:2:3:4' }],
    ['IPv6 with zeros first', { addr: '::ffff:192.0.2.1' }],
    ['IPv6 that only looks like multicast', { addr: 'ff:1::1' }],
    [
      'switches',
      { virtual: 'sched="rr" ops="OfF"', tester: 'remove_on_fail="TRUE" debugcomm="on" logmicro="1"' },
    ],
    ['edges of ranges', { tester: 'timeout="0.01" loopdelay="86400" retries2ok="1000" stats_samples="20"' }],
    ['a sign and leading zeros', { real: 'uthresh="+007" lthresh="2"' }],
    ['thresholds', { tester: 'notify_min_reals="50%" notify_min_weight="7" notify_up="/bin/true"' }],
    ['quoted characters', { tester: 'real_notify_down="a &lt; &quot;b&quot; ü"' }],
    [
      'the place of the schema',
      {
        root: 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="surealived.xsd"',
      },
    ],
  ])('accepts as the loader does: %s', (_what, parts) => {
    expect(judge(services(parts))).toEqual({ loader: true, schema: true });
  });

  itWithXmllint.each([
    ['multicast', { addr: '224.0.0.1' }],
    ['multicast of IPv6', { addr: 'ff02::1' }],
    ['an address out of range', { addr: '10.0.0.256' }],
    ['a leading zero', { addr: '10.0.0.01' }],
    ['a name for an address', { addr: 'www1' }],
    ['an attribute that no virtual has', { virtual: 'sched="rr" shed="rr"' }],
    ['a scheduler with a space', { virtual: 'sched="r r"' }],
    ['no scheduler', { virtual: '' }],
    ['a fraction where none belongs', { real: 'uthresh="1.5"' }],
    ['a number in words', { tester: 'loopdelay="1s"' }],
    ['a range', { tester: 'stats_samples="21"' }],
    ['an empty path', { tester: 'notify_up=""' }],
    ['a percentage of nothing', { tester: 'notify_min_reals="%"' }],
  ])('refuses as the loader does: %s', (_what, parts) => {
    expect(judge(services(parts))).toEqual({ loader: false, schema: false });
  });

  itWithXmllint('lets testers of others have attributes of their own', () => {
    const text = services({ tester: 'depth="3"', real: 'depth="4"' }).replace(
      'proto="tcp" testport',
      'proto="x" testport',
    );
    expect(validate('-', text)).toBe('- validates\n');
  });
});
