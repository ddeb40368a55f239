import { addressFamily, encodeSockaddr } from '@surealived/shared/libc';
import { describe, expect, it } from 'vitest';
import { at } from '../services.test-kit.js';
import { endpointOf, sourceSockaddr } from './endpoint.js';

describe('Endpoint', () => {
  it.each([
    ['127.0.0.1', 80],
    ['0.0.0.1', 1],
    ['255.255.255.254', 65_535],
    ['::1', 53],
    ['2001:db8:89ab:cdef:fedc:ba98:8000:ffff', 443],
  ])('encodes %s port %i as it would be encoded each time', (text, port) => {
    const endpoint = endpointOf(at(text), port);
    endpointOf(at('198.51.100.7'), 7).encode();
    endpointOf(at('2001:db8::7'), 7).encode();
    expect(endpoint.encode().toString('hex')).toBe(encodeSockaddr(at(text), port).toString('hex'));
    expect(endpoint.domain).toBe(addressFamily(at(text).family));
  });

  it('encodes a source address once', () => {
    expect(sourceSockaddr(at('127.0.0.9'))).toEqual(encodeSockaddr(at('127.0.0.9'), 0));
    expect(sourceSockaddr(at('127.0.0.9'))).toBe(sourceSockaddr(at('127.0.0.9')));
  });
});
