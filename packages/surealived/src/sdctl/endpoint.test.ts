import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_CONFIG_PATH } from '@surealived/shared/surealived-cfg';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../shared/src/files.test-kit.js';
import { describeEndpoint, findEndpoints } from './endpoint.js';

function configured(content: string) {
  const config = join(temporaryDirectory(), 'surealived.cfg');
  writeFileSync(config, content);
  return findEndpoints({ config, address: undefined, socket: undefined }).map(describeEndpoint);
}

function given(address: string) {
  return findEndpoints({ config: DEFAULT_CONFIG_PATH, address, socket: undefined }).map(describeEndpoint);
}

describe('findEndpoints', () => {
  it.each([
    ['', ['127.0.0.1:1337']],
    ['listen_addr 10.0.0.1\nlisten_port 1', ['10.0.0.1:1']],
    ['listen_addr 0.0.0.0', ['127.0.0.1:1337']],
    ['listen_addr ::', ['[::1]:1337']],
    ['listen_socket /run/s', ['/run/s', '127.0.0.1:1337']],
    ['listen_socket /run/s\nlisten_port 0', ['/run/s']],
  ])('takes it from the configuration %j', (content, endpoints) => {
    expect(configured(content)).toEqual(endpoints);
  });

  it.each(['localhost:1', '10.0.0.1:65535', '[2001:db8::1]:80'])('takes the address %s', (address) => {
    expect(given(address)).toEqual([address]);
  });

  it.each(['1337', 'localhost', ':1337', 'localhost:0', 'localhost:65536', '::1:80', '[::1]'])(
    'refuses the address %j',
    (address) => {
      expect(() => given(address)).toThrow(
        expect.objectContaining({ status: 2, message: `expected HOST:PORT, got "${address}"` }),
      );
    },
  );

  it('prefers a socket that is given', () => {
    const options = { config: '/none', address: 'localhost:1', socket: '/s' };
    expect(findEndpoints(options)).toEqual([{ path: '/s' }]);
  });

  it('says what is wrong with the configuration', () => {
    expect(() => configured('listen_port x')).toThrow('listen_port: expected an integer');
    expect(() => configured('listen_port 0')).toThrow('lets the port be any: give --address HOST:PORT');
    expect(() => findEndpoints({ config: '/none', address: undefined, socket: undefined })).toThrow(
      expect.objectContaining({ status: 2, message: expect.stringContaining('/none: ENOENT') }),
    );
  });
});
