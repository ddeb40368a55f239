import { type Address, parseAddress } from '@surealived/shared/address';
import * as libc from '@surealived/shared/libc';
import { afterEach, describe, expect, it } from 'vitest';
import { DatagramReceiver } from './datagram-receiver.js';

const loopback = parseAddress('127.0.0.1') as Address;
const open: number[] = [];

function datagramSocket(): number {
  const fd = libc.socket(libc.addressFamily(4), libc.SOCK_DGRAM | libc.SOCK_NONBLOCK | libc.SOCK_CLOEXEC, 0);
  expect(fd).toBeGreaterThan(0);
  open.push(fd);
  return fd;
}

/** A socket that hears on loopback, and one that talks to it. */
function pair(): { readonly receiver: DatagramReceiver; readonly send: (bytes: Buffer) => void } {
  const [from, to] = [datagramSocket(), datagramSocket()];
  const address = libc.encodeSockaddr(loopback, 0);
  expect(libc.bind(to, address, address.length)).toBe(0);
  expect(libc.getsockname(to, address, Buffer.from(Int32Array.of(address.length).buffer))).toBe(0);
  expect(libc.connect(from, address, address.length)).toBe(0);
  return {
    receiver: new DatagramReceiver(to),
    send: (bytes) => expect(libc.send(from, bytes, bytes.length, 0)).toBe(bytes.length),
  };
}

afterEach(() => {
  for (const fd of open.splice(0)) libc.close(fd);
});

describe('DatagramReceiver', () => {
  it('gives each datagram once and in order, however many wait', () => {
    const { receiver, send } = pair();
    for (const count of [1, 4, 3, 9]) {
      const sent = Array.from({ length: count }, (_, i) => Buffer.alloc(1 + 1000 * i, i + 1));
      for (const bytes of sent) send(bytes);
      expect(sent.map(() => receiver.receive().toString('hex'))).toEqual(
        sent.map((bytes) => bytes.toString('hex')),
      );
    }
  });

  it('tells that nothing came, and goes on', () => {
    const { receiver, send } = pair();
    expect(() => receiver.receive()).toThrow('recvmmsg: EAGAIN');
    send(Buffer.from('later'));
    expect(receiver.receive().toString()).toBe('later');
    expect(() => receiver.receive()).toThrow('recvmmsg: EAGAIN');
  });
});
