import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { parseAddress } from './address.js';
import * as libc from './libc.js';

it.each([
  ['10.0.0.1', 80, '0200 0050 0a000001 0000000000000000'],
  ['2001:db8::1', 443, '0a00 01bb 00000000 20010db8000000000000000000000001 00000000'],
])('lays %s port %i out as the kernel does', (text, port, hex) => {
  const address = parseAddress(text);
  expect(address && libc.encodeSockaddr(address, port).toString('hex')).toBe(hex.replaceAll(' ', ''));
});

it('names the errno of a failed call', () => {
  expect(libc.close(-1)).toBe(-1);
  expect(libc.systemCallError('close')).toMatchObject({
    message: 'close: EBADF',
    errno: 9,
    errnoName: 'EBADF',
  });
});

it.each([
  [111, 'ECONNREFUSED'],
  [0, 'errno 0'],
])('calls errno %i %s', (code, name) => {
  expect(libc.errnoName(code)).toBe(name);
});

it('raises the limit of open files as far as it may, and says how far', () => {
  const program = `
    const { raiseOpenFileLimit } = await import('@surealived/shared/libc');
    console.log([64, 200, 250, 300].map(raiseOpenFileLimit).join(' '));
  `;
  // without the right to raise the hard limit, whoever runs the tests
  const command = 'ulimit -Sn 100; ulimit -Hn 250; exec "$@"';
  const drop = process.getuid?.() === 0 ? ['setpriv', '--bounding-set', '-sys_resource'] : [];
  const { stdout, stderr } = spawnSync(
    'sh',
    ['-c', command, 'sh', ...drop, process.execPath, '--input-type=module', '-e', program],
    { cwd: import.meta.dirname, encoding: 'utf8' },
  );
  // Node itself raises the soft limit to the hard one when it starts
  expect([stdout, stderr]).toEqual(['250 250 250 250\n', '']);
});
