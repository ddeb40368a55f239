import { endianness } from 'node:os';
import * as libc from '@surealived/shared/libc';
import { NETLINK_GENERIC } from '../wire/genl.js';
import { DatagramReceiver } from './datagram-receiver.js';
import type { Transport } from './transport.js';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SO_RCVBUF = 8;
const SO_RCVTIMEO = 20;
/** Like SO_RCVBUF, but with CAP_NET_ADMIN it may pass net.core.rmem_max. */
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
/** Errors come without the request that they answer. */
const NETLINK_CAP_ACK = 10;

const RECEIVE_BUFFER_BYTES = 1 << 20;

/**
 * Opens a generic netlink socket in the network namespace of the process.
 *
 * @param timeoutMs How long `receive` waits at most.
 * @throws SystemCallError.
 */
export function openNetlinkSocket(timeoutMs: number): Transport {
  const fd = libc.socket(AF_NETLINK, SOCK_RAW | libc.SOCK_CLOEXEC, NETLINK_GENERIC);
  if (fd < 0) throw libc.systemCallError('socket(AF_NETLINK)');
  setUp(fd, timeoutMs);
  const incoming = new DatagramReceiver(fd);
  return {
    send(datagram) {
      if (libc.send(fd, datagram, datagram.length, 0) < 0) throw libc.systemCallError('send');
    },
    receive: () => incoming.receive(),
    close: () => void libc.close(fd),
  };
}

/** The receive buffer and short errors are a help, not a need: an older kernel may refuse them. */
function setUp(fd: number, timeoutMs: number): void {
  const bufferBytes = Buffer.from(Int32Array.of(RECEIVE_BUFFER_BYTES).buffer);
  if (libc.setsockopt(fd, libc.SOL_SOCKET, SO_RCVBUFFORCE, bufferBytes, 4) !== 0)
    libc.setsockopt(fd, libc.SOL_SOCKET, SO_RCVBUF, bufferBytes, 4);
  libc.setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, Buffer.from(Int32Array.of(1).buffer), 4);
  const timeout = timeval(timeoutMs);
  if (libc.setsockopt(fd, libc.SOL_SOCKET, SO_RCVTIMEO, timeout, timeout.length) !== 0)
    throw libc.systemCallError('setsockopt(SO_RCVTIMEO)');
}

/** `struct timeval` of 64-bit Linux: seconds and microseconds, 8 bytes each. */
function timeval(timeoutMs: number): Buffer {
  const bytes = Buffer.alloc(16);
  const words = [BigInt(Math.floor(timeoutMs / 1000)), BigInt(Math.round((timeoutMs % 1000) * 1000))];
  for (const [i, word] of words.entries())
    endianness() === 'LE' ? bytes.writeBigInt64LE(word, 8 * i) : bytes.writeBigInt64BE(word, 8 * i);
  return bytes;
}
