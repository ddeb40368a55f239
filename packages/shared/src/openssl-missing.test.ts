import { expect, it, vi } from 'vitest';
import { countCertificates, SecureContext, tlsObstacle } from './openssl.js';

// a Node whose OpenSSL cannot be found
vi.mock('koffi', async (load) => {
  const { default: koffi } = await load<{ default: typeof import('koffi') }>();
  const find = (prototype: string) => {
    const [, name] = /(\w+)\(/.exec(prototype) ?? [];
    if (name?.startsWith('SSL_')) throw new Error(`Cannot find function '${name}' in shared library`);
    return koffi.load(null).func(prototype);
  };
  return { default: { ...koffi, load: () => ({ func: find }) } };
});

it('says why TLS cannot be had, and refuses to begin', () => {
  const why = /^this build of Node \(v.*\) does not offer its OpenSSL: Cannot find function 'SSL_/;
  expect(tlsObstacle()).toMatch(why);
  expect(tlsObstacle()).toMatch(why);
  expect(() => new SecureContext({ verify: false, trusted: '' })).toThrow(why);
  expect(() => countCertificates('')).toThrow(why);
});
