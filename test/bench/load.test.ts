import { expect, it } from 'vitest';
import { addressOf, rateOf, renderVirtuals, servicesXml } from './load.js';

it('every one of 100,000 reals has an address of its own on the loopback interface', () => {
  const addresses = Array.from({ length: 100_000 }, (_, i) => addressOf('tcp', i));
  expect(new Set(addresses).size).toBe(100_000);
  expect(addresses.every((address) => /^127\.\d+\.\d+\.\d+$/.test(address))).toBe(true);
});

it('virtuals have ten reals each, the last what is left, and addresses of their own', () => {
  const seen: [string, number][] = [];
  renderVirtuals(2_565, (_, address, reals) => {
    seen.push([address, reals.length]);
    return '';
  });
  expect(seen[0]).toEqual(['10.0.0.0', 10]);
  expect(seen.at(-1)).toEqual(['10.0.1.0', 5]);
});

it('the services file asks for what the load says', () => {
  const load = { tester: 'https', reals: 20, loopDelaySec: 2 } as const;
  const xml = servicesXml(load, 8443);
  expect(rateOf(load)).toBe(10);
  expect(xml.match(/<real /g)).toHaveLength(20);
  expect(xml).toContain('SSL="1" testport="8443" loopdelay="2"');
});
