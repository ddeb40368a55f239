import { describe, expect, it } from 'vitest';
import { parseServiceName } from './service-names.js';

describe('parseServiceName', () => {
  it.each([
    ['tcp:192.0.2.1:80', 'tcp 192.0.2.1:80'],
    ['UDP:[2001:DB8:0::1]:53', 'udp [2001:db8::1]:53'],
    ['sctp:192.0.2.1:0', 'sctp 192.0.2.1:0'],
    ['fwmark:7', 'fwmark 7'],
    ['fwmark:4294967295', 'fwmark 4294967295'],
  ])('reads %s', (text, name) => {
    expect(parseServiceName(text)).toBe(name);
  });

  it.each([
    '',
    'tcp',
    'tcp:192.0.2.1',
    'tcp:192.0.2.1:',
    'tcp:192.0.2.1:65536',
    'tcp:192.0.2.256:80',
    'tcp:[192.0.2.1]:80',
    'tcp:2001:db8::1:80',
    'icmp:192.0.2.1:80',
    'fwmark:0',
    'fwmark:x',
    'fwmark:4294967296',
  ])('refuses "%s"', (text) => {
    expect(parseServiceName(text)).toBeUndefined();
  });
});
