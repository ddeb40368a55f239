import { rootCertificates } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { CertificateError } from './errors.js';
import { countCertificates, SecureContext, tlsObstacle } from './openssl.js';

const [first = '', second = ''] = rootCertificates;
const damaged = first.replace(/\n[A-Za-z0-9+/]{8}/, '\nAAAAAAAA');

it('finds OpenSSL in this Node', () => {
  expect(tlsObstacle()).toBeUndefined();
});

describe('certificates in PEM', () => {
  it.each([
    ['nothing', '', 0],
    ['no PEM at all', 'hello\n', 0],
    ['a key only', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n', 0],
    ['one', first, 1],
    ['two with words between', `# one\n${first}\nand two\n${second}\n`, 2],
    ['all that Node brings along', rootCertificates.join('\n'), rootCertificates.length],
  ])('are counted: %s', (_what, pem, count) => {
    expect(countCertificates(pem)).toBe(count);
  });

  it.each([
    ['that is damaged', `${first}\n${damaged}`, /^certificate 2: /],
    ['that is cut off', first.slice(0, 400), /^certificate 1: /],
    ['in no Base64', '-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n', /^certificate 1: /],
  ])('one %s is refused by its number', (_what, pem, message) => {
    expect(() => countCertificates(pem)).toThrow(CertificateError);
    expect(() => countCertificates(pem)).toThrow(message);
    expect(() => new SecureContext({ verify: true, trusted: pem })).toThrow(message);
  });
});

describe('a secure context', () => {
  it('is freed once, and makes no connections then', () => {
    const context = new SecureContext({ verify: false, trusted: '' });
    context.close();
    context.close();
    const peer = { serverName: undefined, identity: { ip: '127.0.0.1' } };
    expect(() => context.connect(0, peer)).toThrow('a closed SecureContext');
  });

  it('makes connections that are freed once and do nothing then, whether it is still there or not', () => {
    const context = new SecureContext({ verify: false, trusted: '' });
    const connection = context.connect(0, { serverName: 'www', identity: { host: 'www' } });
    context.close();
    connection.close();
    connection.close();
    expect(() => connection.handshake()).toThrow('a closed TlsConnection');
    expect(() => connection.read(Buffer.alloc(1), 1)).toThrow('a closed TlsConnection');
  });

  it.each([
    ['too long for SNI', { serverName: 'x'.repeat(256), identity: { host: 'x' } }],
    ['empty', { serverName: undefined, identity: { host: '' } }],
    ['no address', { serverName: undefined, identity: { ip: 'www' } }],
  ])('refuses a name that is %s', (_what, peer) => {
    const context = new SecureContext({ verify: true, trusted: first });
    expect(() => context.connect(0, peer)).toThrow(/^the name cannot be used/);
    context.close();
  });
});
