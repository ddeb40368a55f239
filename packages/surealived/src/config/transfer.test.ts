import { readFileSync } from 'node:fs';
import { TesterRegistry } from '@surealived/testers/registry';
import { expect, it } from 'vitest';
import { realConfig, virtualConfig } from '../services.test-kit.js';
import { parseServices } from './load.js';
import { packVirtual, unpackVirtual } from './transfer.js';

const registry = new TesterRegistry();
const load = (text: string) => parseServices(text, 'services.xml', { registry }).virtuals;

const EXAMPLES = new URL('../../../../examples/', import.meta.url);

it.each(['demo.xml', 'fwmark.xml', 'ipv6.xml', 'ipvs.xml', 'no-test.xml', 'web.xml'])(
  'brings the virtuals of %s over as they were',
  (name) => {
    for (const virtual of load(readFileSync(new URL(name, EXAMPLES), 'utf8'))) {
      const text = packVirtual(virtual);
      expect(unpackVirtual(text, registry)).toStrictEqual(virtual);
      expect(packVirtual(unpackVirtual(text, registry))).toBe(text);
    }
  },
);

it('brings TLS, notifications and source addresses over, and keeps one what was one', () => {
  const [virtual] = load(`
    <surealived>
      <virtual name="w" addr="192.0.2.1" port="443" proto="tcp" sched="wrr" rt="dr"
               slowstart="2.5" min_online="50%">
        <tester proto="http" testport="443" url="/" host="a.example" SSL="1" tls_min_days="7"
                notify_up="/bin/up" notify_min_reals="50%"/>
        <real name="a" addr="10.0.0.1" port="443" weight="1" bindaddr="10.0.0.9"/>
        <real name="b" addr="10.0.0.2" port="443" weight="1" host="b.example"/>
        <real name="c" addr="10.0.0.3" port="443" weight="1"/>
      </virtual>
    </surealived>`);
  if (!virtual) return expect.unreachable();
  const text = packVirtual(virtual);
  const copy = unpackVirtual(text, registry);
  expect(copy).toStrictEqual(virtual);
  expect(packVirtual(copy)).toBe(text);
  const [a, b, c] = copy.reals;
  expect(a?.attributes).toBe(c?.attributes);
  expect(a?.tls?.policy).toBe(b?.tls?.policy);
});

it('knows a virtual with certificates of its own by its text, also after it was brought over', () => {
  const policy = { verify: true, caFile: '/etc/ca.pem', caStamp: '0123456789abcdef', minDays: 0 };
  const virtual = virtualConfig([realConfig('w1', { tls: { serverName: undefined, policy } })]);
  const text = packVirtual(virtual);
  expect(packVirtual(unpackVirtual(text, registry))).toBe(text);
});

it('needs the tester that a text names', () => {
  const [virtual] = load(readFileSync(new URL('no-test.xml', EXAMPLES), 'utf8'));
  if (!virtual) return expect.unreachable();
  expect(() => unpackVirtual(packVirtual(virtual), new TesterRegistry([]))).toThrow('no tester "no-test"');
});
